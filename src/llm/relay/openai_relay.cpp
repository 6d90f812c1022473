#include "llm/relay/openai_relay.hpp"

#include <fmt/format.h>

#include <optional>
#include <utility>

#include "base/json.hpp"
#include "base/result.hpp"
#include "base/text.hpp"
#include "llm/framing/sse.hpp"
#include "llm/model_in_text.hpp"
#include "llm/openai/engine/errors.hpp"
#include "llm/openai/plain_chunk.hpp"
#include "llm/relay/json_edit.hpp"
#include "llm/relay/openai_answer.hpp"

namespace segue::llm {
namespace {

constexpr std::string_view kDone = "data: [DONE]\n\n";
// An engine whose chunks have no common frame (a time in each) is not compared for ever.
constexpr int kMostLearned = 16;
// Never ": ping": one client takes that for an end mark (wire 4.3).
constexpr std::string_view kKeepAlive = ": keep-alive\n\n";
constexpr std::string_view kEventStream = "text/event-stream; charset=utf-8";

/// The event with other data, framed as it came.
void append_event(const SseEvent& event, std::string_view data, std::string& out) {
    if (event.data_in_source()) {
        const auto before = static_cast<std::size_t>(event.data.data() - event.source.data());
        out += event.source.substr(0, before);
        out += data;
        out += event.source.substr(before + event.data.size());
        return;
    }
    // Data of several lines. A raw newline stands only between JSON tokens: a space does as well.
    if (!event.name.empty()) out += fmt::format("event: {}\n", event.name);
    out += "data: ";
    out += replace_all(data, "\n", " ");
    out += "\n\n";
}

class OpenAiRelay final : public Bridge {
public:
    OpenAiRelay(BridgeContext context, OpenAiRelayRequest request)
        : context_(std::move(context)),
          request_(std::move(request)),
          splitter_(context_.policy.max_line_bytes) {}

    Outcome<std::vector<EngineCall>> start(Moment /*now*/, Output& /*out*/) override {
        return send();
    }

    void on_sent(std::uint32_t /*call*/, Moment now) override { seen_.sent = now.at; }

    Outcome<std::vector<EngineCall>> on_answer(std::uint32_t /*call*/, EngineAnswer answer,
                                               Moment now, Output& out) override {
        if (over_) return std::vector<EngineCall>{};
        if (answer.status >= 200 && answer.status < 300) return whole(std::move(answer), now, out);
        if (learn(answer)) return send();
        return refused(answer, out);
    }

    void on_head(std::uint32_t /*call*/, const EngineAnswer& head, Moment /*now*/,
                 Output& /*out*/) override {
        head_ = head;
        // Some builds answer a stream request with 200 and one JSON error (wire 5.1).
        if (istarts_with(head.content_type, "application/json")) whole_body_.emplace();
    }

    void on_bytes(std::uint32_t call, std::string_view bytes, Moment now, Output& out) override {
        if (over_) return;
        if (whole_body_) {
            if (whole_body_->size() + bytes.size() > context_.policy.max_line_bytes) {
                return broken("the engine's answer is too long", out);
            }
            *whole_body_ += bytes;
            return;
        }
        std::vector<SseEvent> events;
        const bool fits = splitter_.feed(bytes, events);
        for (const SseEvent& event : events) {
            take(call, event, now, out);
            if (over_) return;
        }
        if (!fits) broken("the engine sent an event over the size limit", out);
    }

    void on_end(std::uint32_t /*call*/, Moment now, Output& out) override {
        if (over_) return;
        if (whole_body_) {
            EngineAnswer answer = head_;
            answer.body = std::move(*whole_body_);
            if (auto result = whole(std::move(answer), now, out); !result)
                fail(result.error(), out);
            return;
        }
        // Wire 2.2: an end without finish_reason and [DONE] is a failure (C110).
        if (!answer_->finished())
            return broken("the engine's answer ended before it was finished", out);
        if (request_.kind == OpenAiRelayKind::kChat ||
            request_.kind == OpenAiRelayKind::kCompletions) {
            give(kDone, out);
        }
        done(out);
    }

