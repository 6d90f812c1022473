/// Writes the gateway's record of who uses Ollama to its file, every few seconds and at the end.
///
/// Thread: its own; may be made and destroyed by any. Lifetime: shorter than the gateway's.
#pragma once

#include <chrono>
#include <condition_variable>
#include <mutex>
#include <thread>

#include "gateway/usage.hpp"

namespace segue::serve {

class UsageKeeper {
public:
    UsageKeeper(gateway::UsageRecord& record, std::chrono::milliseconds every);
    /// Saves once more.
    ~UsageKeeper();
    UsageKeeper(const UsageKeeper&) = delete;
    UsageKeeper& operator=(const UsageKeeper&) = delete;

private:
    void run(const std::stop_token& stop);
    void save();
    gateway::UsageRecord& record_;
    const std::chrono::milliseconds every_;
    bool complained_ = false;
    std::mutex mutex_;
    std::condition_variable_any wake_;
    std::jthread thread_;
};

}  // namespace segue::serve
