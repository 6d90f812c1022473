#include "gateway/trace.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <array>

#include "base/ids.hpp"
#include "gateway/record.hpp"
#include "gateway/trace_context.hpp"

namespace segue::gateway {

using telemetry::Span;

namespace {

struct Operation {
    std::string_view endpoint;
    std::string_view name;  // OpenTelemetry's gen_ai.operation.name
};
constexpr std::array kOperations{Operation{"chat", "chat"},
                                 Operation{"messages", "chat"},
                                 Operation{"responses", "chat"},
                                 Operation{"generate", "text_completion"},
                                 Operation{"completions", "text_completion"},
                                 Operation{"embed", "embeddings"},
                                 Operation{"embeddings", "embeddings"}};

/// "" for requests that are not about generating.
std::string_view operation_of(std::string_view endpoint) {
    for (const auto& operation : kOperations)
        if (operation.endpoint == endpoint) return operation.name;
    return {};
}

void add_usage(Span& span, const llm::Observation& seen) {
    const auto tokens = [&](std::string_view name, const std::optional<std::int64_t>& count) {
        if (count) span.attributes.push_back({name, *count});
    };
    tokens("gen_ai.usage.input_tokens", seen.usage.prompt_tokens);
    tokens("gen_ai.usage.output_tokens", seen.usage.completion_tokens);
    tokens("gen_ai.usage.cache_read.input_tokens", seen.usage.cached_tokens);
    if (seen.finish_reason)
        span.attributes.push_back({"gen_ai.response.finish_reasons",
                                   std::vector{std::string(finish_name(*seen.finish_reason))}});
}

}  // namespace

std::string_view finish_name(llm::FinishReason reason) {
    switch (reason) {
        case llm::FinishReason::kStop: return "stop";
        case llm::FinishReason::kLength: return "length";
        case llm::FinishReason::kToolCalls: return "tool_calls";
        case llm::FinishReason::kLoad: return "load";
        case llm::FinishReason::kUnload: return "unload";
    }
    return "stop";
}

RequestTrace::RequestTrace(std::string_view route, std::string_view parent_id,
                           std::string_view state)
    : span_id_(random_hex(16)), parent_id_(parent_id), state_(state), route_(route) {
}

void RequestTrace::wait(TimePoint now) {
    waiting_ = now;
}

void RequestTrace::begin(const engine::Candidate& candidate, TimePoint now) {
    Attempt attempt;
    attempt.span_id = random_hex(16);
    attempt.engine = candidate.engine->name();
    attempt.served_model = candidate.target.served_model;
    attempt.provider = candidate.engine->facts()->kind;
    attempt.host = candidate.engine->config().origin.host;
    attempt.port = candidate.engine->config().origin.port;
    attempt.asked = waiting_.value_or(now);
    attempt.begun = attempt.ended = now;
    waiting_.reset();
    attempts_.push_back(std::move(attempt));
}

void RequestTrace::sent(TimePoint now) {
    if (!attempts_.empty() && !attempts_.back().sent) attempts_.back().sent = now;
}

void RequestTrace::end(const llm::Observation& seen, std::string_view failure, TimePoint now) {
    if (attempts_.empty()) return;
    Attempt& attempt = attempts_.back();
    attempt.seen = seen;
    attempt.failure = failure;
    attempt.ended = now;
}

std::string RequestTrace::traceparent(std::string_view trace_id) const {
    return gateway::traceparent(trace_id, attempts_.empty() ? span_id_ : attempts_.back().span_id,
                                "01");
}

/// Lives in the exporter's queue; spans are made on its thread.
class FinishedRequest final : public telemetry::SpanSource {
public:
    FinishedRequest(RequestRecord record, WallTime wall)
        : record_(std::move(record)), trace_(std::move(record_.trace)), wall_(wall) {}

    void append_to(std::vector<Span>& spans) const override {
        spans.push_back(server_span());
        for (const auto& attempt : trace_->attempts_) {
            spans.push_back(child("queue", trace_->span_id_, attempt.asked, attempt.begun));
            append_attempt(attempt, spans);
        }
        if (trace_->waiting_) {  // no engine had room for it
            Span queue = child("queue", trace_->span_id_, *trace_->waiting_, record_.over);
            fail(queue, record_.failure);
            spans.push_back(std::move(queue));
        }
    }

private:
    using Attempt = RequestTrace::Attempt;

    /// Steady times are placed by the one moment whose wall time is known as well.
    WallTime wall(TimePoint time) const {
        return wall_ - std::chrono::duration_cast<WallTime::duration>(record_.over - time);
    }

