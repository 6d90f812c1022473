#include "rag/search/types.hpp"

#include <array>

namespace segue::rag {
namespace {

constexpr std::array<std::string_view, 3> kGrantKinds{"everyone", "role", "person"};
constexpr std::array<std::string_view, 3> kModes{"hybrid", "keyword", "vector"};

template <class E, std::size_t N>
std::optional<E> parse(const std::array<std::string_view, N>& names, std::string_view name) {
    for (std::size_t i = 0; i < N; ++i)
        if (names[i] == name) return static_cast<E>(i);
    return std::nullopt;
}

}  // namespace

std::string_view grant_kind_name(Grant::Kind kind) {
    return kGrantKinds[static_cast<std::size_t>(kind)];
}
std::optional<Grant::Kind> parse_grant_kind(std::string_view name) {
    return parse<Grant::Kind>(kGrantKinds, name);
}
std::string_view mode_name(Mode mode) {
    return kModes[static_cast<std::size_t>(mode)];
}
std::optional<Mode> parse_mode(std::string_view name) {
    return parse<Mode>(kModes, name);
}

}  // namespace segue::rag