    void on_broken(const Failure& failure, Moment /*now*/, Output& out) override {
        if (!over_) fail(failure, out);
    }

    void keep_alive(Moment /*now*/, Output& out) override {
        if (!over_ && request_.stream && !whole_body_) give(kKeepAlive, out);
    }

    const Declarations& declarations() const override { return declarations_; }
    const Observation& observation() const override { return seen_; }

private:
    Outcome<std::vector<EngineCall>> send() {
        declarations_ = {};
        SEGUE_TRY(prepared, prepare_openai_request(request_, context_.target, declarations_));
        if (context_.policy.strict) {
            if (auto refusal = declarations_.strict_refusal()) {
                return tl::unexpected<Failure>(std::move(*refusal));
            }
        }
        EngineCall call;
        call.id = ++calls_;
        call.method = request_.method;
        call.path = request_.path;
        call.content_type = request_.content_type;
        call.answer = request_.stream ? EngineCall::Answer::kStream : EngineCall::Answer::kWhole;
        call.body = std::exchange(prepared.body, {});
        const auto names = context_.policy.both_reasoning_fields
                               ? OpenAiAnswer::Reasoning::kBothNames
                               : OpenAiAnswer::Reasoning::kNewName;
        answer_.emplace(request_.kind, request_.client_model, names, std::move(prepared),
                        context_.target.traits);
        std::vector<EngineCall> calls;
        calls.push_back(std::move(call));
        return calls;
    }

    /// A 400 that names unknown fields: they are left out once, and from now on (wire 5.1).
    bool learn(const EngineAnswer& answer) {
        if (answer.status != 400 || calls_ > 1) return false;
        if (request_.kind != OpenAiRelayKind::kChat &&
            request_.kind != OpenAiRelayKind::kCompletions) {
            return false;
        }
        const auto root = parser_.parse(answer.body);
        if (!root) return false;
        const auto error = openai_engine::find_error(*root);
        if (!error) return false;
        Declarations said;
        const auto sent = prepare_openai_request(request_, context_.target, said);
        if (!sent) return false;
        const auto names = fields_called_unknown(sent->body, error->message);
        for (const std::string& name : names)
            context_.target.traits->refuse_field(name);
        return !names.empty();
    }

    /// A failure lets another target try; what is the client's own fault goes to it as it came,
    /// in its own names (wire 3.10).
    Outcome<std::vector<EngineCall>> refused(const EngineAnswer& answer, Output& out) {
        const auto error = openai_engine::read_error(answer.body);
        Failure failure =
            openai_engine::answer_failure(answer, error, context_.target, request_.client_model);
        if (failure.cause == Failure::Cause::kUnsupported && answer.status < 500) {
            if (request_.kind == OpenAiRelayKind::kResponses)
                context_.target.traits->responses_api = EngineTraits::Tri::kNo;
            return refuse(Failure::Cause::kNotFound,
                          fmt::format("this model's engine does not offer {}", request_.path), 404);
        }
        const bool unknown = openai_engine::is_model_unknown(answer.status, error);
        const bool passes = unknown || failure.cause == Failure::Cause::kEngineRefused ||
                            failure.cause == Failure::Cause::kContextTooLong ||
                            failure.cause == Failure::Cause::kModelNotFound;
        if (!passes) return tl::unexpected<Failure>(std::move(failure));
        failure.message =
            with_client_model(error.message, context_.target.served_model, request_.client_model);
        out.status = answer.status;
        out.content_type = "application/json";
        out.bytes += error.in_shape ? in_clients_words(answer.body, failure, unknown)
                                    : in_openai_shape(failure, answer.status);
        out.state = Output::State::kDone;
        over_ = true;
        return std::vector<EngineCall>{};
    }

    std::string in_openai_shape(Failure failure, int status) const {
        if (failure.cause == Failure::Cause::kEngineRefused && failure.code.empty())
            failure.code = fmt::to_string(status);
        return render_failure(Dialect::kOpenAi, failure, context_.request_id).body;
    }

