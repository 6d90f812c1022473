#include "serve/key_watch.hpp"

#include <sys/stat.h>

#include <algorithm>

#include "base/log.hpp"

namespace segue::serve {
namespace {

constexpr auto kEvery = std::chrono::milliseconds(250);

}  // namespace

Result<std::unique_ptr<KeyWatch>> KeyWatch::open(gateway::KeyFile file, gateway::Gateway& gateway) {
    std::unique_ptr<KeyWatch> watch(new KeyWatch(std::move(file), gateway));
    watch->seen_ = watch->look();  // before reading: a change in between is seen again
    SEGUE_TRY(keys, watch->file_.list());
    gateway.set_keys(std::move(keys));
    return watch;
}

KeyWatch::~KeyWatch() = default;

void KeyWatch::start() {
    thread_ = std::jthread([this](std::stop_token stop) { run(std::move(stop)); });
}

KeyWatch::Look KeyWatch::look() const {
    struct stat status {};
    if (::stat(file_.path().c_str(), &status) != 0) return {};
    return {status.st_mtim.tv_sec, status.st_mtim.tv_nsec, status.st_ino, status.st_size};
}

void KeyWatch::run(std::stop_token stop) {
    std::unique_lock lock(mutex_);
    while (!stop.stop_requested()) {
        (void)wake_.wait_for(lock, stop, kEvery, [] { return false; });
        if (stop.stop_requested()) return;
        const Look now = look();
        if (now == seen_) continue;
        seen_ = now;
        follow();
    }
}

void KeyWatch::follow() {
    auto keys = file_.list();
    if (!keys) {
        log::error("the keys stay as they were: {}", keys.error().detail);
        return;
    }
    const std::size_t count = keys->size();
    const auto usable = std::count_if(keys->begin(), keys->end(), [&](const gateway::Key& key) {
        return key.usable(gateway_.clock().wall());
    });
    if (keys->empty() && keep_last_.load(std::memory_order_relaxed) &&
        gateway_.snapshot().config->keys.empty()) {
        log::error(
            "the keys stay as they were: {} holds none any more, and without a key everybody who "
            "reaches this address could use it; put the file back, or restart with "
            "--insecure-no-auth",
            file_.path());
        return;
    }
    gateway_.set_keys(std::move(*keys));
    log::info("keys reloaded: {} of {} are usable", usable, count);
}

}  // namespace segue::serve
