/// One scan for many literals, without regard to ASCII case: an Aho-Corasick automaton over byte
/// classes, built once, read by any number of threads. It only says "something is here": what it is
/// decides the reader.
#pragma once

#include <array>
#include <cstdint>
#include <span>
#include <string_view>
#include <vector>

namespace segue::audit {

class Matcher {
public:
    /// Literals in lower case.
    explicit Matcher(std::span<const std::string_view> literals);

    /// State between pieces of one file.
    struct State {
        std::uint32_t at = 0;
    };
    /// True as soon as a literal ends inside `bytes`.
    bool scan(std::string_view bytes, State& state) const;
    /// Where each literal that stands in `bytes` ends, in order.
    std::vector<std::size_t> ends(std::string_view bytes) const;
    bool matches(std::string_view bytes) const {
        State state;
        return scan(bytes, state);
    }

private:
    void add_start(std::string_view literal);
    /// From `from` on, where a literal may begin; the last byte's place when there is none (what
    /// follows it is not known yet).
    std::size_t next_start(std::string_view bytes, std::size_t from) const;

    std::array<std::uint64_t, 1024> starts_{};  // a bit for each two bytes that begin a literal
    std::array<std::uint8_t, 256> class_{};     // byte -> class; 0 = in no literal
    std::uint32_t width_ = 1;
    std::vector<std::uint32_t> next_;  // state offset * width; the top bit marks a match
};

}  // namespace segue::audit