    /// The engine's own error object: its bytes, but for the model's name and the codes that
    /// clients look for.
    std::string in_clients_words(const std::string& body, const Failure& failure, bool unknown) {
        const auto root = parser_.parse(body);
        if (!root) return body;
        const json::Value object = (*root)["error"];
        ObjectEdit edit(object);
        if (failure.message != object["message"].string())
            edit.replace("message", json::quoted(failure.message));
        if (failure.cause == Failure::Cause::kContextTooLong)
            edit.set("code", "\"context_length_exceeded\"");
        if (unknown) {
            edit.set("type", "\"invalid_request_error\"");
            edit.set("code", "\"model_not_found\"");
        }
        if (!edit.changed()) return body;
        ObjectEdit whole(*root);
        whole.replace("error", edit.text());
        return whole.text();
    }

    Outcome<std::vector<EngineCall>> whole(EngineAnswer answer, Moment now, Output& out) {
        json::Parser parser;  // not parser_: this object stays until the round ends
        const auto root = parser.parse(answer.body);
        OpenAiAnswer::Read read;
        if (root && root->is_object()) {
            // A failed response object tells its error itself; other good answers carry none.
            const bool may_fail = request_.kind != OpenAiRelayKind::kPassThrough &&
                                  (*root)["object"].string() != "response";
            if (may_fail) {
                if (const auto error = openai_engine::find_error(*root)) {
                    EngineAnswer refusal = answer;
                    refusal.status = error->status != 0 ? error->status : 400;
                    if (learn(refusal)) return send();
                    return refused(refusal, out);
                }
            }
            read = answer_->read(*root, OpenAiAnswer::Shape::kWhole, now, seen_);
            if (read.verdict == OpenAiAnswer::Verdict::kChanged) {
                answer.body = around(answer.body, root->raw().size(), read.text);
            }
        } else if (request_.kind != OpenAiRelayKind::kPassThrough) {
            return refuse(Failure::Cause::kBroken, "the engine's answer is not a JSON object");
        }
        out.status = answer.status;
        out.content_type = std::move(answer.content_type);
        out.bytes = std::move(answer.body);
        out.state = Output::State::kDone;
        over_ = true;
        return std::vector<EngineCall>{};
    }

    /// `text` with its JSON replaced and the white space around it kept.
    static std::string around(std::string_view text, std::size_t json_size,
                              std::string_view edited) {
        const std::size_t begin = text.find_first_not_of(" \t\r\n");
        std::string out(text.substr(0, begin));
        out += edited;
        out += text.substr(begin + json_size);
        return out;
    }

    void take(std::uint32_t call, const SseEvent& event, Moment now, Output& out) {
        if (event.comment_only) {
            if (out.state == Output::State::kAnswering) {
                const bool ping = event.source.starts_with(": ping");
                give(ping ? kKeepAlive : event.source, out);
            }
            return;
        }
        if (event.data.starts_with("[DONE]")) {
            give(event.source, out);
            return done(out);
        }
        if (const auto text = plain_.text_of(event.data); text && event.data_in_source())
            return give_plain(event, *text, now, out);
        const auto root = parser_.parse(event.data);
        const bool pass = request_.kind == OpenAiRelayKind::kPassThrough;
        if (!root || !root->is_object()) {
            if (pass) return give(event.source, out);
            return broken("the engine sent an event that is not a JSON object", out);
        }
        if (const auto error = openai_engine::find_error(*root); error && !pass) {
            // Before the first byte it has its own status and may move to another target (C111,
            // C112).
            Failure failure =
                openai_engine::body_failure(*error, context_.target, request_.client_model);
            if (out.state != Output::State::kPending) failure.cause = Failure::Cause::kEngineFailed;
            return fail(std::move(failure), out);
        }
        const OpenAiAnswer::Read read =
            answer_->read(*root, OpenAiAnswer::Shape::kChunk, now, seen_);
        learn_plain(event.data, *root, read);
        switch (read.verdict) {
            case OpenAiAnswer::Verdict::kAsItIs: give(event.source, out); break;
            case OpenAiAnswer::Verdict::kChanged: {
                begin(out);
                append_event(event, around(event.data, root->raw().size(), read.text), out.bytes);
                break;
            }
            case OpenAiAnswer::Verdict::kSwallow: break;
        }
        if (answer_->stopped()) {
            out.cancel.push_back(call);
            give(kDone, out);
            done(out);
        }
    }

