#include "llm/model_in_text.hpp"

namespace segue::llm {
namespace {

/// Characters of model names: a name beside one of these is part of a longer one.
bool is_name_char(char c) {
    return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '_' ||
           c == '-' || c == '/' || c == ':';
}

/// A dot ends a sentence or goes on with a name: "qwen2.5".
bool name_goes_on(std::string_view text, std::size_t at) {
    if (at >= text.size()) return false;
    if (text[at] == '.') return at + 1 < text.size() && is_name_char(text[at + 1]);
    return is_name_char(text[at]);
}

}  // namespace

std::string with_client_model(std::string_view text, std::string_view served,
                              std::string_view client) {
    if (served.empty() || client.empty() || served == client) return std::string(text);
    std::string out;
    std::size_t from = 0;
    while (true) {
        const std::size_t found = text.find(served, from);
        if (found == std::string_view::npos) break;
        const std::size_t after = found + served.size();
        const bool whole =
            (found == 0 || !is_name_char(text[found - 1])) && !name_goes_on(text, after);
        out += text.substr(from, found - from);
        out += whole ? client : served;
        from = after;
    }
    out += text.substr(from);
    return out;
}

}  // namespace segue::llm
