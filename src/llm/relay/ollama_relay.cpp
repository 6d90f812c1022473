#include "llm/relay/ollama_relay.hpp"

#include <fmt/format.h>

#include <array>
#include <optional>
#include <utility>

#include "base/json.hpp"
#include "base/text.hpp"
#include "llm/framing/ndjson.hpp"
#include "llm/model_in_text.hpp"
#include "llm/relay/json_edit.hpp"

namespace segue::llm {
namespace {

using Cause = Failure::Cause;

/// What the last line of a stream must say.
enum class Ending : std::uint8_t { kDone, kSuccess, kAny };

Ending ending_of(std::string_view path) {
    if (path == "/api/chat" || path == "/api/generate") return Ending::kDone;
    if (path == "/api/pull" || path == "/api/push" || path == "/api/create")
        return Ending::kSuccess;
    return Ending::kAny;
}

bool is_inference(std::string_view path) {
    return path == "/api/chat" || path == "/api/generate" || path == "/api/embed" ||
           path == "/api/embeddings";
}

struct Escape {
    std::string_view raw;
    std::string_view escaped;
};
// Go escapes the last two itself; other engines that speak Ollama's API may not.
constexpr std::array<Escape, 3> kLineBreaks{Escape{"\xC2\x85", "\\u0085"},
                                            Escape{"\xE2\x80\xA8", "\\u2028"},
                                            Escape{"\xE2\x80\xA9", "\\u2029"}};

/// Only strings can hold these bytes, so the text stays the same JSON.
std::string_view escape_line_breaks(std::string_view text, std::string& owner) {
    for (const Escape& escape : kLineBreaks) {
        if (text.find(escape.raw) == std::string_view::npos) continue;
        owner = replace_all(text, escape.raw, escape.escaped);
        text = owner;
    }
    return text;
}

/// Ollama answers 500 to options and formats that are the client's mistake (wire 1.3).
bool is_clients_fault(std::string_view message) {
    return message.starts_with("option \"") || message.starts_with("invalid format") ||
           message.find("does not support embeddings") != std::string_view::npos;
}

FinishReason finish_of(std::string_view reason, bool calls) {
    if (reason == "length") return FinishReason::kLength;
    if (reason == "load") return FinishReason::kLoad;
    if (reason == "unload") return FinishReason::kUnload;
    return calls ? FinishReason::kToolCalls : FinishReason::kStop;
}

class OllamaRelay final : public Bridge {
public:
    OllamaRelay(BridgeContext context, OllamaRelayRequest request)
        : context_(std::move(context)),
          request_(std::move(request)),
          ending_(ending_of(request_.path)),
          lines_(context_.policy.max_line_bytes) {}

    Outcome<std::vector<EngineCall>> start(Moment /*now*/, Output& /*out*/) override {
        EngineCall call;
        call.id = 1;
        call.method = request_.method;
        call.path = request_.path;
        call.content_type = request_.content_type;
        call.body = engine_body();
        call.answer = request_.stream ? EngineCall::Answer::kStream : EngineCall::Answer::kWhole;
        std::vector<EngineCall> calls;
        calls.push_back(std::move(call));
        return calls;
    }

    void on_sent(std::uint32_t /*call*/, Moment now) override { seen_.sent = now.at; }

    Outcome<std::vector<EngineCall>> on_answer(std::uint32_t /*call*/, EngineAnswer answer,
                                               Moment now, Output& out) override {
        if (over_) return std::vector<EngineCall>{};
        if (answer.status >= 200 && answer.status < 300) {
            if (const auto root = parser_.parse(answer.body); root && root->is_object()) {
                observe(*root, now);
                if (!seen_.first_event) seen_.first_event = seen_.finished = now.at;
                pass(answer, with_names(answer.body, *root), out);
            } else if (is_inference(request_.path)) {
                // A cut stream, a proxy's page: not passed on as if it were an answer, and another
                // target may do better.
                return refuse(Cause::kBroken, "the engine's answer is not a JSON object");
            } else {
                pass(answer, answer.body, out);
            }
            return std::vector<EngineCall>{};
        }
        return refused(answer, out);
    }

    void on_head(std::uint32_t /*call*/, const EngineAnswer& head, Moment /*now*/,
                 Output& /*out*/) override {
        head_ = head;
        // The load form is one object although a stream was asked for (wire 1.8).
        if (istarts_with(head.content_type, "application/json")) whole_body_.emplace();
    }

