/// The visitor idiom for std::variant (STYLE 7).
#pragma once

namespace segue {
template <class... Ts>
struct overloaded : Ts... {  // NOLINT(readability-identifier-naming): the idiom's own name
    using Ts::operator()...;
};
template <class... Ts>
overloaded(Ts...) -> overloaded<Ts...>;
}  // namespace segue