    Span child(std::string_view name, const std::string& parent, TimePoint from,
               TimePoint to) const {
        Span span;
        span.trace_id = record_.trace_id;
        span.span_id = random_hex(16);
        span.parent_id = parent;
        span.trace_state = trace_->state_;
        span.name = name;
        span.start = wall(from);
        span.end = wall(to);
        return span;
    }

    static void fail(Span& span, const std::string& why) {
        span.failed = true;
        span.error = why;
    }

    Span server_span() const {
        Span span = child("", trace_->parent_id_, record_.received, record_.over);
        span.span_id = trace_->span_id_;
        span.remote_parent = !trace_->parent_id_.empty();
        span.kind = Span::Kind::kServer;
        span.name = record_.method;
        if (!trace_->route_.empty()) span.name.append(" ").append(trace_->route_);
        const auto add = [&](std::string_view name, telemetry::AttributeValue value) {
            span.attributes.push_back({name, std::move(value)});
        };
        add("http.request.method", record_.method);
        add("url.path", record_.path);
        if (!trace_->route_.empty()) add("http.route", std::string(trace_->route_));
        add("http.response.status_code", std::int64_t{record_.status});
        add("client.address", record_.peer.substr(0, record_.peer.rfind(':')));
        add("segue.front", record_.front);
        add("segue.request_id", record_.request_id);
        add("segue.attempts", std::int64_t{record_.attempts});
        if (!record_.engine.empty()) add("segue.engine", record_.engine);
        if (const auto operation = operation_of(record_.endpoint); !operation.empty()) {
            add("gen_ai.operation.name", std::string(operation));
            if (!record_.model.empty()) add("gen_ai.request.model", record_.model);
            if (!record_.served_model.empty()) add("gen_ai.response.model", record_.served_model);
            add_usage(span, record_.observation);
        }
        if (const auto& first = record_.observation.first_event)
            add("segue.first_event_seconds",
                std::chrono::duration<double>(*first - record_.received).count());
        // A server's span failed when the server did (semantic conventions for HTTP): 4xx is the
        // client's mistake, and 499 its choice.
        if (record_.status >= 400 || record_.broken)
            add("error.type",
                record_.broken ? std::string("broken") : std::to_string(record_.status));
        if (record_.status >= 500 || record_.broken) fail(span, record_.failure);
        return span;
    }

    void append_attempt(const Attempt& attempt, std::vector<Span>& spans) const {
        const bool failed = !attempt.failure.empty();
        const auto operation = operation_of(record_.endpoint);
        Span span = child("", trace_->span_id_, attempt.begun, attempt.ended);
        span.span_id = attempt.span_id;
        span.kind = Span::Kind::kClient;
        span.name = fmt::format("{} {}", operation.empty() ? record_.endpoint : operation,
                                attempt.served_model);
        const auto add = [&](std::string_view name, telemetry::AttributeValue value) {
            span.attributes.push_back({name, std::move(value)});
        };
        if (!operation.empty()) add("gen_ai.operation.name", std::string(operation));
        add("gen_ai.provider.name", attempt.provider);
        add("gen_ai.request.model", attempt.served_model);
        add("server.address", attempt.host);
        add("server.port", std::int64_t{attempt.port});
        add("segue.engine", attempt.engine);
        add_usage(span, attempt.seen);
        if (failed) {
            add("error.type", std::string("engine_failed"));
            fail(span, attempt.failure);
        }
        spans.push_back(std::move(span));

        // The phases follow each other without a gap; a failure belongs to the one it ended.
        struct Phase {
            std::string_view name;
            std::optional<TimePoint> end;
        };
        TimePoint from = attempt.begun;
        for (const Phase& phase :
             {Phase{"connect", attempt.sent}, Phase{"first event", attempt.seen.first_event},
              Phase{"stream", std::nullopt}}) {
            const bool last = !phase.end;
            const TimePoint to =
                std::clamp(phase.end.value_or(attempt.ended), from, std::max(from, attempt.ended));
            Span part = child(phase.name, attempt.span_id, from, to);
            if (last && failed) fail(part, attempt.failure);
            spans.push_back(std::move(part));
            if (last) return;
            from = to;
        }
    }

    RequestRecord record_;
    std::unique_ptr<const RequestTrace> trace_;
    WallTime wall_;
};

std::unique_ptr<const telemetry::SpanSource> finished_request(RequestRecord record, WallTime wall) {
    return std::make_unique<FinishedRequest>(std::move(record), wall);
}

}  // namespace segue::gateway
