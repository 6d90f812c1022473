#include "engine/breaker.hpp"

#include <fmt/format.h>

#include <algorithm>

#include "base/overloaded.hpp"

namespace segue::engine {
namespace {

constexpr int kMostDoublings = 30;  // a shift further than this would overflow; the bound is lower

std::string seconds(Duration duration) {
    return fmt::format("{:g} s", std::chrono::duration<double>(duration).count());
}

std::string describe(const Breaker::Verdict& verdict) {
    return verdict.detail.empty()
               ? std::string(fault_name(verdict.fault))
               : fmt::format("{} ({})", fault_name(verdict.fault), verdict.detail);
}

}  // namespace

std::string_view fault_name(EngineFault fault) {
    switch (fault) {
        case EngineFault::kConnect: return "connect";
        case EngineFault::kServerError: return "server_error";
        case EngineFault::kStall: return "stall";
        case EngineFault::kBroken: return "broken";
    }
    return "connect";
}

std::string_view state_name(const Breaker::State& state) {
    return std::visit(
        overloaded{[](const Breaker::Closed&) { return std::string_view("closed"); },
                   [](const Breaker::Open&) { return std::string_view("open"); },
                   [](const Breaker::HalfOpen&) { return std::string_view("half_open"); }},
        state);
}

int severity(const Breaker::State& state) {
    return std::visit(overloaded{[](const Breaker::Closed&) { return 0; },
                                 [](const Breaker::HalfOpen&) { return 1; },
                                 [](const Breaker::Open&) { return 2; }},
                      state);
}

Breaker::Breaker(BreakerOptions options) : options_(options) {
}

bool Breaker::admits(TimePoint now) const {
    return std::visit(
        overloaded{
            [](const Closed&) { return true; }, [&](const Open& open) { return now >= open.until; },
            [&](const HalfOpen& half) { return half.under_way + half.good < options_.trials; }},
        state_);
}

std::optional<Breaker::Pass> Breaker::enter(TimePoint now) {
    if (!admits(now)) return std::nullopt;
    if (std::holds_alternative<Closed>(state_)) return Pass{epoch_, false};
    if (std::holds_alternative<Open>(state_)) {
        state_ = HalfOpen{};
        since_ = now;
    }
    ++std::get<HalfOpen>(state_).under_way;
    return Pass{epoch_, true};
}

Breaker::Change Breaker::leave(Pass pass, TimePoint now, const Verdict& verdict) {
    if (pass.epoch != epoch_) return Change::kNone;
    if (auto* half = std::get_if<HalfOpen>(&state_); half && pass.trial) --half->under_way;
    switch (verdict.kind) {
        case Verdict::Kind::kNone: return Change::kNone;
        case Verdict::Kind::kGood: return take_good(now);
        case Verdict::Kind::kFailed: return take_failure(now, verdict);
    }
    return Change::kNone;
}

Breaker::Change Breaker::take_good(TimePoint now) {
    count(now, false);
    failures_in_a_row_ = 0;
    if (std::holds_alternative<Closed>(state_)) return Change::kNone;
    // A request that had nowhere else to go went well before the time was over: as good as a trial.
    if (std::holds_alternative<Open>(state_)) {
        state_ = HalfOpen{};
        since_ = now;
    }
    HalfOpen& half = std::get<HalfOpen>(state_);
    if (++half.good < options_.trials) return Change::kNone;
    close(now);
    return Change::kClosed;
}

Breaker::Change Breaker::take_failure(TimePoint now, const Verdict& verdict) {
    count(now, true);
    ++failures_in_a_row_;
    if (std::holds_alternative<Open>(state_)) return Change::kNone;  // out already
    if (std::holds_alternative<HalfOpen>(state_))
        return eject(now, verdict.fault,
                     fmt::format("a trial request failed: {}", describe(verdict)));
    if (options_.failures > 0 && failures_in_a_row_ >= options_.failures)
        return eject(
            now, verdict.fault,
            fmt::format("{} {} in a row, the last: {}", failures_in_a_row_,
                        failures_in_a_row_ == 1 ? "failure" : "failures", describe(verdict)));
    const Sum seen = sum(now);
    if (options_.failure_rate > 0 &&
        seen.requests >= static_cast<std::uint32_t>(options_.min_requests) &&
        seen.failures >= options_.failure_rate * seen.requests)
        return eject(now, verdict.fault,
                     fmt::format("{} of {} requests within {} failed, the last: {}", seen.failures,
                                 seen.requests, seconds(options_.window), describe(verdict)));
    return Change::kNone;
}

Breaker::Change Breaker::eject(TimePoint now, EngineFault fault, std::string reason) {
    // Each window that the engine stayed in undoes one doubling, so that one that comes and goes is
    // kept out longer and longer, and an old trouble is forgotten.
    if (std::holds_alternative<Closed>(state_) && options_.window.count() > 0)
        level_ = static_cast<int>(
            std::max<std::int64_t>(0, level_ - (now - since_) / Duration(options_.window)));
    last_ejection_ = std::min(
        Duration(options_.ejection) * (std::int64_t{1} << std::min(level_, kMostDoublings)),
        std::max(Duration(options_.max_ejection), Duration(options_.ejection)));
    if (last_ejection_ < Duration(options_.max_ejection)) ++level_;
    ++epoch_;
    ++ejections_[static_cast<std::size_t>(fault)];
    reason_ = std::move(reason);
    state_ = Open{now + last_ejection_};
    since_ = now;
    return Change::kEjected;
}

void Breaker::close(TimePoint now) {
    state_ = Closed{};
    since_ = now;
    failures_in_a_row_ = 0;
    slots_ = {};  // the window begins anew: what led to the ejection must not lead to the next
}

void Breaker::restarted(TimePoint now) {
    if (!std::holds_alternative<Open>(state_)) return;
    state_ = HalfOpen{};
    since_ = now;
}

std::int64_t Breaker::slot_number(TimePoint now) const {
    const Duration slot = Duration(options_.window) / static_cast<std::int64_t>(kSlots);
    return slot.count() > 0 ? now.time_since_epoch() / slot : 0;
}

void Breaker::count(TimePoint now, bool failed) {
    const std::int64_t number = slot_number(now);
    Slot& slot = slots_[static_cast<std::size_t>(number) % kSlots];
    if (slot.number != number) slot = Slot{number, 0, 0};
    ++slot.requests;
    if (failed) ++slot.failures;
}

Breaker::Sum Breaker::sum(TimePoint now) const {
    const std::int64_t newest = slot_number(now);
    Sum total;
    for (const Slot& slot : slots_) {
        if (slot.number < 0 || slot.number + static_cast<std::int64_t>(kSlots) <= newest) continue;
        total.requests += slot.requests;
        total.failures += slot.failures;
    }
    return total;
}

Breaker::Report Breaker::report(TimePoint now) const {
    Report report;
    report.state = state_;
    report.since = now - since_;
    if (const auto* open = std::get_if<Open>(&state_)) {
        if (now >= open->until) {
            report.state = HalfOpen{};  // the next request is the first trial
            report.since = now - open->until;
        } else {
            report.until_trial = open->until - now;
        }
    }
    if (since_ == TimePoint{}) report.since = {};
    report.reason = reason_;
    report.last_ejection = last_ejection_;
    report.failures_in_a_row = failures_in_a_row_;
    const Sum seen = sum(now);
    report.window_requests = seen.requests;
    report.window_failures = seen.failures;
    report.ejections = ejections_;
    return report;
}

}  // namespace segue::engine
