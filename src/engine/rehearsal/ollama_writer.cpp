#include "engine/rehearsal/ollama_writer.hpp"

#include <array>

#include "base/text.hpp"

namespace segue::engine::rehearsal {
namespace {

using Kind = Piece::Kind;

std::string_view done_reason(const Answer& answer) {
    return answer.finish == Answer::Finish::kLength ? "length" : "stop";
}

void write_duration(std::string_view name, Duration duration, json::Writer& w) {
    // Zero is left out by Go's omitempty; a real engine never measures zero.
    w.member(name, std::max<Duration::rep>(duration.count(), 1));
}

void write_bytes(std::string_view text, json::Writer& w) {
    w.key("bytes").begin_array();
    for (char c : text)
        w.integer(static_cast<unsigned char>(c));
    w.end_array();
}

class OllamaWriter final : public AnswerWriter {
public:
    OllamaWriter(EngineState& state, const OllamaCall& call, Answer answer)
        : AnswerWriter({std::move(answer)}), state_(state), call_(call) {}

    bool streams() const override { return call_.stream; }
    std::string_view content_type() const override {
        return call_.stream ? "application/x-ndjson" : "application/json; charset=utf-8";
    }
    void begin(std::string&) override {}

    void piece(std::size_t, const Piece& piece, bool, std::string& out) override {
        const Shown shown = show(piece);
        const bool is_call = piece.kind == Kind::kCallClose;
        if (!shown.is_visible && !is_call) {
            // /api/generate tells swallowed pieces as empty lines (recording
            // "generate_think_stream").
            const bool is_swallowed = piece.kind != Kind::kEnd && piece.kind != Kind::kCallMarkup &&
                                      piece.kind != Kind::kCallName &&
                                      piece.kind != Kind::kCallArguments;
            if (call_.route == OllamaRoute::kGenerate && is_swallowed)
                line(out, {}, {}, nullptr, nullptr);
            return;
        }
        line(out, shown.thinking, shown.text, is_call ? &piece : nullptr,
             call_.logprobs ? &piece : nullptr);
    }

    void end(const Measured& measured, std::string& out) override {
        out += go_escaped(json::object([&](json::Writer& w) {
            head(w);
            body(w, {}, {}, false);
            w.member("done", true);
            tail(w, measured);
        }));
        out += '\n';
    }

    std::string whole(const Measured& measured) override {
        std::string text;
        std::string thinking;
        for (const Piece& piece : answers().front().pieces) {
            const Shown shown = show(piece);
            text += shown.text;
            thinking += shown.thinking;
        }
        return go_escaped(json::object([&](json::Writer& w) {
            head(w);
            body(w, thinking, text, answers().front().calls_complete());
            w.member("done", true);
            tail(w, measured);
            if (!call_.logprobs) return;
            w.key("logprobs").begin_array();
            for (const Piece& piece : answers().front().pieces) {
                if (piece.kind == Kind::kText && !piece.text.empty())
                    write_logprob(piece, call_.top_logprobs, w);
            }
            w.end_array();
        }));
    }

    std::string refusal(int, std::string_view message) const override {
        return ollama_error(message);
    }
    std::string_view refusal_type() const override { return "application/json; charset=utf-8"; }
    std::string_view busy_message() const override {
        return "server busy, please try again.  maximum pending requests exceeded";
    }
    std::string_view template_message() const override {
        return "template: :1:12: executing \"\" at <.Messages>: error calling index";
    }
    std::string stream_error(std::string_view message) const override {
        return ollama_error(message) + "\n";
    }
    std::string garbage() const override { return "{\"model\": rehearsed garbage\n"; }

private:
    struct Shown {
        std::string thinking;
        std::string text;
        bool is_visible = false;
    };

    /// White space around the thinking is swallowed: before it, and before the text after it
    /// (wire 1.5).
    Shown show(const Piece& piece) {
        Shown out;
        if (piece.kind == Kind::kReasoning) {
            out.thinking = piece.text;
            if (!thinking_seen_) out.thinking = trim_left(out.thinking);
            thinking_seen_ = thinking_seen_ || !out.thinking.empty();
        } else if (piece.kind == Kind::kText) {
            out.text = piece.text;
            if (thinking_seen_ && !text_seen_) out.text = trim_left(out.text);
            text_seen_ = text_seen_ || !out.text.empty();
        }
        out.is_visible = !out.thinking.empty() || !out.text.empty();
        return out;
    }

    void head(json::Writer& w) const {
        w.member("model", call_.model).member("created_at", rfc3339(state_.clock.wall()));
    }

    void write_calls(std::size_t first, std::size_t count, json::Writer& w) {
        w.key("tool_calls").begin_array();
        for (std::size_t i = first; i < first + count; ++i) {
            const CalledTool& call = answers().front().calls[i];
            w.begin_object()
                .member("id", "call_" + state_.alphanumeric(8))
                .key("function")
                .begin_object();
            w.member("index", i).member("name", call.name);
            w.member_raw("arguments", json::minify(call.arguments)).end_object().end_object();
        }
        w.end_array();
    }

