#include "serve/observe.hpp"

#include <utility>

#include "gateway/record.hpp"

namespace segue::serve {
namespace {

double milliseconds(Duration duration) {
    return std::chrono::duration<double, std::milli>(duration).count();
}

}  // namespace

void Observer::take(const gateway::RequestRecord& record) {
    if (record.model.empty() || record.endpoint == "show") return;
    const llm::Observation& seen = record.observation;
    telemetry::RequestObservation one;
    one.id = record.request_id;
    one.at = record.wall;
    one.front = record.front;
    one.endpoint = record.endpoint;
    // What is no model of ours may be anything; it must not fill the table with names.
    one.model = record.listed_model ? record.model : "(other)";
    one.engine = record.engine;
    one.served_model = record.served_model;
    one.key = record.key;
    one.status = record.status;
    one.broken = record.broken;
    if (seen.finish_reason) one.finish = gateway::finish_name(*seen.finish_reason);
    one.failure = record.failure.substr(0, 300);
    one.attempts = record.attempts;
    one.total_ms = milliseconds(record.over - record.received);
    if (seen.first_event) one.first_token_ms = milliseconds(*seen.first_event - record.received);
    if (record.queued) one.queued_ms = milliseconds(*record.queued);
    one.tokens_in = seen.usage.prompt_tokens;
    one.tokens_out = seen.usage.completion_tokens;
    one.cached_tokens = seen.usage.cached_tokens;
    log_.push(std::move(one));
}

}  // namespace segue::serve
