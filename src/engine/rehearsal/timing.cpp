#include "engine/rehearsal/timing.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>

namespace segue::engine::rehearsal {

TimingProfile instant_profile() {
    TimingProfile out;
    out.ttft_ms = 0;
    out.tokens_per_second = 0;
    return out;
}

Result<TimingProfile> read_timing_profile(json::Value value, TimingProfile base) {
    if (!value.is_object()) return fail(Fault::kInvalid, "a timing profile must be a JSON object");
    for (json::Value member : value) {
        const auto number = member.number();
        if (!number || *number < 0 || !std::isfinite(*number)) {
            return fail(Fault::kInvalid,
                        fmt::format("{} must be a number that is not negative", member.key()));
        }
        const std::string_view key = member.key();
        const auto whole = static_cast<std::size_t>(std::min(*number, 1e9));
        if (key == "ttft_ms") {
            base.ttft_ms = *number;
        } else if (key == "tokens_per_second") {
            base.tokens_per_second = *number;
        } else if (key == "prefill_tokens_per_second") {
            base.prefill_tokens_per_second = *number;
        } else if (key == "jitter") {
            base.jitter = std::min(*number, 1.0);
        } else if (key == "slowdown") {
            base.slowdown = *number;
        } else if (key == "slots") {
            if (whole == 0) return fail(Fault::kInvalid, "slots must be at least 1");
            base.slots = whole;
        } else if (key == "queue_limit") {
            base.queue_limit = whole;
        } else {
            return fail(
                Fault::kInvalid,
                fmt::format("unknown timing {}; known are ttft_ms, tokens_per_second, "
                            "prefill_tokens_per_second, jitter, slowdown, slots, queue_limit",
                            key));
        }
    }
    return base;
}

Duration Pace::vary(double milliseconds, std::size_t running) {
    const double others = running > 1 ? static_cast<double>(running - 1) : 0.0;
    double out = milliseconds * (1.0 + profile_.slowdown * others);
    // Drawn even when nothing varies: the sequence of a seed must not depend on the profile.
    const double draw = random_.uniform() * 2.0 - 1.0;
    out *= 1.0 + profile_.jitter * draw;
    return Duration(static_cast<Duration::rep>(std::max(out, 0.0) * 1e6));
}

Duration Pace::first_token(std::int64_t prompt_tokens, std::size_t running) {
    double milliseconds = profile_.ttft_ms;
    if (profile_.prefill_tokens_per_second > 0) {
        milliseconds +=
            static_cast<double>(prompt_tokens) * 1000.0 / profile_.prefill_tokens_per_second;
    }
    return vary(milliseconds, running);
}

Duration Pace::gap(std::size_t running) {
    return vary(profile_.tokens_per_second > 0 ? 1000.0 / profile_.tokens_per_second : 0.0,
                running);
}

Slots::Ticket Slots::enter(std::function<void()> start) {
    if (running_.size() < slots_) {
        const Ticket ticket = next_++;
        running_.insert(ticket);
        start();
        return ticket;
    }
    if (waiting_.size() >= queue_limit_) return 0;
    waiting_.emplace_back(next_, std::move(start));
    return next_++;
}

void Slots::leave(Ticket ticket) {
    if (ticket == 0) return;
    if (running_.erase(ticket) == 0) {
        std::erase_if(waiting_, [&](const auto& entry) { return entry.first == ticket; });
        return;
    }
    if (waiting_.empty()) return;
    auto [next, start] = std::move(waiting_.front());
    waiting_.pop_front();
    running_.insert(next);
    start();
}

}  // namespace segue::engine::rehearsal
