#include <algorithm>
#include <iterator>
#include <utility>

#include "base/result.hpp"
#include "llm/session.hpp"

namespace segue::llm {
namespace {

constexpr Duration kLeast{1};
constexpr Duration kLeastEval{1000};

bool is_content(const Event& event) {
    return std::holds_alternative<Text>(event) || std::holds_alternative<Reasoning>(event) ||
           std::holds_alternative<ToolCallDelta>(event);
}

/// Events that make nothing for the client by themselves: an attempt may still move to another
/// target after them.
bool is_silent(const Event& event) {
    return std::holds_alternative<Started>(event) || std::holds_alternative<Usage>(event);
}

class TranslatingBridge final : public Bridge {
public:
    TranslatingBridge(Dialect front, BridgeContext context, std::unique_ptr<EngineSession> session,
                      std::vector<std::unique_ptr<EventFilter>> filters,
                      std::unique_ptr<ResponseEncoder> encoder, Declarations front_declarations)
        : front_(front),
          context_(std::move(context)),
          session_(std::move(session)),
          filters_(std::move(filters)),
          encoder_(std::move(encoder)),
          front_declarations_(std::move(front_declarations)),
          declarations_(front_declarations_) {}

    Outcome<std::vector<EngineCall>> start(Moment now, Output& out) override {
        SEGUE_TRY(calls, session_->start());
        SEGUE_TRY_VOID(declare());
        if (calls.empty()) {
            // It knows the answer without an engine, or nothing at all.
            Events events;
            session_->on_end(0, events);
            pump(std::move(events), now, out);
            if (!over_)
                return refuse(Failure::Cause::kInternal, "the engine's session asked for nothing");
            return calls;
        }
        remember(calls);
        return calls;
    }

    void on_sent(std::uint32_t /*call*/, Moment now) override {
        // A call before the answering one (counting tokens) is overwritten by it.
        if (!seen_.first_event) seen_.sent = now.at;
    }

    Outcome<std::vector<EngineCall>> on_answer(std::uint32_t call, EngineAnswer answer, Moment now,
                                               Output& out) override {
        if (over_) return std::vector<EngineCall>{};
        std::erase(open_calls_, call);
        Events events;
        auto calls = session_->on_answer(call, std::move(answer), events);
        pump(std::move(events), now, out);
        if (over_) return std::vector<EngineCall>{};
        auto declared = declare();
        if (calls && !declared) calls = tl::unexpected<Failure>(std::move(declared.error()));
        if (!calls) {
            if (out.state == Output::State::kPending) {
                over_ = true;
                return calls;
            }
            fail(calls.error(), now, out);
            return std::vector<EngineCall>{};
        }
        remember(*calls);
        return calls;
    }

    void on_bytes(std::uint32_t call, std::string_view bytes, Moment now, Output& out) override {
        if (over_) return;
        Events events;
        session_->on_bytes(call, bytes, events);
        // What the first events teach (an old engine without logprobs) is declared while the head
        // can still say it.
        if (out.state == Output::State::kPending) (void)declare();
        pump(std::move(events), now, out);
    }

    void on_end(std::uint32_t call, Moment now, Output& out) override {
        if (over_) return;
        std::erase(open_calls_, call);
        Events events;
        session_->on_end(call, events);
        pump(std::move(events), now, out);
    }

    void on_broken(const Failure& failure, Moment now, Output& out) override {
        if (!over_) fail(failure, now, out);
    }

    void keep_alive(Moment now, Output& out) override {
        if (over_ || !encoder_->streaming()) return;
        if (out.state == Output::State::kPending && !encoder_->may_begin_with_keep_alive()) return;
        std::string bytes;
        if (!held_.empty()) {
            if (auto failure = encode(std::exchange(held_, {}), now, bytes)) {
                fail(*failure, now, out);
                return;
            }
        }
        encoder_->keep_alive(bytes);
        give(std::move(bytes), out);
    }

    const Declarations& declarations() const override { return declarations_; }
    const Observation& observation() const override { return seen_; }

private:
    void remember(const std::vector<EngineCall>& calls) {
        for (const EngineCall& call : calls) {
            open_calls_.push_back(call.id);
            request_bytes_ = std::max(request_bytes_, call.body.size());
        }
    }

