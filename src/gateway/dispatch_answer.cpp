// The client's side of a dispatch: what the bridge has ready is sent on, held back, or refused.

#include <fmt/format.h>

#include <chrono>
#include <utility>

#include "base/text.hpp"
#include "gateway/dispatch_attempt.hpp"

namespace segue::gateway {
namespace {

using Cause = llm::Failure::Cause;
using State = llm::Output::State;

constexpr std::size_t kHighWater = 64U * 1024;

bool is_stream_type(std::string_view content_type) {
    return istarts_with(content_type, "text/event-stream") ||
           istarts_with(content_type, "application/x-ndjson");
}

std::string queue_text(Duration queued) {
    return fmt::format("{}", std::chrono::duration_cast<std::chrono::milliseconds>(queued).count());
}

}  // namespace

void Dispatch::pump() {
    if (over_ || !attempt_) return;
    llm::Output& out = attempt_->out;
    for (const std::uint32_t id : out.cancel)
        for (auto& call : attempt_->calls)
            if (call->id == id && call->live) {
                call->live = false;
                context_.client.cancel(call->handle);
            }
    out.cancel.clear();
    const bool has_event = attempt_->bridge->observation().first_event.has_value();
    if (out.state != State::kPending || has_event) context_.loop.cancel(first_event_timer_);
    if (has_event && !std::exchange(attempt_->has_event, true)) attempt_->slot.on_first_event();

    switch (out.state) {
        case State::kPending: return;
        case State::kAnswering: {
            if (!context_.responder.head_sent()) send_head();
            if (out.bytes.empty()) return;
            context_.record.bytes_out += out.bytes.size();
            context_.responder.send_body(out.bytes);
            out.bytes.clear();
            last_bytes_ = context_.loop.now();
            if (!attempt_->paused && context_.responder.unsent() > kHighWater) {
                attempt_->paused = true;
                for (auto& call : attempt_->calls)
                    if (call->live) context_.client.pause(call->handle);
            }
            return;
        }
        case State::kDone: {
            if (!context_.responder.head_sent()) send_head();
            context_.record.bytes_out += out.bytes.size();
            context_.responder.send_body(out.bytes);
            close_attempt(nullptr);
            context_.responder.finish();
            finish();
            return;
        }
        case State::kFailed: {
            const llm::Failure failure = out.failure.value_or(
                llm::Failure{Cause::kBroken, "the engine's answer made no sense"});
            attempt_failed(failure);
            return;
        }
        case State::kBroken: {
            RequestRecord& record = context_.record;
            const llm::Failure failure =
                out.failure.value_or(llm::Failure{Cause::kBroken, "the answer broke off"});
            record.broken = true;
            record.failure = failure.message;
            // Good events and the break may have come in one read: the client still gets the good
            // ones.
            if (!context_.responder.head_sent()) send_head();
            record.bytes_out += out.bytes.size();
            context_.responder.send_body(out.bytes);
            close_attempt(&failure);
            context_.responder.abort();
            finish();
            return;
        }
    }
}

void Dispatch::send_head() {
    llm::Output& out = attempt_->out;
    RequestRecord& record = context_.record;
    record.status = out.status;
    net::Headers headers = context_.response_headers;
    if (!out.content_type.empty()) headers.add("Content-Type", out.content_type);
    for (const auto& [name, value] : out.headers)
        headers.add(name, value);
    const llm::Declarations& declared = attempt_->bridge->declarations();
    record.ignored = declared.ignored();
    record.adjusted = declared.adjusted();
    if (const auto ignored = declared.ignored_header(); !ignored.empty())
        headers.add("Segue-Ignored", ignored);
    if (const auto adjusted = declared.adjusted_header(); !adjusted.empty())
        headers.add("Segue-Adjusted", adjusted);
    headers.add("Segue-Engine",
                attempt_->engine->facts()->rehearsal ? "rehearsal" : attempt_->engine->name());
    if (record.queued) headers.add("Segue-Queue-Ms", queue_text(*record.queued));
    const bool stream = out.state != State::kDone || is_stream_type(out.content_type);
    if (stream) {
        headers.add("Cache-Control", "no-store");
        headers.add("X-Accel-Buffering", "no");  // a proxy before us must not hold the stream back
    }
    context_.responder.send_head(
        out.status, headers,
        stream ? net::Responder::Framing::kChunked : net::Responder::Framing::kLength,
        stream ? 0 : out.bytes.size());
}

void Dispatch::refuse(const llm::Failure& failure) {
    // What is busy only is worth another try; who waits for an engine that is gone gets what there
    // is without one.
    const bool gone = failure.may_fail_over() && failure.cause != Cause::kRateLimited &&
                      failure.cause != Cause::kQueueFull;
    if (context_.without_engine && gone && !context_.responder.head_sent()) {
        context_.without_engine(failure);
        return finish();
    }
    net::Headers headers = context_.response_headers;
    if (const auto& queued = context_.record.queued)
        headers.add("Segue-Queue-Ms", queue_text(*queued));
    respond_failure(context_.responder, request_->front(), failure, headers, context_.record);
    finish();
}

void Dispatch::on_drained() {
    if (over_ || !attempt_ || !attempt_->paused) return;
    attempt_->paused = false;
    for (auto& call : attempt_->calls)
        if (call->live) context_.client.resume(call->handle);
}

void Dispatch::arm_keep_alive() {
    const auto every = context_.config->keep_alive;
    if (every.count() <= 0) return;
    if (last_bytes_ == TimePoint{}) last_bytes_ = context_.loop.now();
    const Duration silent = context_.loop.now() - last_bytes_;
    const Duration wait = silent >= every ? Duration(every) : Duration(every) - silent;
    keep_alive_timer_ = context_.loop.after(wait, [this, every] {
        keep_alive_timer_ = {};
        if (over_) return;
        if (attempt_ && attempt_->bridge && context_.loop.now() - last_bytes_ >= every) {
            last_bytes_ = context_.loop.now();
            attempt_->bridge->keep_alive(moment(), attempt_->out);
            pump();
        }
        if (!over_) arm_keep_alive();
    });
}

void respond_failure(net::Responder& responder, llm::Dialect front, const llm::Failure& failure,
                     const net::Headers& headers, RequestRecord& record) {
    const auto rendered = llm::render_failure(front, failure, record.request_id);
    net::Headers all = headers;
    all.add("Content-Type", rendered.content_type);
    for (const auto& [name, value] : rendered.headers)
        all.add(name, value);
    record.status = rendered.status;
    record.failure = failure.message;
    record.bytes_out += rendered.body.size();
    responder.respond(rendered.status, all, rendered.body);
}

}  // namespace segue::gateway
