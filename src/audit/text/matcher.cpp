#include "audit/text/matcher.hpp"

#include <deque>

#include "base/text.hpp"

namespace segue::audit {
namespace {
constexpr std::uint32_t kNone = 0xffffffff;
constexpr std::uint32_t kMatch = 0x80000000;

std::uint32_t pair_of(char first, char second) {
    return static_cast<std::uint32_t>(static_cast<unsigned char>(first)) << 8U |
           static_cast<unsigned char>(second);
}
}  // namespace

Matcher::Matcher(std::span<const std::string_view> literals) {
    for (const auto literal : literals)
        for (const char c : literal)
            if (auto& known = class_[static_cast<unsigned char>(c)]; known == 0)
                known = static_cast<std::uint8_t>(width_++);
    for (int upper = 'A'; upper <= 'Z'; ++upper)
        class_[static_cast<std::size_t>(upper)] = class_[static_cast<std::size_t>(upper + 32)];

    for (const auto literal : literals)
        if (!literal.empty()) add_start(literal);

    std::vector<std::uint32_t> trie(width_, kNone);
    std::vector<bool> accepts{false};
    for (const auto literal : literals) {
        if (literal.empty()) continue;
        std::uint32_t state = 0;
        for (const char c : literal) {
            auto& to = trie[state * width_ + class_[static_cast<unsigned char>(c)]];
            if (to == kNone) {
                to = static_cast<std::uint32_t>(accepts.size());
                state = to;
                accepts.push_back(false);
                trie.resize(trie.size() + width_, kNone);
            } else {
                state = to;
            }
        }
        accepts[state] = true;
    }
    // Breadth first: the failure state is shallower, hence finished.
    std::vector<std::uint32_t> failure(accepts.size(), 0);
    std::deque<std::uint32_t> queue;
    for (std::uint32_t c = 0; c < width_; ++c) {
        auto& to = trie[c];
        if (to == kNone)
            to = 0;
        else
            queue.push_back(to);
    }
    while (!queue.empty()) {
        const auto state = queue.front();
        queue.pop_front();
        accepts[state] = accepts[state] || accepts[failure[state]];
        for (std::uint32_t c = 0; c < width_; ++c) {
            auto& to = trie[state * width_ + c];
            const auto fallback = trie[failure[state] * width_ + c];
            if (to == kNone) {
                to = fallback;
            } else {
                failure[to] = fallback;
                queue.push_back(to);
            }
        }
    }
    next_.resize(trie.size());
    for (std::size_t i = 0; i < trie.size(); ++i)
        next_[i] = trie[i] * width_ | (accepts[trie[i]] ? kMatch : 0);
}

void Matcher::add_start(std::string_view literal) {
    const auto set = [&](char first, char second) {
        const auto pair = pair_of(first, second);
        starts_[pair / 64] |= std::uint64_t{1} << pair % 64;
    };
    const auto upper = [](char c) { return c >= 'a' && c <= 'z' ? static_cast<char>(c - 32) : c; };
    for (const char first : {literal[0], upper(literal[0])}) {
        if (literal.size() == 1)
            for (int second = 0; second < 256; ++second)
                set(first, static_cast<char>(second));
        else
            for (const char second : {literal[1], upper(literal[1])})
                set(first, second);
    }
}

// Most text lies outside of any literal: there two bytes at a time tell that none begins, which is
// several times as fast as one step of the automaton after the other.
std::size_t Matcher::next_start(std::string_view bytes, std::size_t from) const {
    const std::size_t last = bytes.size() - 1;
    while (from < last) {
        const auto pair = pair_of(bytes[from], bytes[from + 1]);
        if ((starts_[pair / 64] >> pair % 64 & 1U) != 0) break;
        ++from;
    }
    return from;
}

bool Matcher::scan(std::string_view bytes, State& state) const {
    std::uint32_t at = state.at;
    for (std::size_t i = 0; i < bytes.size(); ++i) {
        if (at == 0) i = next_start(bytes, i);
        at = next_[at + class_[static_cast<unsigned char>(bytes[i])]];
        if (at & kMatch) return true;
    }
    state.at = at;
    return false;
}

std::vector<std::size_t> Matcher::ends(std::string_view bytes) const {
    std::vector<std::size_t> out;
    std::uint32_t at = 0;
    for (std::size_t i = 0; i < bytes.size(); ++i) {
        if (at == 0) i = next_start(bytes, i);
        at = next_[at + class_[static_cast<unsigned char>(bytes[i])]];
        if (at & kMatch) {
            out.push_back(i + 1);
            at &= ~kMatch;
        }
    }
    return out;
}

}  // namespace segue::audit
