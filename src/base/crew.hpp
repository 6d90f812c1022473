/// The control plane's threads: they run what may block (the store, retrieval, passwords), so that
/// no worker ever does. A full queue refuses at once.
///
/// Thread: submit() from any. Lifetime: stop() ends what runs and drops what waits; the threads
/// must have ended before what their tasks use.
#pragma once

#include <atomic>
#include <condition_variable>
#include <cstddef>
#include <deque>
#include <functional>
#include <mutex>
#include <thread>
#include <vector>

namespace segue {

class Crew {
public:
    struct Options {
        std::size_t threads = 8;
        std::size_t queue = 256;  // tasks that may wait
    };
    explicit Crew(Options options);
    ~Crew();
    Crew(const Crew&) = delete;
    Crew& operator=(const Crew&) = delete;

    /// False: too many wait already; the task will not run.
    [[nodiscard]] bool submit(std::function<void()> task);
    std::size_t waiting() const;
    std::uint64_t refused() const { return refused_.load(std::memory_order_relaxed); }
    /// Waits for the tasks that run; those that wait never do. submit() refuses from now on.
    void stop();

private:
    void run();

    const std::size_t limit_;
    mutable std::mutex mutex_;
    std::condition_variable ready_;
    std::deque<std::function<void()>> tasks_;
    bool stopped_ = false;
    std::atomic<std::uint64_t> refused_{0};
    std::vector<std::jthread> threads_;
};

}  // namespace segue
