#include "chat/feed.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <iterator>

#include "base/json.hpp"

namespace segue::chat {

void Feed::append(Entry entry) {
    entries_.push_back(entry);
    notify();
}

void Feed::notify() {
    for (Follower* follower : followers_)
        if (follower->wake_) follower->wake_();
}

void Feed::text(std::string_view piece) {
    if (piece.empty()) return;
    const std::lock_guard lock(mutex_);
    if (ended_) return;
    text_ += piece;
    append({Entry::Kind::kText, static_cast<std::uint32_t>(text_.size())});
}

void Feed::reasoning(std::string_view piece) {
    if (piece.empty()) return;
    const std::lock_guard lock(mutex_);
    if (ended_) return;
    reasoning_ += piece;
    append({Entry::Kind::kReasoning, static_cast<std::uint32_t>(reasoning_.size())});
}

void Feed::event(std::string_view type, std::string json) {
    const std::lock_guard lock(mutex_);
    if (ended_) return;
    events_.push_back({std::string(type), std::move(json)});
    append({Entry::Kind::kEvent, static_cast<std::uint32_t>(events_.size() - 1)});
}

void Feed::end(std::string_view type, std::string json) {
    const std::lock_guard lock(mutex_);
    if (ended_) return;
    events_.push_back({std::string(type), std::move(json)});
    ended_ = true;
    append({Entry::Kind::kEvent, static_cast<std::uint32_t>(events_.size() - 1)});
}

std::string Feed::text_so_far() const {
    const std::lock_guard lock(mutex_);
    return text_;
}

std::string Feed::reasoning_so_far() const {
    const std::lock_guard lock(mutex_);
    return reasoning_;
}

std::size_t Feed::size() const {
    const std::lock_guard lock(mutex_);
    return text_.size() + reasoning_.size();
}

bool Feed::ended() const {
    const std::lock_guard lock(mutex_);
    return ended_;
}

std::size_t Feed::followers() const {
    const std::lock_guard lock(mutex_);
    return followers_.size();
}

std::size_t Feed::write_run(std::size_t first, std::size_t room, std::string& out) const {
    const auto kind = entries_[first].kind;
    const std::string& all = kind == Entry::Kind::kText ? text_ : reasoning_;
    std::uint32_t begin = 0;
    for (std::size_t i = first; i > 0; --i)
        if (entries_[i - 1].kind == kind) {
            begin = entries_[i - 1].end;
            break;
        }
    std::size_t last = first;
    while (last + 1 < entries_.size() && entries_[last + 1].kind == kind &&
           entries_[last + 1].end - begin <= room)
        ++last;
    const std::string_view name = kind == Entry::Kind::kText ? "text" : "reasoning";
    fmt::format_to(std::back_inserter(out),
                   "id: {}\nevent: {}\ndata: {{\"type\":\"{}\",\"text\":\"", base_ + last + 1, name,
                   name);
    json::append_escaped(std::string_view(all).substr(begin, entries_[last].end - begin), out);
    out += "\"}\n\n";
    return last + 1;
}

Feed::Follower::Follower(std::shared_ptr<Feed> feed, Id after) : feed_(std::move(feed)) {
    const std::lock_guard lock(feed_->mutex_);
    const Id first = feed_->base_;
    if (after > first && after <= first + feed_->entries_.size())
        next_ = static_cast<std::size_t>(after - first);
    feed_->followers_.push_back(this);
}

Feed::Follower::~Follower() {
    const std::lock_guard lock(feed_->mutex_);
    std::erase(feed_->followers_, this);
}

void Feed::Follower::on_ready(std::function<void()> wake) {
    const std::lock_guard lock(feed_->mutex_);
    wake_ = std::move(wake);
}

bool Feed::Follower::read(std::size_t room, std::string& out) {
    const std::lock_guard lock(feed_->mutex_);
    const std::size_t begin = out.size();
    const auto& entries = feed_->entries_;
    while (next_ < entries.size()) {
        const std::size_t used = out.size() - begin;
        if (used >= room) return true;
        if (entries[next_].kind != Entry::Kind::kEvent) {
            next_ = feed_->write_run(next_, room - used, out);
            continue;
        }
        const Event& event = feed_->events_[entries[next_].end];
        fmt::format_to(std::back_inserter(out), "id: {}\nevent: {}\ndata: {}\n\n",
                       feed_->base_ + next_ + 1, event.type, event.json);
        ++next_;
    }
    return !feed_->ended_;
}

}  // namespace segue::chat
