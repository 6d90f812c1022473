#include "engine/rehearsal/faults.hpp"

#include <fmt/format.h>

#include <array>

namespace segue::engine::rehearsal {
namespace {

struct CountField {
    std::string_view name;
    std::optional<std::uint32_t> FaultSet::*member;
};
constexpr std::array kCounts{CountField{"stall_after", &FaultSet::stall_after},
                             CountField{"drop_after", &FaultSet::drop_after},
                             CountField{"garbage_after", &FaultSet::garbage_after},
                             CountField{"error_after", &FaultSet::error_after},
                             CountField{"end_after", &FaultSet::end_after}};

struct FlagField {
    std::string_view name;
    bool FaultSet::*member;
};
constexpr std::array kFlags{FlagField{"busy", &FaultSet::busy},
                            FlagField{"wrong_length", &FaultSet::wrong_length},
                            FlagField{"lying_counts", &FaultSet::lying_counts},
                            FlagField{"bad_template", &FaultSet::bad_template}};

constexpr std::string_view kKnown =
    "error, retry_after, stall_after, drop_after, garbage_after, error_after, end_after, slow, "
    "health, "
    "busy, wrong_length, lying_counts, bad_template, share, only_first";

Result<void> read_error(json::Value value, FaultSet& out) {
    if (const auto status = value.integer()) {
        out.error_status = static_cast<int>(*status);
    } else if (value.is_object()) {
        out.error_status = static_cast<int>(value["status"].integer().value_or(500));
        out.error_message = value["message"].string(out.error_message);
        out.share = value["share"].number().value_or(out.share);
    }
    if (!out.error_status || *out.error_status < 400 || *out.error_status > 599) {
        return fail(Fault::kInvalid, "error must be a status from 400 to 599, or {\"status\":…}");
    }
    return {};
}

Result<void> read_member(json::Value member, FaultSet& out) {
    const std::string_view key = member.key();
    const auto wrong = [&](std::string_view wanted) {
        return fail(Fault::kInvalid, fmt::format("{} must be {}", key, wanted));
    };
    for (const CountField& field : kCounts) {
        if (field.name != key) continue;
        const auto count = member.integer();
        if (!count || *count < 0 || *count > 1'000'000) return wrong("a count of tokens");
        out.*field.member = static_cast<std::uint32_t>(*count);
        return {};
    }
    for (const FlagField& field : kFlags) {
        if (field.name != key) continue;
        if (!member.is_bool()) return wrong("true or false");
        out.*field.member = member.boolean();
        return {};
    }
    if (key == "error") return read_error(member, out);
    if (key == "slow") {
        out.slow_gap_ms = member.number().value_or(member["gap_ms"].number().value_or(0));
        out.slow_first_ms = member["first_ms"].number().value_or(0);
        if (out.slow_gap_ms < 0 || out.slow_first_ms < 0) return wrong("milliseconds");
    } else if (key == "health") {
        if (member.string() != "failing" && member.string() != "ok")
            return wrong("\"failing\" or \"ok\"");
        out.health_failing = member.string() == "failing";
    } else if (key == "share") {
        const auto share = member.number();
        if (!share || *share < 0 || *share > 1) return wrong("a number from 0 to 1");
        out.share = *share;
    } else if (key == "retry_after") {
        const auto seconds = member.integer();
        if (!seconds || *seconds < 0 || *seconds > 3600) return wrong("seconds");
        out.retry_after = static_cast<int>(*seconds);
    } else if (key == "only_first") {
        const auto count = member.integer();
        if (!count || *count < 0) return wrong("a count of requests");
        out.only_first = static_cast<std::uint64_t>(*count);
    } else {
        return fail(Fault::kInvalid, fmt::format("unknown fault {}; known are {}", key, kKnown));
    }
    return {};
}

}  // namespace

bool FaultSet::any() const {
    for (const CountField& field : kCounts) {
        if (this->*field.member) return true;
    }
    for (const FlagField& field : kFlags) {
        if (this->*field.member) return true;
    }
    return error_status || slow_first_ms > 0 || slow_gap_ms > 0 || health_failing;
}

Result<FaultSet> read_fault_set(json::Value value) {
    if (!value.is_object()) return fail(Fault::kInvalid, "faults must be a JSON object");
    FaultSet out;
    for (json::Value member : value)
        SEGUE_TRY_VOID(read_member(member, out));
    return out;
}

std::string write_fault_set(const FaultSet& faults) {
    return json::object([&](json::Writer& w) {
        if (faults.error_status) {
            w.key("error").begin_object();
            w.member("status", *faults.error_status).member("message", faults.error_message);
            w.end_object();
        }
        if (faults.retry_after) w.member("retry_after", *faults.retry_after);
        for (const CountField& field : kCounts) {
            if (faults.*field.member) w.member(field.name, *(faults.*field.member));
        }
        if (faults.slow_first_ms > 0 || faults.slow_gap_ms > 0) {
            w.key("slow").begin_object();
            w.member("first_ms", faults.slow_first_ms).member("gap_ms", faults.slow_gap_ms);
            w.end_object();
        }
        if (faults.health_failing) w.member("health", "failing");
        for (const FlagField& field : kFlags) {
            if (faults.*field.member) w.member(field.name, true);
        }
        if (faults.share < 1) w.member("share", faults.share);
        if (faults.only_first) w.member("only_first", *faults.only_first);
    });
}

void Faults::replace(FaultSet set) {
    set_ = std::move(set);
    hits_ = 0;
}

FaultSet Faults::draw() {
    // Drawn even without faults, so that switching them on does not shift what follows.
    const double draw = random_.uniform();
    if (!set_.any() || draw >= set_.share) return {};
    if (set_.only_first && hits_ >= *set_.only_first) return {};
    ++hits_;
    return set_;
}

}  // namespace segue::engine::rehearsal
