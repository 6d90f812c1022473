/// One scan for many literals, without regard to ASCII case; Vectorscan does the work (on
/// Ubuntu 24.04 Hyperscan, with the same header). Built once, read by any number of threads. It
/// only says "something is here": what it is decides the reader.
#pragma once

#include <concepts>
#include <cstddef>
#include <memory>
#include <span>
#include <string_view>
#include <vector>

struct hs_database;

namespace segue::audit {

class Matcher {
public:
    /// Empty literals stand nowhere.
    explicit Matcher(std::span<const std::string_view> literals);

    /// Vectorscan wants a processor of this century: SSSE3, or an Arm's NEON.
    static bool runs_here();

    /// Some literal stands in `bytes`.
    bool matches(std::string_view bytes) const;
    struct Hit {
        unsigned literal = 0;  // which of those that the matcher was made of
        std::size_t end = 0;
    };
    /// Some hit passes the test; it is asked in order, until one does. A test must not search:
    /// a thread has memory for one search at a time.
    template <std::predicate<const Hit&> Test>
    bool any(std::string_view bytes, Test test) const {
        const auto ask = [](const Hit& hit, void* asked) {
            return (*static_cast<Test*>(asked))(hit);
        };
        return any(bytes, ask, &test);
    }
    /// Each literal at each place where it stands, by its end.
    std::vector<Hit> find(std::string_view bytes) const;
    /// The places where one ends or several do, in order.
    std::vector<std::size_t> ends(std::string_view bytes) const;
    /// Of the longest literal: pieces of a stream must overlap by one byte less.
    std::size_t longest() const { return longest_; }

private:
    bool any(std::string_view bytes, bool (*test)(const Hit&, void*), void* context) const;
    struct Free {
        void operator()(hs_database* database) const;
    };
    std::unique_ptr<hs_database, Free> database_;  // none without a literal
    std::size_t longest_ = 0;
};

}  // namespace segue::audit
