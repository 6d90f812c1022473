#include "gateway/dispatch.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <charconv>
#include <optional>

#include "base/log.hpp"
#include "gateway/dispatch_attempt.hpp"
#include "gateway/engine_failure.hpp"
#include "gateway/metric_names.hpp"
#include "gateway/waking_bridge.hpp"

namespace segue::gateway {
namespace {

using Cause = llm::Failure::Cause;
using State = llm::Output::State;

constexpr std::size_t kMaxWholeAnswer = 256U * 1024 * 1024;
constexpr auto kTail = std::chrono::milliseconds(100);

std::optional<std::chrono::seconds> retry_after(const net::Headers& headers) {
    const auto text = headers.find("Retry-After");
    if (!text) return std::nullopt;
    int value = 0;
    const auto [end, error] = std::from_chars(text->data(), text->data() + text->size(), value);
    if (error != std::errc{} || value < 0) return std::nullopt;
    return std::chrono::seconds(std::min(value, 120));  // SDKs refuse to wait longer (wire 4.1)
}

}  // namespace

void Dispatch::attempt_on_sent(Call& call) {
    const llm::Moment now = moment();
    if (context_.record.trace) context_.record.trace->sent(now.at);
    attempt_->bridge->on_sent(call.id, now);
}

Dispatch::Dispatch(Context context, std::shared_ptr<const llm::FrontRequest> request,
                   engine::Resolution resolution, std::function<void()> done)
    : context_(std::move(context)),
      request_(std::move(request)),
      resolution_(std::move(resolution)),
      done_(std::move(done)),
      entrance_(context_.loop, context_.shard, context_.record, context_.admissions) {
}

Dispatch::~Dispatch() {
    context_.loop.cancel(total_timer_);
    context_.loop.cancel(first_event_timer_);
    context_.loop.cancel(keep_alive_timer_);
    if (attempt_) close_attempt(nullptr);
}

llm::Moment Dispatch::moment() {
    return {context_.loop.fresh_now(), context_.clock.wall()};
}

void Dispatch::start() {
    const auto& candidates = resolution_.candidates;
    if (!candidates.empty()) {
        const auto total = candidates.front().engine->config().deadlines.total;
        if (total.count() > 0)
            total_timer_ = context_.loop.after(total, [this] {
                if (attempt_) attempt_->blameless = true;
                next_candidate_ =
                    resolution_.candidates.size();  // another target has no time either
                const llm::Failure late{Cause::kTimeout,
                                        "the request took longer than its deadline"};
                if (attempt_) return break_off(late);
                entrance_.leave();
                give_up(late);
            });
    }
    next_attempt();
}

void Dispatch::next_attempt() {
    if (next_candidate_ >= resolution_.candidates.size()) {
        give_up({Cause::kUnreachable,
                 resolution_.drained
                     ? fmt::format("every engine that serves '{}' is drained: somebody took it out "
                                   "of service; an administrator can resume it",
                                   request_->model())
                     : fmt::format("no engine that serves '{}' can be reached", request_->model()),
                 0,
                 {},
                 {},
                 {},
                 std::chrono::seconds(1)});
        return;
    }
    if (context_.record.trace) context_.record.trace->wait(context_.loop.now());
    if (entrance_.open()) return begin_attempt({}, visit_first());
    entrance_.enter(resolution_.candidates, next_candidate_, [this](llm::Outcome<Slot> slot) {
        // Not the last word: when all that is missing is room, to come again later is right.
        if (!slot) return refuse(slot.error());
        auto& engine = *resolution_.candidates[next_candidate_].engine;
        begin_attempt(std::move(*slot), engine.enter(context_.loop.now()));
    });
}

/// Some time may have passed since they were put into order: one that is put aside by now lets the
/// next one go first, unless that one is down.
std::optional<engine::Visit> Dispatch::visit_first() {
    const TimePoint now = context_.loop.now();
    auto& candidates = resolution_.candidates;
    std::optional<engine::Visit> visit;
    for (std::size_t i = next_candidate_; i < candidates.size() && !visit; ++i) {
        if (i > next_candidate_ && candidates[i].facts->state == engine::EngineFacts::State::kDown)
            break;
        visit = candidates[i].engine->enter(now);
        if (visit) candidates.bring_forward(i, next_candidate_);
    }
    return visit;
}

/// At the next candidate, which has a slot for it.
void Dispatch::begin_attempt(Slot slot, std::optional<engine::Visit> visit) {
    const engine::Candidate& candidate = resolution_.candidates[next_candidate_++];
    if (!visit) visit = candidate.engine->enter_anyway();
    RequestRecord& record = context_.record;
    record.engine = candidate.engine->name();
    record.served_model = candidate.target.served_model;
    if (candidate.facts->dialect == llm::Dialect::kOllama) record.ollama_engine = record.engine;
    ++record.attempts;
    if (record.trace) record.trace->begin(candidate, context_.loop.fresh_now());
    attempt_ = std::make_unique<Attempt>(candidate.engine, std::move(*visit));
    attempt_->slot = std::move(slot);

    llm::BridgeContext bridge_context;
    bridge_context.target = candidate.target;
    bridge_context.policy = context_.config->policy;
    bridge_context.received = {record.received, record.wall};
    bridge_context.request_id = record.request_id;
    bridge_context.grounding = context_.grounding;
    auto bridge = request_->bridge(std::move(bridge_context));
    if (!bridge) {
        attempt_failed(bridge.error());
        return;
    }
    attempt_->bridge =
        candidate.target.sleeping ? make_waking_bridge(std::move(*bridge)) : std::move(*bridge);
    take(attempt_->bridge->start(moment(), attempt_->out));
}

void Dispatch::take(llm::Outcome<std::vector<llm::EngineCall>> outcome) {
    if (!outcome) {
        if (attempt_->out.state == State::kAnswering) {
            attempt_->bridge->on_broken(outcome.error(), moment(), attempt_->out);
            pump();
        } else {
            attempt_failed(outcome.error());
        }
        return;
    }
    const bool local =
        outcome->empty() && attempt_->calls.empty() && attempt_->out.state == State::kDone;
    if (local && attempt_->engine->facts()->state == engine::EngineFacts::State::kDown) {
        attempt_failed(
            {Cause::kUnreachable, fmt::format("engine '{}' is down: {}", attempt_->engine->name(),
                                              attempt_->engine->facts()->problem)});
        return;
    }
    send(std::move(*outcome));
    pump();
}

void Dispatch::send(std::vector<llm::EngineCall> calls) {
    const engine::EngineConfig& config = attempt_->engine->config();
    for (auto& asked : calls) {
        net::ClientRequest request;
        request.origin = config.origin;
        request.tls = attempt_->engine->tls();
        request.method = std::move(asked.method);
        request.path = std::move(asked.path);
        request.headers = context_.engine_headers;
        if (const auto& trace = context_.record.trace)
            request.headers.set("traceparent", trace->traceparent(context_.record.trace_id));
        if (!asked.body.empty() || request.method == "POST")
            request.headers.add("Content-Type", asked.content_type);
        request.headers.add("Accept-Encoding", "identity");
        // The engine sees its own key only, never the client's (conformance case C138).
        if (!config.api_key.empty())
            request.headers.add("Authorization", "Bearer " + config.api_key);
        request.body = std::move(asked.body);
        request.deadlines.connect = config.deadlines.connect;
        request.deadlines.first_byte = config.deadlines.first_event;
        request.deadlines.between_bytes = config.deadlines.between_events;
        auto call = std::make_shared<Call>(*this, asked);
        call->handle = context_.client.start(std::move(request), *call);
        attempt_->asked = true;
        attempt_->calls.push_back(std::move(call));
    }
    const auto first_event = config.deadlines.first_event;
    if (!calls.empty() && first_event.count() > 0) {
        context_.loop.cancel(first_event_timer_);
        first_event_timer_ = context_.loop.after(first_event, [this] {
            break_off({Cause::kTimeout,
                       fmt::format("engine '{}' sent nothing in time", context_.record.engine)});
        });
    }
    if (!keep_alive_timer_ && request_->streaming()) arm_keep_alive();
}

void Dispatch::on_call_head(Call& call, const net::ResponseHead& head) {
    call.answer.status = head.status;
    call.answer.content_type = head.headers.find("Content-Type").value_or("");
    call.answer.retry_after = retry_after(head.headers);
    call.streaming =
        call.wanted == llm::EngineCall::Answer::kStream && head.status >= 200 && head.status < 300;
    if (!call.streaming) return;
    attempt_->bridge->on_head(call.id, call.answer, moment(), attempt_->out);
    pump();
}

void Dispatch::on_call_body(Call& call, std::string_view bytes) {
    if (!call.streaming) {
        if (call.answer.body.size() + bytes.size() > kMaxWholeAnswer) {
            on_call_error(call, {net::CallError::Phase::kBody, net::CallError::Kind::kProtocol,
                                 "the answer is larger than 256 MiB"});
            return;
        }
        call.answer.body.append(bytes);
        return;
    }
    attempt_->bridge->on_bytes(call.id, bytes, moment(), attempt_->out);
    pump();
}

void Dispatch::on_call_end(Call& call) {
    call.live = false;
    if (call.streaming) {
        attempt_->bridge->on_end(call.id, moment(), attempt_->out);
        pump();
        return;
    }
    take(attempt_->bridge->on_answer(call.id, std::move(call.answer), moment(), attempt_->out));
}

void Dispatch::on_call_error(Call& call, const net::CallError& error) {
    call.live = false;
    context_.client.cancel(call.handle);
    const bool answering = attempt_->out.state == State::kAnswering || call.streaming;
    attempt_->verdict = {engine::Breaker::Verdict::Kind::kFailed, fault_of(error, answering),
                         error.message};
    break_off(failure_of(error, *attempt_->engine, answering));
}

/// The attempt cannot go on: its bridge says what that means for the client.
void Dispatch::break_off(const llm::Failure& failure) {
    if (over_ || !attempt_) return;
    if (!attempt_->bridge) {
        attempt_failed(failure);
        return;
    }
    attempt_->bridge->on_broken(failure, moment(), attempt_->out);
    pump();
}

void Dispatch::attempt_failed(const llm::Failure& failure) {
    if (attempt_ && !attempt_->blameless)
        attempt_->overloaded = failure.cause == Cause::kTimeout ||
                               failure.cause == Cause::kQueueFull ||
                               failure.cause == Cause::kRateLimited;
    close_attempt(&failure);
    const bool more = next_candidate_ < resolution_.candidates.size() &&
                      static_cast<int>(next_candidate_) < context_.config->max_attempts;
    if (failure.may_fail_over() && more && !context_.responder.head_sent()) {
        context_.shard.add(metric::kFailovers, {{"engine", context_.record.engine}});
        log::debug("request {}: {}; trying the next target", context_.record.request_id,
                   failure.message);
        next_attempt();
        return;
    }
    give_up(failure);
}

void Dispatch::give_up(const llm::Failure& failure) {
    llm::Failure last = failure;
    last.last_word = failure.may_fail_over();
    refuse(last);
}

/// `failure` null: the answer is whole, or nobody waits for it any more.
void Dispatch::close_attempt(const llm::Failure* failure) {
    if (!attempt_) return;
    context_.loop.cancel(first_event_timer_);
    const bool whole = attempt_->out.state == State::kDone;
    for (auto& call : attempt_->calls) {
        if (!call->live) continue;
        call->live = false;
        if (whole && call->streaming) {
            let_end(call);
        } else {
            context_.client.cancel(call->handle);
        }
    }
    using Verdict = engine::Breaker::Verdict;
    Verdict verdict;
    if (failure && attempt_->asked && !attempt_->blameless && !failure->models_fault) {
        verdict = std::move(attempt_->verdict);
        if (const auto fault = fault_of(failure->cause);
            fault && verdict.kind == Verdict::Kind::kNone)
            verdict = {Verdict::Kind::kFailed, *fault,
                       failure->status > 0 ? fmt::format("status {}", failure->status) : ""};
    } else if (!failure && whole && attempt_->asked && attempt_->out.status < 400) {
        verdict.kind = Verdict::Kind::kGood;
    }
    const bool engine_failed = verdict.kind == Verdict::Kind::kFailed;
    attempt_->visit.leave(context_.loop.now(), verdict);
    context_.shard.add(metric::kAttempts, {{"engine", attempt_->engine->name()},
                                           {"outcome", engine_failed ? "failed" : "answered"}});
    if (attempt_->bridge) context_.record.observation = attempt_->bridge->observation();
    attempt_->slot.leave(slot_outcome(context_.record.observation, attempt_->overloaded));
    if (const auto& trace = context_.record.trace)
        trace->end(attempt_->bridge ? attempt_->bridge->observation() : llm::Observation{},
                   failure ? failure->message : "", context_.loop.fresh_now());
    closed_.push_back(std::move(attempt_));
}

/// The engine's last event came, the end of its body not quite: a connection that is read to the
/// end can be used again. An engine that goes on instead (Segue matched a stop string itself) is
/// cut at its next byte.
void Dispatch::let_end(const std::shared_ptr<Call>& call) {
    context_.loop.after(kTail, [call] { call->client.cancel(call->handle); });
}

void Dispatch::on_client_gone() {
    if (over_) return;
    context_.record.status = 499;
    context_.record.failure = "the client left";
    entrance_.leave();
    if (attempt_) {
        attempt_->out.state = State::kPending;  // neither a success nor a failure of the engine
        close_attempt(nullptr);
    }
    finish();
}

void Dispatch::finish() {
    over_ = true;
    context_.loop.cancel(total_timer_);
    context_.loop.cancel(first_event_timer_);
    context_.loop.cancel(keep_alive_timer_);
    done_();
}

}  // namespace segue::gateway
