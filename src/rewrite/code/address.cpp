#include "rewrite/code/address.hpp"

#include "audit/text/vocabulary.hpp"

namespace segue::rewrite {

std::optional<std::string> ollama_openai_address(std::string_view url) {
    if (!url.starts_with("http://") && !url.starts_with("https://")) return std::nullopt;
    while (url.ends_with('/'))
        url.remove_suffix(1);
    if (!url.ends_with("/v1")) return std::nullopt;
    url.remove_suffix(3);
    const auto port = audit::find_port(url);
    if (!port || port->end != url.size()) return std::nullopt;
    return std::string(url);
}

}  // namespace segue::rewrite
