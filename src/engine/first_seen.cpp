#include "engine/first_seen.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <chrono>

#include "base/files.hpp"
#include "base/json.hpp"
#include "base/log.hpp"

namespace segue::engine {

FirstSeen::FirstSeen(std::string file) : file_(std::move(file)) {
    if (!file_.empty()) read();
}

void FirstSeen::read() {
    const auto text = read_file(file_);
    if (!text && text.error().fault == Fault::kNotFound) return;
    json::Parser parser;
    const auto root = text ? parser.parse(*text) : parser.parse("");
    if (!root || !(*root)["models"].is_array()) {
        log::warning("cannot read {}: the dates of models begin anew{}", file_,
                     text ? "" : " (" + text.error().detail + ")");
        return;
    }
    for (const auto entry : (*root)["models"]) {
        const auto seconds = entry["first_seen"].integer();
        if (!seconds || *seconds < 0 || *seconds > unix_seconds(WallTime::max())) continue;
        seen_[{std::string(entry["engine"].string()), std::string(entry["model"].string())}] =
            WallTime(std::chrono::seconds(*seconds));
    }
}

void FirstSeen::apply(std::string_view engine, std::vector<ServedModel>& models, WallTime now) {
    const std::lock_guard lock(mutex_);
    now = std::chrono::floor<std::chrono::seconds>(now);
    std::size_t known = 0;
    for (auto& model : models) {
        if (++known > kMostModels) {
            model.first_seen = now;
            continue;
        }
        const auto [entry, is_new] = seen_.try_emplace(Key(engine, model.name), now);
        unwritten_ = unwritten_ || is_new;
        model.first_seen = entry->second;
    }
    if (!unwritten_) return;
    forget_missing(engine, models);
    if (!file_.empty()) write();
}

/// An engine that lists other names at each question must not fill memory or disk.
void FirstSeen::forget_missing(std::string_view engine, const std::vector<ServedModel>& models) {
    const auto of_engine = [&](const auto& entry) { return entry.first.first == engine; };
    if (static_cast<std::size_t>(std::ranges::count_if(seen_, of_engine)) <= kMostModels) return;
    std::erase_if(seen_, [&](const auto& entry) {
        return of_engine(entry) &&
               std::ranges::find(models, entry.first.second, &ServedModel::name) == models.end();
    });
}

std::optional<WallTime> FirstSeen::find(std::string_view engine, std::string_view model) const {
    const std::lock_guard lock(mutex_);
    const auto found = seen_.find(Key(engine, model));
    if (found == seen_.end()) return std::nullopt;
    return found->second;
}

void FirstSeen::write() {
    const std::string text = json::object([&](json::Writer& w) {
        w.key("models").begin_array();
        for (const auto& [key, at] : seen_) {
            w.begin_object().member("engine", key.first).member("model", key.second);
            w.member("first_seen", unix_seconds(at)).end_object();
        }
        w.end_array();
    });
    const auto written = replace_file(file_, text + "\n", FileAccess::kEverybody);
    unwritten_ = !written;  // tried again with the next probe
    if (!written && !complained_)
        log::warning(
            "cannot keep the dates of models in {}: {}; they are kept only until segue ends", file_,
            written.error().detail);
    complained_ = !written;
}

}  // namespace segue::engine
