/// One text that many streams follow: while somebody looks it is made anew every few seconds, once
/// for all, and each stream gets the newest one. A slow reader misses some and never waits for any.
///
/// Thread: one of its own makes the text; tails live on workers. Lifetime: longer than its tails'.
#pragma once

#include <chrono>
#include <condition_variable>
#include <functional>
#include <memory>
#include <mutex>
#include <string>
#include <thread>
#include <vector>

#include "serve/api/reply.hpp"

namespace segue::serve::api {

class Pulse {
public:
    /// `make` gives one server-sent event, or "" where there is nothing to tell now.
    Pulse(std::function<std::string()> make, std::chrono::milliseconds every);
    ~Pulse();
    Pulse(const Pulse&) = delete;
    Pulse& operator=(const Pulse&) = delete;

    std::unique_ptr<Tail> follow();
    std::size_t followers() const;

private:
    class Follower;
    void run(const std::stop_token& stop);

    const std::function<std::string()> make_;
    const std::chrono::milliseconds every_;
    mutable std::mutex mutex_;
    std::condition_variable_any wake_;
    std::vector<Follower*> followers_;
    std::jthread thread_;
};

}  // namespace segue::serve::api