    /// The next chunks that differ from this one in their text alone get the same changes (mostly:
    /// the model's name) without being parsed.
    void learn_plain(std::string_view data, json::Value root, const OpenAiAnswer::Read& read) {
        if (request_.kind != OpenAiRelayKind::kChat || plain_learned_from_ >= kMostLearned) return;
        if (!answer_->passes_text() || !plain_.learn(data, root)) return;
        ++plain_learned_from_;
        if (read.verdict == OpenAiAnswer::Verdict::kAsItIs) {
            plain_before_ = plain_.before();
            plain_after_ = plain_.after();
            return;
        }
        const std::string changed = around(data, root.raw().size(), read.text);
        const std::string_view text = changed;
        if (text.ends_with(plain_.after()) && read.verdict == OpenAiAnswer::Verdict::kChanged) {
            // All changes lie before the text, whose length is known.
            const std::size_t length = data.size() - plain_.before().size() - plain_.after().size();
            const std::size_t before = text.size() - plain_.after().size() - length;
            if (text.size() >= plain_.after().size() + length &&
                text.substr(before, length) == data.substr(plain_.before().size(), length)) {
                plain_before_ = text.substr(0, before);
                plain_after_ = plain_.after();
                return;
            }
        }
        plain_.forget();
    }

    void give_plain(const SseEvent& event, std::string_view text, Moment now, Output& out) {
        begin(out);
        answer_->saw_text(now, seen_);
        const auto at = static_cast<std::size_t>(event.data.data() - event.source.data());
        out.bytes.append(event.source.substr(0, at)).append(plain_before_).append(text);
        out.bytes.append(plain_after_).append(event.source.substr(at + event.data.size()));
    }

    void begin(Output& out) const {
        if (out.state != Output::State::kPending) return;
        out.status = head_.status != 0 ? head_.status : 200;
        out.content_type =
            head_.content_type.empty() ? std::string(kEventStream) : head_.content_type;
        out.state = Output::State::kAnswering;
    }

    void give(std::string_view bytes, Output& out) const {
        begin(out);
        out.bytes += bytes;
    }

    void done(Output& out) {
        begin(out);
        out.state = Output::State::kDone;
        over_ = true;
        if (!seen_.usage.completion_tokens && seen_.content_events > 0) {
            seen_.usage.completion_tokens = static_cast<std::int64_t>(seen_.content_events);
            seen_.usage_estimated = true;
        }
    }

    void broken(std::string_view message, Output& out) {
        fail(Failure{Failure::Cause::kBroken, std::string(message)}, out);
    }

    void fail(Failure failure, Output& out) {
        over_ = true;
        if (out.state == Output::State::kPending) {
            out.state = Output::State::kFailed;
        } else {
            out.bytes += render_stream_failure(Dialect::kOpenAi, failure, context_.request_id);
            out.state = Output::State::kBroken;
        }
        out.failure = std::move(failure);
    }

    BridgeContext context_;
    OpenAiRelayRequest request_;
    SseSplitter splitter_;
    json::Parser parser_;
    PlainChunk plain_;
    std::string plain_before_;  // what the client gets before and after the text
    std::string plain_after_;
    int plain_learned_from_ = 0;
    std::optional<OpenAiAnswer> answer_;  // made anew with each call
    EngineAnswer head_;
    std::optional<std::string> whole_body_;  // a JSON answer to a stream request
    Declarations declarations_;
    Observation seen_;
    std::uint32_t calls_ = 0;
    bool over_ = false;
};

}  // namespace

std::unique_ptr<Bridge> make_openai_relay(BridgeContext context, OpenAiRelayRequest request) {
    return std::make_unique<OpenAiRelay>(std::move(context), std::move(request));
}

}  // namespace segue::llm
