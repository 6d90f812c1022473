#include "engine/engine_log.hpp"

#include <utility>

namespace segue::engine {

std::string_view change_name(EngineChange::Kind kind) {
    switch (kind) {
        case EngineChange::Kind::kUp: return "up";
        case EngineChange::Kind::kDown: return "down";
        case EngineChange::Kind::kPutAside: return "put_aside";
        case EngineChange::Kind::kBack: return "back";
        case EngineChange::Kind::kDrained: return "drained";
        case EngineChange::Kind::kResumed: return "resumed";
    }
    return "down";
}

void EngineLog::note(EngineChange change) {
    const std::lock_guard lock(mutex_);
    changes_.push_back(std::move(change));
    if (changes_.size() > kMost) changes_.pop_front();
}

std::vector<EngineChange> EngineLog::newest() const {
    const std::lock_guard lock(mutex_);
    return {changes_.rbegin(), changes_.rend()};
}

void EngineLog::begin_with(const EngineLog& before) {
    const std::scoped_lock lock(mutex_, before.mutex_);
    changes_ = before.changes_;
}

}  // namespace segue::engine
