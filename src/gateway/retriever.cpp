#include "gateway/retriever.hpp"

namespace segue::gateway {

std::optional<llm::CollectionName> collection_in(const engine::Registry& registry,
                                                 std::string_view name) {
    auto named = llm::split_collection(name);
    if (!named) return named;
    const auto plain = registry.resolve(name);
    if (plain.kind == engine::Resolution::Kind::kFound && plain.listed) return std::nullopt;
    return named;
}

}  // namespace segue::gateway