    /// The session may declare more with each call: the front's losses come first, then its own.
    Outcome<void> declare() {
        const Declarations& own = session_->declarations();
        if (context_.policy.strict) {
            if (auto refusal = front_declarations_.strict_refusal()) {
                return tl::unexpected<Failure>(std::move(*refusal));
            }
            if (auto refusal = own.strict_refusal())
                return tl::unexpected<Failure>(std::move(*refusal));
        }
        declarations_ = front_declarations_;
        const auto has = [](const std::vector<std::string>& names, const std::string& name) {
            return std::find(names.begin(), names.end(), name) != names.end();
        };
        for (const std::string& name : own.ignored()) {
            if (!has(declarations_.ignored(), name)) declarations_.ignore(name, Loss::kHint);
        }
        for (const std::string& what : own.adjusted()) {
            if (!has(declarations_.adjusted(), what)) declarations_.adjust(what);
        }
        return {};
    }

    /// What is measured is what the engine sent, before any filter.
    void observe(const Event& event, Moment now) {
        if (is_content(event)) ++seen_.content_events;
        const auto* finished = std::get_if<Finished>(&event);
        if ((is_content(event) || finished != nullptr) && !seen_.first_event)
            seen_.first_event = now.at;
        if (finished != nullptr) {
            seen_.finished = now.at;
            seen_.finish_reason = finished->reason;
        }
        if (const auto* usage = std::get_if<Usage>(&event)) seen_.usage.update(*usage);
        if (std::holds_alternative<Vectors>(event)) {
            vectors_ = true;
            seen_.first_event = seen_.finished = now.at;
        }
    }

    /// Counts that the engine did not give (wire 3.5): clients show no usage at all without them.
    std::optional<Usage> missing_usage() {
        const bool loads = seen_.finish_reason == FinishReason::kLoad ||
                           seen_.finish_reason == FinishReason::kUnload;
        if (loads || vectors_) return std::nullopt;
        const bool no_prompt = !seen_.usage.prompt_tokens;
        const bool no_completion = !seen_.usage.completion_tokens;
        if (!no_prompt && !no_completion) return std::nullopt;
        Usage made;
        if (no_completion) {
            seen_.usage_estimated = true;
            made.completion_tokens = static_cast<std::int64_t>(seen_.content_events);
        }
        // Ollama leaves the count out when the whole prompt was cached (wire 5.3): 0. Without any
        // count the usual guess is made, four bytes a token.
        if (no_prompt) {
            made.prompt_tokens =
                no_completion
                    ? std::max<std::int64_t>(1, static_cast<std::int64_t>(request_bytes_ / 4))
                    : 0;
        }
        seen_.usage.update(made);
        return made;
    }

    void pump(Events events, Moment now, Output& out) {
        Events batch;
        for (Event& event : events) {
            if (over_) return;
            if (auto* failed = std::get_if<Failed>(&event)) {
                deliver(std::exchange(batch, {}), now, out);
                if (!over_) fail(failed->failure, now, out);
                return;
            }
            observe(event, now);
            if (std::holds_alternative<Ended>(event)) {
                if (auto usage = missing_usage()) batch.emplace_back(*usage);
            }
            batch.push_back(std::move(event));
        }
        deliver(std::move(batch), now, out);
    }

    void deliver(Events events, Moment now, Output& out) {
        if (events.empty()) return;
        filter(events);
        const bool enough = std::any_of(filters_.begin(), filters_.end(),
                                        [](const auto& filter) { return filter->satisfied(); });
        emit(std::move(events), now, out);
        if (enough && !over_) end_early(now, out);
    }

    void filter(Events& events) {
        for (const auto& filter : filters_) {
            Events next;
            filter->apply(events, next);
            events = std::move(next);
        }
    }

    /// A filter has all it wants: the engine is cut off, so nobody else says that the answer has
    /// ended.
    void end_early(Moment now, Output& out) {
        out.cancel.insert(out.cancel.end(), open_calls_.begin(), open_calls_.end());
        open_calls_.clear();
        if (!seen_.finished) seen_.finished = now.at;
        Events last;
        if (auto usage = missing_usage()) last.emplace_back(*usage);
        if (!finish_given_) last.emplace_back(Finished{});
        last.emplace_back(Ended{});
        filter(last);
        emit(std::move(last), now, out);
    }

    void emit(Events events, Moment now, Output& out) {
        if (events.empty()) return;
        for (const Event& event : events) {
            if (const auto* finished = std::get_if<Finished>(&event)) {
                finish_given_ = true;
                seen_.finish_reason = finished->reason;
            }
        }
        // Started and Usage wait for company: an error right behind them must still fail over
        // (C111).
        const bool pending = out.state == Output::State::kPending;
        if (pending && std::all_of(events.begin(), events.end(), is_silent)) {
            held_.insert(held_.end(), events.begin(), events.end());
            return;
        }
        if (!held_.empty()) {
            Events all = std::exchange(held_, {});
            std::move(events.begin(), events.end(), std::back_inserter(all));
            events = std::move(all);
        }
        const bool ended = !events.empty() && std::holds_alternative<Ended>(events.back());
        std::string bytes = std::exchange(single_, {});
        const auto failure = encode(events, now, bytes);
        if (encoder_->streaming() || (ended && !failure)) {
            give(std::move(bytes), out);
        } else {
            single_ = std::move(bytes);
        }
        if (failure) {
            break_off(*failure, out);
        } else if (ended) {
            head(out);
            out.state = Output::State::kDone;
            over_ = true;
        }
    }

