/// Work over a list, on as many threads as asked for; none is left behind.
#pragma once

#include <algorithm>
#include <atomic>
#include <condition_variable>
#include <cstddef>
#include <mutex>
#include <thread>
#include <utility>
#include <vector>

namespace segue::audit {

/// As many as asked for; 0 = one a core.
inline std::size_t thread_count(unsigned threads) {
    return threads == 0 ? std::max(1U, std::thread::hardware_concurrency()) : threads;
}

/// Calls work(i) for each i below `count`; `threads` 0 = one a core.
template <class Work>
void in_parallel(std::size_t count, unsigned threads, Work&& work) {
    std::atomic<std::size_t> next{0};
    const auto body = [&] {
        for (std::size_t i = next++; i < count; i = next++)
            work(i);
    };
    std::vector<std::jthread> helpers;
    const auto wanted = std::min(thread_count(threads), count);
    for (std::size_t i = 1; i < wanted; ++i)
        helpers.emplace_back(body);
    body();
}

/// Work that finds more work: calls work(item, add) for `first` and for each item that a call
/// handed to `add`. The newest first: of a tree only the way down to where the threads are is kept.
template <class Item, class Work>
void in_parallel_from(Item first, unsigned threads, Work&& work) {
    std::mutex guard;
    std::condition_variable changed;
    std::vector<Item> items;
    items.push_back(std::move(first));
    std::size_t busy = 0;
    const auto add = [&](Item item) {
        const std::scoped_lock lock(guard);
        items.push_back(std::move(item));
        changed.notify_one();
    };
    const auto body = [&] {
        std::unique_lock lock(guard);
        while (true) {
            changed.wait(lock, [&] { return !items.empty() || busy == 0; });
            if (items.empty()) return;
            Item item = std::move(items.back());
            items.pop_back();
            ++busy;
            lock.unlock();
            work(std::move(item), add);
            lock.lock();
            if (--busy == 0 && items.empty()) changed.notify_all();
        }
    };
    std::vector<std::jthread> helpers;
    for (std::size_t i = 1; i < thread_count(threads); ++i)
        helpers.emplace_back(body);
    body();
}

}  // namespace segue::audit
