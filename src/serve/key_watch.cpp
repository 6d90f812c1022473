#include "serve/key_watch.hpp"

#include <sys/stat.h>

#include <algorithm>

#include "base/log.hpp"

namespace segue::serve {
namespace {

constexpr auto kEvery = std::chrono::milliseconds(250);
constexpr int kStoreEvery = 4;  // looks

}  // namespace

KeyWatch::KeyWatch(gateway::KeyFile file, gateway::Gateway& gateway, store::Store* store)
    : file_(std::move(file)), gateway_(gateway), store_(store) {
    if (store) table_ = std::make_unique<gateway::KeyTable>(store->pool());
}

Result<std::unique_ptr<KeyWatch>> KeyWatch::open(gateway::KeyFile file, gateway::Gateway& gateway,
                                                 store::Store* store) {
    std::unique_ptr<KeyWatch> watch(new KeyWatch(std::move(file), gateway, store));
    watch->seen_ = watch->look();  // before reading: a change in between is seen again
    SEGUE_TRY(keys, watch->file_.list());
    gateway.set_keys(std::move(keys));
    return watch;
}

KeyWatch::~KeyWatch() = default;

void KeyWatch::start() {
    thread_ = std::jthread([this](std::stop_token stop) { run(std::move(stop)); });
}

void KeyWatch::wait_for_store(std::chrono::milliseconds patience) {
    if (table_ && store_->wait_ready(patience)) look_at_store(true);
}

KeyWatch::Look KeyWatch::look() const {
    struct stat status {};
    if (::stat(file_.path().c_str(), &status) != 0) return {};
    return {status.st_mtim.tv_sec, status.st_mtim.tv_nsec, status.st_ino, status.st_size};
}

void KeyWatch::run(std::stop_token stop) {
    int looks = 0;
    std::unique_lock lock(mutex_);
    while (!stop.stop_requested()) {
        (void)wake_.wait_for(lock, stop, kEvery, [] { return false; });
        if (stop.stop_requested()) return;
        look_at_file();
        look_at_store(++looks % kStoreEvery == 0);
    }
}

void KeyWatch::look_at_file() {
    const std::lock_guard lock(agreeing_);
    const Look now = look();
    if (now == seen_) return;
    if (in_store()) {
        (void)agree();
        return;
    }
    seen_ = now;
    auto keys = file_.list();
    if (!keys) {
        log::error("the keys stay as they were: {}", keys.error().detail);
        return;
    }
    take(std::move(*keys), file_.path());
}

void KeyWatch::look_at_store(bool due) {
    if (!in_store()) return;
    const std::lock_guard lock(agreeing_);
    if (agreed_) {
        if (!due) return;
        const auto version = table_->version();
        if (!version || *version == version_) return;
    }
    (void)agree();
}

Result<void> KeyWatch::agree() {
    const auto version = table_->version();
    auto keys = table_->agree_with(file_);
    seen_ = look();
    if (!version || !keys) {
        const std::string why = version ? keys.error().detail : version.error().detail;
        if (why != complaint_) log::error("the keys stay as they were: {}", why);
        complaint_ = why;
        return tl::make_unexpected(version ? std::move(keys).error() : version.error());
    }
    complaint_.clear();
    version_ = *version;
    agreed_ = true;
    if (*keys != gateway_.kept_keys()) take(std::move(*keys), "the store");
    return {};
}

void KeyWatch::take(std::vector<gateway::Key> keys, std::string_view from) {
    const std::size_t count = keys.size();
    const auto usable = std::count_if(keys.begin(), keys.end(), [&](const gateway::Key& key) {
        return key.usable(gateway_.clock().wall());
    });
    if (keys.empty() && keep_last_.load(std::memory_order_relaxed) &&
        gateway_.snapshot().config->keys.empty()) {
        log::error(
            "the keys stay as they were: {} holds none any more, and without a key everybody who "
            "reaches this address could use it; put the file back, or restart with "
            "--insecure-no-auth",
            from);
        return;
    }
    gateway_.set_keys(std::move(keys));
    log::info("keys reloaded: {} of {} are usable", usable, count);
}

Result<std::vector<gateway::Key>> KeyWatch::list() {
    return table_ ? table_->list() : file_.list();
}

Result<void> KeyWatch::add(const gateway::Key& key) {
    if (!table_) return file_.add(key);
    SEGUE_TRY_VOID(table_->add(key));
    const std::lock_guard lock(agreeing_);
    return agree();
}

Result<gateway::Key> KeyWatch::revoke(std::string_view who, WallTime now) {
    if (!table_) return file_.revoke(who, now);
    SEGUE_TRY(revoked, table_->revoke(who, now));
    const std::lock_guard lock(agreeing_);
    SEGUE_TRY_VOID(agree());
    return revoked;
}

}  // namespace segue::serve
