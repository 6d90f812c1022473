// What the housekeeper of the jobs does once a second, and the feeds of what other Segues write.
#include <utility>

#include "chat/jobs.hpp"
#include "chat/json.hpp"

namespace segue::chat {
namespace {

constexpr auto kHousekeeping = std::chrono::milliseconds(1'000);
constexpr auto kFeedStays = std::chrono::seconds(120);  // after the last event

}  // namespace

std::shared_ptr<Feed> Jobs::mirror(const Person& person, const Message& answer) {
    const std::lock_guard lock(mutex_);
    Mirror& mirror = mirrors_[answer.id];
    if (mirror.feed && !mirror.feed->ended()) return mirror.feed;
    mirror = {person, std::make_shared<Feed>(next_base()), answer.text.size()};
    mirror.feed->event("started", event_json("started", [&](json::Writer& w) {
                           w.member("message", answer.id).member("model", answer.model);
                           w.member("at", rfc3339(gateway_.clock().wall()));
                       }));
    mirror.feed->reasoning(answer.reasoning);
    mirror.feed->text(answer.text);
    return mirror.feed;
}

void Jobs::look_into_mirrors() {
    std::unordered_map<std::string, Mirror> mirrors;
    {
        const std::lock_guard lock(mutex_);
        mirrors = mirrors_;
    }
    for (auto& [id, mirror] : mirrors) {
        const auto now = archive_.message(mirror.person, id);
        if (!now && now.error().fault != Fault::kNotFound) return;
        bool over = !now || mirror.feed->followers() == 0;
        if (now && now->text.size() > mirror.text) {
            mirror.feed->text(std::string_view(now->text).substr(mirror.text));
            mirror.text = now->text.size();
        }
        if (now && now->state != Message::State::kRunning) {
            const bool broken = now->state == Message::State::kIncomplete;
            const std::string_view type = broken ? "failed" : "finished";
            mirror.feed->end(type, event_json(type, [&](json::Writer& w) {
                                 w.key("message");
                                 write(w, *now);
                             }));
            over = true;
        }
        const std::lock_guard lock(mutex_);
        if (over) {
            mirrors_.erase(id);
        } else {
            mirrors_[id].text = mirror.text;
        }
    }
}

void Jobs::keep_house(const std::stop_token& stop) {
    auto looked = gateway_.clock().now();
    while (!stop.stop_requested()) {
        {
            std::unique_lock lock(mutex_);
            wake_.wait_for(lock, stop, kHousekeeping, [] { return false; });
        }
        if (stop.stop_requested()) return;
        std::deque<std::function<void()>> postponed;
        {
            const std::lock_guard lock(mutex_);
            postponed.swap(postponed_);
        }
        for (auto& task : postponed)
            submit(std::move(task));
        save_running();
        retry_unsaved();
        forget_old();
        look_into_mirrors();
        if (!options_.alone && gateway_.clock().now() - looked > kNobodys) {
            looked = gateway_.clock().now();
            (void)archive_.give_up_running(kNobodys);
        }
    }
}

/// After a crash what came is there up to the last second or two. Another Segue that shares the
/// store sees that it is alive.
void Jobs::save_running() {
    std::vector<std::shared_ptr<Job>> running;
    {
        const std::lock_guard lock(mutex_);
        for (const auto& [id, job] : jobs_)
            if (!job->ended()) running.push_back(job);
    }
    for (const auto& job : running) {
        if (!job->has_news() && options_.alone) continue;
        if (const auto saved = archive_.save_progress(job->so_far()); !saved) return;
    }
}

void Jobs::retry_unsaved() {
    std::vector<Message> unsaved;
    {
        const std::lock_guard lock(mutex_);
        unsaved.swap(unsaved_);
    }
    for (std::size_t i = 0; i < unsaved.size(); ++i) {
        if (archive_.save(unsaved[i])) continue;
        const std::lock_guard lock(mutex_);
        unsaved_.insert(unsaved_.end(), unsaved.begin() + static_cast<std::ptrdiff_t>(i),
                        unsaved.end());
        return;
    }
}

void Jobs::forget_old() {
    const auto now = std::chrono::steady_clock::now();
    const std::lock_guard lock(mutex_);
    std::erase_if(jobs_, [&](const auto& entry) {
        const auto ended = entry.second->ended();
        return ended && now - *ended > kFeedStays;
    });
}

}  // namespace segue::chat