    void on_bytes(std::uint32_t /*call*/, std::string_view bytes, Moment now,
                  Output& out) override {
        if (over_) return;
        if (whole_body_) {
            if (whole_body_->size() + bytes.size() > context_.policy.max_line_bytes) {
                return broken("the engine's answer is too long", out);
            }
            *whole_body_ += bytes;
            return;
        }
        std::vector<std::string_view> lines;
        const bool fits = lines_.feed(bytes, lines);
        for (const std::string_view line : lines) {
            take(line, now, out);
            if (over_) return;
        }
        if (!fits) broken("the engine sent a line over the size limit", out);
    }

    void on_end(std::uint32_t call, Moment now, Output& out) override {
        if (over_) return;
        if (whole_body_) {
            EngineAnswer answer = head_;
            answer.body = std::move(*whole_body_);
            if (auto result = on_answer(call, std::move(answer), now, out); !result) {
                fail(result.error(), out);
            }
            return;
        }
        const std::string last(trim(lines_.rest()));
        if (!last.empty()) take(last, now, out);
        if (over_) return;
        if (ending_ != Ending::kAny)
            return broken("the engine's answer ended before it was finished", out);
        begin(out);
        out.state = Output::State::kDone;
        over_ = true;
    }

    void on_broken(const Failure& failure, Moment /*now*/, Output& out) override {
        if (!over_) fail(failure, out);
    }

    const Declarations& declarations() const override { return declarations_; }
    const Observation& observation() const override { return seen_; }

private:
    std::string engine_body() {
        const std::string& served = context_.target.served_model;
        const auto root = parser_.parse(request_.body);
        if (!root || !root->is_object()) return request_.body;
        ObjectEdit edit(*root);
        for (const std::string_view name : {"model", "name"}) {
            const json::Value member = root->find_ignoring_case(name);
            if (!member.is_string()) continue;
            client_model_ = member.string();
            if (served.empty() || client_model_ == served) break;
            edit.replace(member.key(), json::quoted(served));
            break;
        }
        return edit.changed() ? edit.text() : request_.body;
    }

    /// `text` holds one object with the client's name for the model, line breaks of Python escaped.
    std::string with_names(std::string_view text, json::Value root) const {
        std::string out;
        const json::Value model = root["model"];
        const bool rename = model.is_string() && !context_.target.served_model.empty() &&
                            !client_model_.empty() && model.string() != client_model_;
        if (rename) {
            const std::size_t lead = text.find_first_not_of(" \t\r\n");
            const std::size_t at = lead + offset_in(root.raw(), model.raw());
            out += text.substr(0, at);
            out += json::quoted(client_model_);
            out += text.substr(at + model.raw().size());
            text = out;
        }
        std::string escaped;
        const std::string_view result = escape_line_breaks(text, escaped);
        return rename && result.data() == out.data() ? out : std::string(result);
    }

    std::string in_clients_words(std::string_view text) const {
        const std::string_view served = context_.target.served_model;
        if (served.empty() || client_model_.empty()) return std::string(text);
        std::string out = with_client_model(text, served, client_model_);
        constexpr std::string_view kLatest = ":latest";
        if (served.ends_with(kLatest)) {
            const std::string_view bare = served.substr(0, served.size() - kLatest.size());
            out = with_client_model(out, bare, client_model_);
        }
        return out;
    }

    void observe(json::Value root, Moment now) {
        const json::Value message = root["message"];
        const bool calls = !message["tool_calls"].empty() || !root["tool_calls"].empty();
        calls_ = calls_ || calls;
        const auto given = [](json::Value value) { return !value.string().empty(); };
        const bool content = calls || given(message["content"]) || given(message["thinking"]) ||
                             given(root["response"]) || given(root["thinking"]);
        const bool done = root["done"].boolean();
        if (content) ++seen_.content_events;
        if ((content || done) && !seen_.first_event) seen_.first_event = now.at;
        if (const auto count = root["prompt_eval_count"].integer())
            seen_.usage.prompt_tokens = count;
        if (const auto count = root["eval_count"].integer()) seen_.usage.completion_tokens = count;
        if (!done) return;
        seen_.finished = now.at;
        seen_.finish_reason = finish_of(root["done_reason"].string(), calls_);
        const bool loads = seen_.finish_reason == FinishReason::kLoad ||
                           seen_.finish_reason == FinishReason::kUnload;
        if (!seen_.usage.completion_tokens && !loads) {
            seen_.usage.completion_tokens = static_cast<std::int64_t>(seen_.content_events);
            seen_.usage_estimated = true;
        }
    }

