/// What is known of one request when it is over, and what becomes of it: metrics and one line of
/// the access log. Prompts and answers are not part of it.
#pragma once

#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "base/clock.hpp"
#include "gateway/keys.hpp"
#include "gateway/trace.hpp"
#include "llm/bridge.hpp"
#include "telemetry/metrics.hpp"

namespace segue::gateway {

struct RequestRecord {
    std::string request_id;
    std::string trace_id;  // W3C trace context, 32 hex
    std::string method;
    std::string path;  // without query
    std::string peer;
    std::string key;  // id of the key that was shown, "" = none is asked for
    Priority priority = Priority::kInteractive;
    std::optional<Duration> queued;  // time in queues; absent: no engine has a limit
    std::string front;               // ollama, openai, anthropic, segue
    std::string endpoint;            // "chat", "tags", …
    std::string model;               // as the client wrote it, "" = none
    std::string collection;          // whose passages the answer is made from, "" = none
    bool listed_model = false;       // `model` is one of a list; otherwise metrics do not carry it
    std::string engine;              // "" = answered by Segue
    std::string served_model;
    std::string ollama_engine;  // the last engine of dialect ollama that was asked, "" = none
    int status = 0;             // 499: the client left
    bool broken = false;        // the answer broke after its first byte
    int attempts = 0;
    std::string failure;  // message of the last failure
    std::size_t bytes_in = 0;
    std::size_t bytes_out = 0;
    TimePoint received{};
    TimePoint over{};
    WallTime wall{};
    llm::Observation observation;
    std::vector<std::string> ignored;
    std::vector<std::string> adjusted;
    std::unique_ptr<RequestTrace> trace;  // null: this request is not traced
};

void count(const RequestRecord& record, telemetry::Shard& shard);
/// One JSON object.
std::string access_log_line(const RequestRecord& record);

}  // namespace segue::gateway
