#include "llm/collection_name.hpp"

#include "base/text.hpp"

namespace segue::llm {

std::optional<CollectionName> split_collection(std::string_view name) {
    constexpr std::string_view kLatest = ":latest";
    name = trim(name);
    const auto at = name.rfind('@');
    if (at == std::string_view::npos || at == 0) return std::nullopt;
    std::string_view collection = name.substr(at + 1);
    if (collection.ends_with(kLatest)) collection.remove_suffix(kLatest.size());
    if (collection.empty()) return std::nullopt;
    return CollectionName{std::string(name.substr(0, at)), to_lower(collection)};
}

}  // namespace segue::llm