    void body(json::Writer& w, std::string_view thinking, std::string_view text, bool with_calls) {
        const std::size_t calls = with_calls ? answers().front().calls.size() : 0;
        fields(w, thinking, text, 0, calls);
    }

    void fields(json::Writer& w, std::string_view thinking, std::string_view text,
                std::size_t first_call, std::size_t calls) {
        if (call_.route == OllamaRoute::kGenerate) {
            w.member("response", text);
            if (!thinking.empty()) w.member("thinking", thinking);
            if (calls > 0) write_calls(first_call, calls, w);
            return;
        }
        w.key("message").begin_object().member("role", "assistant").member("content", text);
        if (!thinking.empty()) w.member("thinking", thinking);
        if (calls > 0) write_calls(first_call, calls, w);
        w.end_object();
    }

    void line(std::string& out, std::string_view thinking, std::string_view text, const Piece* call,
              const Piece* logprob) {
        out += go_escaped(json::object([&](json::Writer& w) {
            head(w);
            fields(w, thinking, text, call ? call->call : 0, call ? 1 : 0);
            w.member("done", false);
            if (!logprob || logprob->text.empty()) return;
            w.key("logprobs").begin_array();
            write_logprob(*logprob, call_.top_logprobs, w);
            w.end_array();
        }));
        out += '\n';
    }

    void tail(json::Writer& w, const Measured& measured) {
        const Answer& answer = answers().front();
        w.member("done_reason", done_reason(answer));
        if (call_.route == OllamaRoute::kGenerate && !call_.raw) {
            std::string all = render_prompt(call_.prompt);
            for (const Piece& piece : answer.pieces)
                all += piece.written();
            w.key("context").begin_array();
            for (std::int64_t id : state_.vocabulary.encode(all))
                w.integer(id);
            w.end_array();
        }
        write_duration("total_duration", measured.total, w);
        write_duration("load_duration", measured.waiting, w);
        if (answer.prompt_tokens != 0) w.member("prompt_eval_count", answer.prompt_tokens);
        write_duration("prompt_eval_duration", measured.prefill, w);
        if (answer.completion_tokens != 0) w.member("eval_count", answer.completion_tokens);
        write_duration("eval_duration", measured.decode, w);
    }

    EngineState& state_;
    OllamaCall call_;
    bool thinking_seen_ = false;
    bool text_seen_ = false;
};

}  // namespace

std::string go_escaped(std::string json) {
    if (json.find_first_of("<>&") == std::string::npos) return json;
    return replace_all(replace_all(replace_all(json, "<", "\\u003c"), ">", "\\u003e"), "&",
                       "\\u0026");
}

std::string ollama_error(std::string_view message) {
    return go_escaped(json::object([&](json::Writer& w) { w.member("error", message); }));
}

void write_logprob(const Piece& piece, std::int64_t top, json::Writer& w) {
    constexpr std::array<std::string_view, 20> kOthers{
        " and", " the", " of", " a",  " to", " in", " is",  " it",   " for",  " on",
        " as",  " at",  " by", " or", " an", " be", " not", " with", " from", " that"};
    w.begin_object().member("token", piece.text).member("logprob", piece.logprob);
    write_bytes(piece.text, w);
    if (top > 0) {
        w.key("top_logprobs").begin_array();
        w.begin_object().member("token", piece.text).member("logprob", piece.logprob);
        write_bytes(piece.text, w);
        w.end_object();
        for (std::size_t i = 0; i + 1 < static_cast<std::size_t>(top) && i < kOthers.size(); ++i) {
            w.begin_object().member("token", kOthers[i]);
            w.member("logprob", -7.5 - static_cast<double>(i));
            write_bytes(kOthers[i], w);
            w.end_object();
        }
        w.end_array();
    }
    w.end_object();
}

std::unique_ptr<AnswerWriter> make_ollama_writer(EngineState& state, const OllamaCall& call,
                                                 Answer answer) {
    return std::make_unique<OllamaWriter>(state, call, std::move(answer));
}

std::string write_load_answer(EngineState& state, const OllamaCall& call) {
    return go_escaped(json::object([&](json::Writer& w) {
        w.member("model", call.model).member("created_at", rfc3339(state.clock.wall()));
        if (call.route == OllamaRoute::kGenerate) {
            w.member("response", "");
        } else {
            w.key("message")
                .begin_object()
                .member("role", "assistant")
                .member("content", "")
                .end_object();
        }
        w.member("done", true).member("done_reason", call.keep_seconds == 0 ? "unload" : "load");
    }));
}

}  // namespace segue::engine::rehearsal
