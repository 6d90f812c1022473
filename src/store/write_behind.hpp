/// A bounded queue whose batches a thread of its own writes to the store: the request path only
/// puts values in. What does not fit is dropped and counted; while the database is away the queue
/// holds what it can.
///
/// `write` gets a batch until it succeeds (or fails for good: then the batch is dropped); so it
/// must be safe to repeat: ids of one's own and ON CONFLICT DO NOTHING.
///
/// Thread: push() from any, without waiting for the database. Lifetime: longer than who pushes.
#pragma once

#include <atomic>
#include <chrono>
#include <condition_variable>
#include <cstdint>
#include <deque>
#include <functional>
#include <mutex>
#include <span>
#include <string>
#include <thread>
#include <utility>
#include <vector>

#include "base/log.hpp"
#include "base/result.hpp"

namespace segue::store {

struct WriteBehindOptions {
    std::string what = "entries";  // for the log
    std::size_t capacity = 10'000;
    std::size_t batch = 500;
    std::chrono::milliseconds gather{200};  // how long a first value waits for company
    std::chrono::milliseconds retry{1'000};
    std::chrono::milliseconds last{3'000};  // what stop() may spend on the rest
};

template <std::movable T>
class WriteBehind {
public:
    using Write = std::function<Result<void>(std::span<const T>)>;

    WriteBehind(Write write, WriteBehindOptions options)
        : write_(std::move(write)), options_(std::move(options)) {
        thread_ = std::jthread([this](const std::stop_token& stop) { run(stop); });
    }
    ~WriteBehind() { stop(); }
    WriteBehind(const WriteBehind&) = delete;
    WriteBehind& operator=(const WriteBehind&) = delete;

    /// False: there was no room, the value is gone and counted.
    bool push(T value) {
        {
            const std::lock_guard lock(mutex_);
            if (stopped_ || queue_.size() >= options_.capacity) {
                dropped_.fetch_add(1, std::memory_order_relaxed);
                return false;
            }
            queue_.push_back(std::move(value));
            if (queue_.size() != 1 && queue_.size() != options_.batch) return true;
        }
        wake_.notify_one();
        return true;
    }
    /// Writes what is left, as far as that goes, and ends the thread.
    void stop() {
        thread_.request_stop();
        thread_ = {};
    }
    std::uint64_t written() const { return written_.load(std::memory_order_relaxed); }
    std::uint64_t dropped() const { return dropped_.load(std::memory_order_relaxed); }
    std::size_t waiting() const {
        const std::lock_guard lock(mutex_);
        return queue_.size();
    }

private:
    void run(const std::stop_token& stop) {
        bool told = false;
        while (true) {
            std::unique_lock lock(mutex_);
            wake_.wait(lock, stop, [&] { return !queue_.empty(); });
            if (queue_.empty()) break;  // asked to stop
            wake_.wait_for(lock, stop, options_.gather,
                           [&] { return queue_.size() >= options_.batch; });
            lock.unlock();
            if (stop.stop_requested()) break;
            if (!write_one_batch(told)) pause(stop);
        }
        const auto end = std::chrono::steady_clock::now() + options_.last;
        // A database that is away already is not waited for; a connection that is lost only now is
        // made anew once.
        int chances = told ? 0 : 2;
        while (waiting() > 0 && chances > 0 && std::chrono::steady_clock::now() < end) {
            if (write_one_batch(told)) continue;
            if (--chances > 0) std::this_thread::sleep_for(std::chrono::milliseconds(50));
        }
        const std::lock_guard lock(mutex_);
        stopped_ = true;
        dropped_.fetch_add(queue_.size(), std::memory_order_relaxed);
        if (!queue_.empty())
            log::warning("{} {} were not stored before the end", queue_.size(), options_.what);
        queue_.clear();
    }

    /// False: the database is away; the batch is back in the queue.
    bool write_one_batch(bool& told) {
        std::vector<T> batch;
        {
            const std::lock_guard lock(mutex_);
            const auto end = queue_.begin() +
                             static_cast<std::ptrdiff_t>(std::min(queue_.size(), options_.batch));
            batch.assign(std::make_move_iterator(queue_.begin()), std::make_move_iterator(end));
            queue_.erase(queue_.begin(), end);
        }
        const auto outcome = write_(batch);
        if (outcome) {
            written_.fetch_add(batch.size(), std::memory_order_relaxed);
            if (std::exchange(told, false)) log::info("{} are stored again", options_.what);
            return true;
        }
        const bool away = outcome.error().fault == Fault::kUnreachable ||
                          outcome.error().fault == Fault::kTimeout ||
                          outcome.error().fault == Fault::kIo;
        if (!std::exchange(told, true))
            log::warning("{} cannot be stored now ({}); {}", options_.what, outcome.error().detail,
                         away ? "they wait" : "they are dropped");
        if (!away) {
            dropped_.fetch_add(batch.size(), std::memory_order_relaxed);
            return true;
        }
        const std::lock_guard lock(mutex_);
        queue_.insert(queue_.begin(), std::make_move_iterator(batch.begin()),
                      std::make_move_iterator(batch.end()));
        while (queue_.size() > options_.capacity) {
            queue_.pop_back();
            dropped_.fetch_add(1, std::memory_order_relaxed);
        }
        return false;
    }

    void pause(const std::stop_token& stop) {
        std::unique_lock lock(mutex_);
        wake_.wait_for(lock, stop, options_.retry, [] { return false; });
    }

    const Write write_;
    const WriteBehindOptions options_;
    mutable std::mutex mutex_;
    std::condition_variable_any wake_;
    std::deque<T> queue_;
    bool stopped_ = false;
    std::atomic<std::uint64_t> written_{0};
    std::atomic<std::uint64_t> dropped_{0};
    std::jthread thread_;
};

}  // namespace segue::store