    std::optional<Failure> encode(const Events& events, Moment now, std::string& bytes) {
        auto failure = encoder_->encode(events, timings(now), bytes);
        if (failure) failure->models_fault = true;
        return failure;
    }

    void head(Output& out) const {
        if (out.state != Output::State::kPending) return;
        out.status = 200;
        out.content_type = encoder_->content_type();
    }

    void give(std::string bytes, Output& out) const {
        if (bytes.empty()) return;
        head(out);
        if (out.bytes.empty()) {
            out.bytes = std::move(bytes);
        } else {
            out.bytes += bytes;
        }
        if (out.state == Output::State::kPending && encoder_->streaming()) {
            out.state = Output::State::kAnswering;
        }
    }

    /// What the filters held back goes out first.
    void fail(const Failure& failure, Moment now, Output& out) {
        if (out.state == Output::State::kAnswering) {
            Events held{Failed{failure}};
            filter(held);
            std::erase_if(held,
                          [](const Event& event) { return std::holds_alternative<Failed>(event); });
            std::string bytes;
            if (!held.empty() && !encode(held, now, bytes)) give(std::move(bytes), out);
        }
        break_off(failure, out);
    }

    void break_off(const Failure& failure, Output& out) {
        over_ = true;
        out.failure = failure;
        if (out.state == Output::State::kPending) {
            out.state = Output::State::kFailed;
            out.bytes.clear();
            return;
        }
        out.bytes += render_stream_failure(front_, failure, context_.request_id);
        out.state = Output::State::kBroken;
    }

    /// Wire 3.5. Invariant: load + prompt_eval + eval <= total, none below its least value.
    Timings timings(Moment now) const {
        const TimePoint received = context_.received.at;
        const TimePoint sent = std::max(seen_.sent.value_or(now.at), received);
        const TimePoint first = std::max(seen_.first_event.value_or(now.at), sent);
        const TimePoint finished = std::max(seen_.finished.value_or(now.at), first);
        Timings times;
        times.now = now;
        times.load = std::max<Duration>(sent - received, kLeast);
        times.prompt_eval = std::max<Duration>(first - sent, kLeast);
        if (seen_.usage.queue_ms && *seen_.usage.queue_ms > 0) {
            // The engine's own queue is waiting, not reading the prompt. Compared as a double
            // first: an absurd value must not overflow.
            const double told = *seen_.usage.queue_ms * 1e6;
            const Duration most = times.prompt_eval - kLeast;
            const Duration queued = told < static_cast<double>(most.count())
                                        ? Duration(static_cast<std::int64_t>(told))
                                        : most;
            times.load += queued;
            times.prompt_eval -= queued;
        }
        times.total = std::max<Duration>(now.at - received, kLeast);
        // One event only: the whole rest of the time was its making.
        const Duration rest = times.total - times.load - times.prompt_eval;
        times.eval = std::max(finished > first ? Duration(finished - first) : rest, kLeastEval);
        times.total = std::max(times.total, times.load + times.prompt_eval + times.eval);
        return times;
    }

    Dialect front_;
    BridgeContext context_;
    std::unique_ptr<EngineSession> session_;
    std::vector<std::unique_ptr<EventFilter>> filters_;
    std::unique_ptr<ResponseEncoder> encoder_;
    Declarations front_declarations_;
    Declarations declarations_;
    Observation seen_;
    std::vector<std::uint32_t> open_calls_;
    std::size_t request_bytes_ = 0;  // of the largest call: stands for the prompt
    std::string single_;             // what an encoder of one object has written so far
    Events held_;                    // silent events before the first byte
    bool vectors_ = false;
    bool finish_given_ = false;  // the encoder was told of a finish
    bool over_ = false;          // kDone, kFailed or kBroken was said
};

}  // namespace

std::unique_ptr<Bridge> make_translating_bridge(Dialect front, BridgeContext context,
                                                std::unique_ptr<EngineSession> session,
                                                std::vector<std::unique_ptr<EventFilter>> filters,
                                                std::unique_ptr<ResponseEncoder> encoder,
                                                Declarations front_declarations) {
    return std::make_unique<TranslatingBridge>(front, std::move(context), std::move(session),
                                               std::move(filters), std::move(encoder),
                                               std::move(front_declarations));
}

}  // namespace segue::llm
