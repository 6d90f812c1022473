#include "audit/text/matcher.hpp"

#include <deque>

#include "base/text.hpp"

namespace segue::audit {
namespace {
constexpr std::uint32_t kNone = 0xffffffff;
constexpr std::uint32_t kMatch = 0x80000000;
}  // namespace

Matcher::Matcher(std::span<const std::string_view> literals) {
    for (const auto literal : literals)
        for (const char c : literal)
            if (auto& known = class_[static_cast<unsigned char>(c)]; known == 0)
                known = static_cast<std::uint8_t>(width_++);
    for (int upper = 'A'; upper <= 'Z'; ++upper)
        class_[static_cast<std::size_t>(upper)] = class_[static_cast<std::size_t>(upper + 32)];

    std::vector<std::uint32_t> trie(width_, kNone);
    std::vector<bool> accepts{false};
    for (const auto literal : literals) {
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

bool Matcher::scan(std::string_view bytes, State& state) const {
    std::uint32_t at = state.at;
    for (const char c : bytes) {
        at = next_[at + class_[static_cast<unsigned char>(c)]];
        if (at & kMatch) return true;
    }
    state.at = at;
    return false;
}

std::vector<std::size_t> Matcher::ends(std::string_view bytes) const {
    std::vector<std::size_t> out;
    std::uint32_t at = 0;
    for (std::size_t i = 0; i < bytes.size(); ++i) {
        at = next_[at + class_[static_cast<unsigned char>(bytes[i])]];
        if (at & kMatch) {
            out.push_back(i + 1);
            at &= ~kMatch;
        }
    }
    return out;
}

}  // namespace segue::audit