    void take(std::string_view line, Moment now, Output& out) {
        const auto root = parser_.parse(line);
        if (!root || !root->is_object()) {
            return broken("the engine sent a line that is not a JSON object", out);
        }
        if (const json::Value error = (*root)["error"]; !error.absent()) {
            const std::string message =
                in_clients_words(error.is_string() ? error.string() : error.raw());
            Failure failure{Cause::kEngineFailed, message, 500};
            if (out.state == Output::State::kPending) return fail(std::move(failure), out);
            // The engine's own line says it already; then the connection is cut.
            out.bytes += message == error.string()
                             ? std::string(line)
                             : json::object([&](json::Writer& w) { w.member("error", message); });
            out.bytes += '\n';
            out.state = Output::State::kBroken;
            out.failure = std::move(failure);
            over_ = true;
            return;
        }
        observe(*root, now);
        begin(out);
        out.bytes += with_names(line, *root);
        out.bytes += '\n';
        const bool last = ending_ == Ending::kDone      ? (*root)["done"].boolean()
                          : ending_ == Ending::kSuccess ? (*root)["status"].string() == "success"
                                                        : false;
        if (last) {
            // ollama-js reads no further; its connection is free only when the body ends at once.
            out.state = Output::State::kDone;
            over_ = true;
        }
    }

    Outcome<std::vector<EngineCall>> refused(const EngineAnswer& answer, Output& out) {
        const auto root = parser_.parse(answer.body);
        const json::Value error = root ? (*root)["error"] : json::Value();
        const std::string message =
            in_clients_words(error.is_string() ? error.string() : trim(answer.body));
        if (answer.status == 401 || answer.status == 403) {
            return refuse(Cause::kEngineAuth, "the engine refused the gateway's key");
        }
        const bool movable = answer.status == 429 || answer.status < 400 ||
                             (answer.status >= 500 && answer.status != 501);
        if (is_inference(request_.path) && movable && !is_clients_fault(message)) {
            Failure failure{answer.status == 429 ? Cause::kRateLimited : Cause::kEngineFailed,
                            message, answer.status < 400 ? 0 : answer.status};
            failure.retry_after = answer.retry_after;
            return tl::unexpected<Failure>(std::move(failure));
        }
        std::string body = answer.body;
        if (error.is_string() && message != error.string()) {
            ObjectEdit edit(*root);
            edit.replace("error", json::quoted(message));
            body = edit.text();
        }
        pass(answer, std::move(body), out);
        return std::vector<EngineCall>{};
    }

    void pass(const EngineAnswer& answer, std::string body, Output& out) {
        out.status = answer.status;
        out.content_type = answer.content_type;
        out.bytes += body;
        out.state = Output::State::kDone;
        over_ = true;
    }

    void begin(Output& out) const {
        if (out.state != Output::State::kPending) return;
        out.status = head_.status != 0 ? head_.status : 200;
        out.content_type = head_.content_type.empty() ? "application/x-ndjson" : head_.content_type;
        out.state = Output::State::kAnswering;
    }

    void broken(std::string_view message, Output& out) {
        fail(Failure{Cause::kBroken, std::string(message)}, out);
    }

    void fail(Failure failure, Output& out) {
        over_ = true;
        if (out.state == Output::State::kPending) {
            out.state = Output::State::kFailed;
        } else {
            out.bytes += render_stream_failure(Dialect::kOllama, failure, context_.request_id);
            out.state = Output::State::kBroken;
        }
        out.failure = std::move(failure);
    }

    BridgeContext context_;
    OllamaRelayRequest request_;
    Ending ending_;
    LineSplitter lines_;
    json::Parser parser_;
    std::string client_model_;
    EngineAnswer head_;
    std::optional<std::string> whole_body_;  // one object where a stream was asked for
    Declarations declarations_;
    Observation seen_;
    bool calls_ = false;
    bool over_ = false;
};

}  // namespace

std::unique_ptr<Bridge> make_ollama_relay(BridgeContext context, OllamaRelayRequest request) {
    return std::make_unique<OllamaRelay>(std::move(context), std::move(request));
}

std::unique_ptr<Bridge> make_ollama_relay(BridgeContext context, std::string path, std::string body,
                                          bool stream) {
    OllamaRelayRequest request;
    request.path = std::move(path);
    request.body = std::move(body);
    request.stream = stream;
    return make_ollama_relay(std::move(context), std::move(request));
}

}  // namespace segue::llm
