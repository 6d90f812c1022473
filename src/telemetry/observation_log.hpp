/// What was measured of requests, kept in the store for a month and read back as figures over time.
/// Prompts and answers are not part of it.
///
/// Thread: push() from any, never waiting; the queries block. Lifetime: shorter than the pool's.
#pragma once

#include <chrono>
#include <cstdint>
#include <map>
#include <optional>
#include <span>
#include <string>
#include <vector>

#include "base/clock.hpp"
#include "base/result.hpp"
#include "store/pool.hpp"
#include "store/write_behind.hpp"

namespace segue::telemetry {

/// One finished request.
struct RequestObservation {
    std::string id;
    WallTime at{};
    std::string front;
    std::string endpoint;
    std::string model;
    std::string engine;
    std::string served_model;
    std::string key;
    int status = 0;
    bool broken = false;
    std::string finish;
    std::string failure;
    int attempts = 0;
    double total_ms = 0;
    std::optional<double> first_token_ms;
    std::optional<double> queued_ms;
    std::optional<std::int64_t> tokens_in;
    std::optional<std::int64_t> tokens_out;
    std::optional<std::int64_t> cached_tokens;
};

/// Of what was measured; absent where nothing was.
struct Percentiles {
    std::optional<double> p50;
    std::optional<double> p95;
    std::optional<double> p99;
    std::int64_t count = 0;
};

struct TrafficPoint {
    WallTime at{};
    std::int64_t requests = 0;
    std::int64_t errors = 0;  // refused, failed or broken; not those whose client left
    Percentiles first_token_ms;
    Percentiles total_ms;
    std::int64_t tokens_in = 0;
    std::int64_t tokens_out = 0;
};

struct TrafficSeries {
    std::string name;  // of the model or engine; "" = all
    TrafficPoint summary;
    std::vector<TrafficPoint> points;  // only those in which something happened, oldest first
};

enum class TrafficBy : std::uint8_t { kAll, kModel, kEngine };

struct TrafficQuestion {
    WallTime from{};
    WallTime until{};
    std::chrono::seconds step{60};
    TrafficBy by = TrafficBy::kAll;
};

class ObservationLog {
public:
    explicit ObservationLog(store::Pool& pool);

    void push(RequestObservation observation) { queue_.push(std::move(observation)); }
    /// The busiest ones first, at most 50.
    Result<std::vector<TrafficSeries>> traffic(const TrafficQuestion& question) const;
    /// By the id of a key: when it last asked a model something.
    Result<std::map<std::string, WallTime>> last_uses() const;
    std::uint64_t dropped() const { return queue_.dropped(); }
    std::uint64_t written() const { return queue_.written(); }
    void stop() { queue_.stop(); }

private:
    Result<void> write(std::span<const RequestObservation> batch);

    store::Pool& pool_;
    std::chrono::steady_clock::time_point cleaned_{};  // the queue's thread alone
    store::WriteBehind<RequestObservation> queue_;
};

}  // namespace segue::telemetry
