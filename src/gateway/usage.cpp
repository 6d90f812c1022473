#include "gateway/usage.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <chrono>
#include <cstdio>
#include <utility>

#include "base/files.hpp"
#include "base/log.hpp"
#include "base/text.hpp"
#include "base/time_text.hpp"
#include "evidence/day_chain.hpp"
#include "gateway/record.hpp"

namespace segue::gateway {
namespace {

constexpr std::string_view kSchema = "segue-usage/1";
constexpr std::size_t kLongestAgent = 120;

std::int64_t day_of(WallTime time) {
    return std::chrono::floor<std::chrono::days>(time).time_since_epoch().count();
}

std::string day_text(std::int64_t day) {
    return rfc3339(WallTime(std::chrono::days(day))).substr(0, 10);
}

std::optional<std::int64_t> parse_day(std::string_view text) {
    if (text.size() != 10) return std::nullopt;
    const auto time = parse_rfc3339(std::string(text) + "T00:00:00Z");
    return time ? std::optional(day_of(*time)) : std::nullopt;
}

/// Clients choose their User-Agent: it is cut and made printable before it is kept.
std::string clean_agent(std::string_view agent) {
    std::string out = replace_invalid_utf8(agent.substr(0, kLongestAgent));
    std::erase_if(out, [](char c) { return static_cast<unsigned char>(c) < 0x20 || c == 0x7f; });
    return out;
}

/// The machine, without the port that each connection has anew.
std::string_view machine(std::string_view peer) {
    const auto colon = peer.rfind(':');
    if (colon == std::string_view::npos || peer.find(']', colon) != std::string_view::npos)
        return peer;
    return peer.substr(0, colon);
}

std::optional<Usage> read_usage(std::string_view text) {
    json::Parser parser;
    const auto root = parser.parse(text);
    return root ? Usage::from_json(*root) : std::nullopt;
}

}  // namespace

void Usage::add(const Usage& other) {
    if (other.since) since = since ? std::min(*since, *other.since) : *other.since;
    for (const auto& [noted, counts] : other.days) {
        auto day = noted;
        // A sealed day stays as it is: what comes later still counts for the next one.
        for (auto known = days.find(day); known != days.end() && !known->second.seal.empty();
             known = days.find(day))
            ++day;
        Day& mine = days[day];
        mine.answered += counts.answered;
        mine.ollama_engine += counts.ollama_engine;
        mine.ollama_front += counts.ollama_front;
    }
    if (other.last_ollama_engine &&
        (!last_ollama_engine || last_ollama_engine->first < other.last_ollama_engine->first))
        last_ollama_engine = other.last_ollama_engine;
    for (const auto& [name, caller] : other.callers) {
        Caller& mine = callers[name];
        mine.requests += caller.requests;
        mine.last = std::max(mine.last, caller.last);
    }
    unnamed_callers += other.unnamed_callers;
    trim();
}

void Usage::trim() {
    while (days.size() > kMostDays) {
        chain_start = days.begin()->second.seal;
        days.erase(days.begin());
    }
    while (callers.size() > kMostCallers) {
        const auto oldest = std::ranges::min_element(
            callers, {}, [](const auto& entry) { return entry.second.last; });
        unnamed_callers += oldest->second.requests;
        callers.erase(oldest);
    }
}

void Usage::close_days() {
    if (days.empty()) return;
    const auto last = days.rbegin()->first;
    for (auto day = days.begin()->first; day < last; ++day)
        days.try_emplace(day);
    std::string before = chain_start;
    for (auto& [day, counts] : days) {
        if (day > last - 2) break;
        if (counts.seal.empty())
            counts.seal = evidence::seal_of(
                before,
                {day_text(day), counts.answered, counts.ollama_engine, counts.ollama_front, ""});
        before = counts.seal;
    }
    trim();
}

std::string Usage::to_json() const {
    return json::object([&](json::Writer& w) {
        w.member("schema", kSchema).key("since");
        since ? w.string(rfc3339(*since)) : w.null();
        w.key("days").begin_array();
        for (const auto& [day, counts] : days) {
            w.begin_object().member("day", day_text(day)).member("answered", counts.answered);
            w.member("ollama_engine", counts.ollama_engine);
            w.member("ollama_front", counts.ollama_front).key("seal");
            counts.seal.empty() ? w.null() : w.string(counts.seal);
            w.end_object();
        }
        w.end_array().member("chain_start", chain_start).key("last_ollama_engine");
        if (last_ollama_engine)
            w.begin_object()
                .member("at", rfc3339(last_ollama_engine->first))
                .member("engine", last_ollama_engine->second)
                .end_object();
        else
            w.null();
        w.key("ollama_callers").begin_array();
        for (const auto& [name, caller] : callers) {
            w.begin_object().member("key", std::get<0>(name)).member("agent", std::get<1>(name));
            w.member("address", std::get<2>(name)).member("requests", caller.requests);
            w.member("last", rfc3339(caller.last)).end_object();
        }
        w.end_array().member("unnamed_callers", unnamed_callers);
    });
}

std::optional<Usage> Usage::from_json(json::Value value) {
    if (value["schema"].string() != kSchema || !value["days"].is_array()) return std::nullopt;
    Usage out;
    if (value["since"].is_string()) {
        out.since = parse_rfc3339(value["since"].string());
        if (!out.since) return std::nullopt;
    }
    for (const auto entry : value["days"]) {
        const auto day = parse_day(entry["day"].string());
        if (!day) return std::nullopt;
        out.days[*day] = {
            entry["answered"].integer().value_or(0), entry["ollama_engine"].integer().value_or(0),
            entry["ollama_front"].integer().value_or(0), std::string(entry["seal"].string())};
    }
    out.chain_start = value["chain_start"].string();
    if (const auto last = value["last_ollama_engine"]; last.is_object()) {
        const auto at = parse_rfc3339(last["at"].string());
        if (!at) return std::nullopt;
        out.last_ollama_engine.emplace(*at, last["engine"].string());
    }
    for (const auto entry : value["ollama_callers"]) {
        const auto last = parse_rfc3339(entry["last"].string());
        if (!last) return std::nullopt;
        out.callers[{std::string(entry["key"].string()), std::string(entry["agent"].string()),
                     std::string(entry["address"].string())}] = {
            entry["requests"].integer().value_or(0), *last};
    }
    out.unnamed_callers = value["unnamed_callers"].integer().value_or(0);
    return out;
}

void UsageRecord::Shard::note(const RequestRecord& record, std::string_view agent) {
    const bool front = record.front == "ollama";
    if (record.engine.empty() && !front) return;
    const std::lock_guard lock(mutex_);
    Usage::Day& day = fresh_.days[day_of(record.wall)];
    if (!record.engine.empty()) ++day.answered;
    if (!record.ollama_engine.empty()) {
        ++day.ollama_engine;
        fresh_.last_ollama_engine.emplace(record.wall, record.ollama_engine);
    }
    if (!front) return;
    ++day.ollama_front;
    Usage::CallerName name{record.key, clean_agent(agent), std::string(machine(record.peer))};
    const auto known = fresh_.callers.find(name);
    if (known == fresh_.callers.end() && fresh_.callers.size() >= Usage::kMostCallers) {
        ++fresh_.unnamed_callers;
        return;
    }
    Usage::Caller& caller =
        known == fresh_.callers.end() ? fresh_.callers[std::move(name)] : known->second;
    ++caller.requests;
    caller.last = record.wall;
}

void UsageRecord::keep_in(std::string file, WallTime now) {
    const std::lock_guard lock(mutex_);
    const auto text = read_file(file);
    if (text || text.error().fault != Fault::kNotFound) {
        if (auto read = read_usage(text ? *text : "")) {
            kept_ = std::move(*read);
        } else {
            const std::string aside = file + ".unreadable";
            log::warning(
                "{} cannot be read{}: it is now {}, and the record of who uses Ollama begins anew",
                file, text ? "" : " (" + text.error().detail + ")", aside);
            (void)std::rename(file.c_str(), aside.c_str());
        }
    }
    begun_ = !kept_.since;
    if (begun_) kept_.since = std::chrono::floor<std::chrono::seconds>(now);
    file_ = std::move(file);
}

UsageRecord::Shard& UsageRecord::make_shard() {
    const std::lock_guard lock(mutex_);
    return shards_.emplace_back();
}

Usage UsageRecord::total() const {
    const std::lock_guard lock(mutex_);
    Usage all = kept_;
    all.add(unsaved_);
    for (auto& shard : shards_) {
        const std::lock_guard inner(shard.mutex_);
        all.add(shard.fresh_);
    }
    all.close_days();
    return all;
}

Result<void> UsageRecord::save() {
    const std::lock_guard lock(mutex_);
    for (auto& shard : shards_) {
        const std::lock_guard inner(shard.mutex_);
        unsaved_.add(std::exchange(shard.fresh_, Usage{}));
    }
    if (file_.empty() || (unsaved_.empty() && !begun_)) return {};
    SEGUE_TRY(held, FileLock::take(file_));
    Usage next = kept_;
    if (const auto text = read_file(file_))  // another process may have added to it since
        if (auto read = read_usage(*text)) next = std::move(*read);
    if (!next.since) next.since = kept_.since;
    next.add(unsaved_);
    next.close_days();
    // When this fails, what is unsaved is tried again with the next save.
    SEGUE_TRY_VOID(replace_file(file_, next.to_json() + "\n", FileAccess::kOwner));
    kept_ = std::move(next);
    unsaved_ = Usage{};
    begun_ = false;
    return {};
}

}  // namespace segue::gateway
