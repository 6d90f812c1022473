/// Work over a list, on as many threads as asked for; none is left behind.
#pragma once

#include <algorithm>
#include <atomic>
#include <cstddef>
#include <thread>
#include <vector>

namespace segue::audit {

/// Calls work(i) for each i below `count`; `threads` 0 = one a core.
template <class Work>
void in_parallel(std::size_t count, unsigned threads, Work&& work) {
    std::atomic<std::size_t> next{0};
    const auto body = [&] {
        for (std::size_t i = next++; i < count; i = next++)
            work(i);
    };
    std::vector<std::jthread> helpers;
    const auto wanted = std::min<std::size_t>(
        threads == 0 ? std::max(1U, std::thread::hardware_concurrency()) : threads, count);
    for (std::size_t i = 1; i < wanted; ++i)
        helpers.emplace_back(body);
    body();
}

}  // namespace segue::audit
