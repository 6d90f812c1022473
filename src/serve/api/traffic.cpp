#include "serve/api/traffic.hpp"

#include <algorithm>
#include <array>

#include "serve/api/pulse.hpp"
#include "serve/observe.hpp"

namespace segue::serve::api::traffic {
namespace {

using std::chrono::seconds;
using telemetry::TrafficBy;
using telemetry::TrafficPoint;
using telemetry::TrafficQuestion;
using telemetry::TrafficSeries;

struct Window {
    std::string_view name;
    seconds length;
    seconds step;  // about 120 points
};
constexpr std::array kWindows{
    Window{"1h", seconds(3600), seconds(30)},
    Window{"6h", seconds(6 * 3600), seconds(180)},
    Window{"24h", seconds(24 * 3600), seconds(720)},
    Window{"7d", seconds(7 * 86400), seconds(5040)},
    Window{"30d", seconds(30 * 86400), seconds(21600)},
};
// Fewer measurements than this say nothing of the percentile.
constexpr std::int64_t kEnoughForP95 = 20;
constexpr std::int64_t kEnoughForP99 = 100;

void write(json::Writer& w, std::string_view name, const telemetry::Percentiles& values) {
    const auto one = [&](std::string_view percentile, const std::optional<double>& value,
                         std::int64_t enough) {
        w.key(percentile);
        value&& values.count >= enough ? w.number(*value) : w.null();
    };
    w.key(name).begin_object();
    one("p50", values.p50, 1);
    one("p95", values.p95, kEnoughForP95);
    one("p99", values.p99, kEnoughForP99);
    w.member("count", values.count).end_object();
}

void write(json::Writer& w, const TrafficPoint& point, seconds span) {
    w.begin_object().member("at", rfc3339(point.at)).member("requests", point.requests);
    w.member("errors", point.errors);
    write(w, "first_token_ms", point.first_token_ms);
    write(w, "total_ms", point.total_ms);
    w.member("tokens_per_second",
             static_cast<double>(point.tokens_out) / static_cast<double>(span.count()));
    w.member("tokens_in", point.tokens_in).member("tokens_out", point.tokens_out).end_object();
}

std::string traffic_json(const TrafficQuestion& question, const std::vector<TrafficSeries>& all) {
    return json::object([&](json::Writer& w) {
        w.member("from", rfc3339(question.from)).member("until", rfc3339(question.until));
        w.member("step_s", question.step.count()).key("series").begin_array();
        const auto whole = std::chrono::duration_cast<seconds>(question.until - question.from);
        for (const auto& series : all) {
            w.begin_object();
            w.member("model", question.by == TrafficBy::kModel ? series.name : std::string());
            w.member("engine", question.by == TrafficBy::kEngine ? series.name : std::string());
            w.key("points").begin_array();
            for (const auto& point : series.points)
                write(w, point, question.step);
            w.end_array().key("summary");
            write(w, series.summary, whole);
            w.end_object();
        }
        w.end_array().key("marks").begin_array().end_array();
    });
}

/// Points begin at whole steps, so that the same one is the same in every answer.
WallTime whole_step(WallTime time, seconds step) {
    const auto at = unix_seconds(time);
    return WallTime(seconds(at - at % step.count()));
}

}  // namespace

Reply get(Context& context, const Request& request) {
    const std::string name = request.query("window").value_or("1h");
    const auto* window = std::find_if(kWindows.begin(), kWindows.end(),
                                      [&](const Window& one) { return one.name == name; });
    if (window == kWindows.end()) return problem(400, "", "window is 1h, 6h, 24h, 7d or 30d");
    TrafficQuestion question;
    const std::string by = request.query("by").value_or("all");
    if (by == "model") {
        question.by = TrafficBy::kModel;
    } else if (by == "engine") {
        question.by = TrafficBy::kEngine;
    } else if (by != "all") {
        return problem(400, "", "by is all, model or engine");
    }
    question.step = window->step;
    question.until = whole_step(context.clock().wall(), window->step) + window->step;
    question.from = question.until - window->length;
    SEGUE_API_TRY(series, context.observer->log().traffic(question));
    Reply reply;
    reply.body = traffic_json(question, series);
    return reply;
}

std::string newest(const Context& context) {
    TrafficQuestion question;
    question.step = kWindows.front().step;
    question.until = whole_step(context.clock().wall(), question.step) + question.step;
    question.from = question.until - 2 * question.step;
    const auto series = context.observer->log().traffic(question);
    if (!series) return "";
    return "event: traffic\ndata: " + traffic_json(question, *series) + "\n\n";
}

Reply events(Context& context, const Request&) {
    return event_stream(context.traffic->follow());
}

}  // namespace segue::serve::api::traffic
