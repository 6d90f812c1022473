#include "serve/usage_keeper.hpp"

#include "base/log.hpp"

namespace segue::serve {

UsageKeeper::UsageKeeper(gateway::UsageRecord& record, std::chrono::milliseconds every)
    : record_(record), every_(every), thread_([this](const std::stop_token& stop) { run(stop); }) {
}

UsageKeeper::~UsageKeeper() {
    thread_.request_stop();
    thread_.join();
    save();
}

void UsageKeeper::run(const std::stop_token& stop) {
    save();  // since when it counts
    while (!stop.stop_requested()) {
        std::unique_lock lock(mutex_);
        wake_.wait_for(lock, stop, every_, [] { return false; });
        if (!stop.stop_requested()) save();
    }
}

void UsageKeeper::save() {
    const auto saved = record_.save();
    if (!saved && !complained_)
        log::warning("the record of who uses Ollama is not written: {}", saved.error().detail);
    complained_ = !saved;
}

}  // namespace segue::serve
