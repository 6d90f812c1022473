/// Everything one rehearsal engine remembers. One loop, one thread; lives as long as the engine.
#pragma once

#include <cstdint>
#include <deque>
#include <set>
#include <string>

#include "base/clock.hpp"
#include "engine/rehearsal/faults.hpp"
#include "engine/rehearsal/metrics.hpp"
#include "engine/rehearsal/model.hpp"
#include "engine/rehearsal/options.hpp"
#include "engine/rehearsal/timing.hpp"
#include "engine/rehearsal/tokens.hpp"
#include "net/http.hpp"
#include "net/loop.hpp"

namespace segue::engine::rehearsal {

/// A request as it arrived, for tests that must know what an engine was sent.
struct SeenRequest {
    net::RequestHead head;
    std::string body;
};

struct EngineState {
    EngineState(net::Loop& loop_in, RehearsalOptions options_in);

    net::Loop& loop;
    RehearsalOptions options;
    SystemClock clock;
    ModelShelf models;
    Faults faults;
    Pace pace;
    Slots slots;
    Vocabulary vocabulary;
    Random random;
    EngineMetrics metrics;
    std::deque<SeenRequest> seen;
    std::set<std::string> blobs;  // digests that were uploaded: "sha256:…"
    int sleep_level = 0;

    void remember(const net::RequestHead& head, const std::string& body);
    /// Random, but the same for the same seed.
    std::string hex(std::size_t digits);
    std::string alphanumeric(std::size_t length);
    /// The first model's name as a vLLM server says it: without ":latest".
    const std::string& served_name() const { return options.models.front(); }
    double cache_usage() const;
    std::int64_t cache_blocks() const;
};

}  // namespace segue::engine::rehearsal
