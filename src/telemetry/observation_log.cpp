#include "telemetry/observation_log.hpp"

#include <algorithm>

namespace segue::telemetry {
namespace {

constexpr std::chrono::hours kBetweenCleanings{1};
constexpr std::size_t kMostSeries = 50;
// Fewer say nothing of the slowest hundredth.
constexpr std::int64_t kEnoughForP99 = 100;
constexpr std::int64_t kEnoughForP95 = 20;

/// A p99 of seven requests is their maximum under another name.
Percentiles honest(const std::optional<std::vector<double>>& values, std::int64_t count) {
    Percentiles out;
    out.count = count;
    if (!values || values->size() != 3 || count == 0) return out;
    out.p50 = (*values)[0];
    if (count >= kEnoughForP95) out.p95 = (*values)[1];
    if (count >= kEnoughForP99) out.p99 = (*values)[2];
    return out;
}

}  // namespace

ObservationLog::ObservationLog(store::Pool& pool)
    : pool_(pool),
      queue_([this](std::span<const RequestObservation> batch) { return write(batch); },
             {.what = "observations of requests"}) {
}

Result<void> ObservationLog::write(std::span<const RequestObservation> batch) {
    const auto written = pool_.transaction([&](store::Connection& connection) -> Result<int> {
        // Figures of requests are worth no wait for the disk: a crash of the machine may cost the
        // last half second of them.
        SEGUE_TRY(hurried, connection.execute("SET LOCAL synchronous_commit = off"));
        SEGUE_TRY(table, connection.execute("CREATE TEMPORARY TABLE fresh (LIKE observation) ON "
                                            "COMMIT DROP"));
        (void)hurried, (void)table;
        SEGUE_TRY(copy, connection.copy_in("fresh"));
        for (const auto& one : batch)
            SEGUE_TRY_VOID(copy.row(one.id, one.at, one.front, one.endpoint, one.model, one.engine,
                                    one.served_model, one.key, one.status, one.broken, one.finish,
                                    one.failure, one.attempts, one.total_ms, one.first_token_ms,
                                    one.queued_ms, one.tokens_in, one.tokens_out,
                                    one.cached_tokens));
        SEGUE_TRY(copied, copy.finish());
        SEGUE_TRY(kept,
                  connection.execute("INSERT INTO observation SELECT * FROM fresh ON CONFLICT "
                                     "DO NOTHING"));
        SEGUE_TRY(used, connection.execute(
                            "INSERT INTO api_key_use SELECT key, max(at) FROM fresh WHERE key <> "
                            "'' GROUP BY key ORDER BY key ON CONFLICT (key) DO UPDATE SET "
                            "last_used = greatest(api_key_use.last_used, excluded.last_used)"));
        (void)copied, (void)kept, (void)used;
        return 0;
    });
    if (!written) return tl::make_unexpected(written.error());
    const auto now = std::chrono::steady_clock::now();
    if (now - cleaned_ > kBetweenCleanings) {
        cleaned_ = now;
        (void)pool_.execute("DELETE FROM observation WHERE at < now() - interval '31 days'");
    }
    return {};
}

Result<std::vector<TrafficSeries>> ObservationLog::traffic(const TrafficQuestion& question) const {
    using Measured = std::optional<std::vector<double>>;
    const std::string_view name = question.by == TrafficBy::kModel    ? "model"
                                  : question.by == TrafficBy::kEngine ? "engine"
                                                                      : "all";
    // Without a bucket: of the whole time, which is no sum of percentiles.
    SEGUE_TRY(
        rows,
        (pool_.query<std::string, std::optional<WallTime>, std::int64_t, std::int64_t, Measured,
                     std::int64_t, Measured, std::int64_t, std::int64_t>(
            "SELECT name, bucket, count(*), count(*) FILTER (WHERE broken OR (status >= 400 "
            "AND status <> 499)), percentile_cont(ARRAY[0.5, 0.95, 0.99]) WITHIN GROUP (ORDER "
            "BY first_token_ms::float8), count(first_token_ms), percentile_cont(ARRAY[0.5, "
            "0.95, 0.99]) WITHIN GROUP (ORDER BY total_ms::float8), "
            "coalesce(sum(tokens_in), 0), coalesce(sum(tokens_out), 0) FROM (SELECT *, CASE $4 "
            "WHEN 'model' THEN model WHEN 'engine' THEN engine ELSE '' END AS name, "
            "date_bin(make_interval(secs => $3), at, $1) AS bucket FROM observation WHERE at >= "
            "$1 AND at < $2) AS seen GROUP BY GROUPING SETS ((name), (name, bucket)) ORDER BY "
            "name, bucket NULLS FIRST",
            question.from, question.until, static_cast<double>(question.step.count()), name)));
    std::vector<TrafficSeries> series;
    for (auto& [of, bucket, requests, errors, first, with_first, total, in, out] : rows) {
        TrafficPoint point;
        point.at = bucket.value_or(question.from);
        point.requests = requests;
        point.errors = errors;
        point.first_token_ms = honest(first, with_first);
        point.total_ms = honest(total, requests);
        point.tokens_in = in;
        point.tokens_out = out;
        if (!bucket)
            series.push_back({std::move(of), std::move(point), {}});
        else
            series.back().points.push_back(std::move(point));
    }
    std::stable_sort(series.begin(), series.end(), [](const auto& a, const auto& b) {
        return a.summary.requests > b.summary.requests;
    });
    if (series.size() > kMostSeries) series.resize(kMostSeries);
    return series;
}

Result<std::map<std::string, WallTime>> ObservationLog::last_uses() const {
    SEGUE_TRY(rows, (pool_.query<std::string, WallTime>("SELECT key, last_used FROM api_key_use")));
    std::map<std::string, WallTime> out;
    for (auto& [key, at] : rows)
        out.emplace(std::move(key), at);
    return out;
}

}  // namespace segue::telemetry
