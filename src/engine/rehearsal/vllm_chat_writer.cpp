#include <fmt/format.h>

#include "engine/rehearsal/ollama_writer.hpp"
#include "engine/rehearsal/vllm_writer.hpp"

namespace segue::engine::rehearsal {
namespace {

using Kind = Piece::Kind;

class VllmChatWriter final : public VllmWriter {
public:
    VllmChatWriter(EngineState& state, VllmCall call, std::vector<Answer> answers)
        : VllmWriter(state, std::move(call), std::move(answers), "chatcmpl") {}

    void begin(std::string& out) override {
        for (std::size_t i = 0; i < answers().size(); ++i) {
            std::string choice = json::object([&](json::Writer& w) {
                w.member("index", i).key("delta").begin_object().member("role", "assistant");
                w.member("content", "")
                    .end_object()
                    .member_null("logprobs")
                    .member_null("finish_reason");
            });
            first_event(out, choice);
        }
    }

    void piece(std::size_t choice, const Piece& piece, bool is_last, std::string& out) override {
        count(piece);
        const std::string delta = delta_of(choice, piece);
        if (delta.empty() && !is_last) return;
        const Answer& answer = answers()[choice];
        const std::string text = json::object([&](json::Writer& w) {
            w.member("index", choice).member_raw("delta", delta.empty() ? "{}" : delta);
            if (call_.logprobs && !piece.text.empty()) {
                w.key("logprobs").begin_object().key("content").begin_array();
                write_logprob(piece, call_.top_logprobs, w);
                w.end_array().end_object();
            } else {
                w.member_null("logprobs");
            }
            if (is_last) {
                write_finish(answer, finish_of(answer), w);
            } else {
                w.member_null("finish_reason");
            }
            write_ids(piece, w);
        });
        event(out, chunk_object(), text, is_last);
    }

    std::string whole(const Measured&) override {
        return json::object([&](json::Writer& w) {
            head(w, "chat.completion");
            w.key("choices").begin_array();
            for (std::size_t i = 0; i < answers().size(); ++i)
                write_choice(i, w);
            w.end_array()
                .member_null("service_tier")
                .member("system_fingerprint", kVllmFingerprint);
            usage(w);
            for (std::string_view name : {"prompt_logprobs", "prompt_token_ids", "prompt_text",
                                          "kv_transfer_params", "ec_transfer_params", "metrics"}) {
                w.member_null(name);
            }
        });
    }

protected:
    std::string_view chunk_object() const override { return "chat.completion.chunk"; }
    bool tells_reasoning() const override { return state_.options.thinks; }

private:
    void first_event(std::string& out, const std::string& choice) {
        std::string text;
        event(text, chunk_object(), choice, false);
        // The first chunk has two fields behind everything else (recording "chat_stream").
        const std::size_t close = text.rfind('}');
        out += text.substr(0, close) + ",\"prompt_token_ids\":null,\"prompt_text\":null" +
               text.substr(close);
    }

    void write_ids(const Piece& piece, json::Writer& w) {
        if (!call_.return_token_ids) {
            w.member_null("token_ids");
            return;
        }
        w.key("token_ids").begin_array();
        for (std::int64_t id : state_.vocabulary.encode(piece.written()))
            w.integer(id);
        w.end_array();
    }

    /// "" when the piece shows nothing.
    std::string delta_of(std::size_t choice, const Piece& piece) {
        switch (piece.kind) {
            case Kind::kReasoning:
                if (!call_.include_reasoning) return {};
                return json::object([&](json::Writer& w) { w.member("reasoning", piece.text); });
            case Kind::kText:
                if (piece.text.empty()) return {};
                return json::object([&](json::Writer& w) { w.member("content", piece.text); });
            case Kind::kCallName:
                return json::object([&](json::Writer& w) {
                    w.member_null("content").key("tool_calls").begin_array().begin_object();
                    w.member("id", "chatcmpl-tool-" + state_.hex(16)).member("type", "function");
                    w.member("index", piece.call).key("function").begin_object();
                    w.member("name", answers()[choice].calls[piece.call].name).end_object();
                    w.end_object().end_array();
                });
            case Kind::kCallArguments:
                return json::object([&](json::Writer& w) {
                    w.member_null("content").key("tool_calls").begin_array().begin_object();
                    w.member("index", piece.call).key("function").begin_object();
                    w.member("arguments", piece.text).end_object().end_object().end_array();
                });
            case Kind::kThinkOpen:
            case Kind::kThinkClose:
            case Kind::kCallMarkup:
            case Kind::kCallClose:
            case Kind::kEnd: break;
        }
        return {};
    }

    void write_message(const Answer& answer, json::Writer& w) {
        const bool has_calls = !answer.calls.empty() && answer.calls_complete();
        std::string text = answer.text();
        std::string reasoning = answer.reasoning();
        if (!answer.calls.empty() && !has_calls) {
            // Cut inside a call: the raw text comes back as content (wire 2.3).
            for (const Piece& piece : answer.pieces) {
                if (piece.kind != Kind::kText && piece.kind != Kind::kReasoning &&
                    !piece.raw.empty())
                    text += piece.raw;
            }
        }
        // The parser took everything for thinking (wire 2.3, "parser trap").
        if (call_.all_is_reasoning && !has_calls && reasoning.empty()) std::swap(text, reasoning);
        w.key("message").begin_object().member("role", "assistant");
        if (!text.empty() || call_.forced_call) {
            w.member("content", text);
        } else {
            w.member_null("content");
        }
        for (std::string_view name : {"refusal", "annotations", "audio", "function_call"})
            w.member_null(name);
        if (has_calls) {
            w.key("tool_calls").begin_array();
            for (const CalledTool& call : answer.calls) {
                w.begin_object()
                    .member("id", "chatcmpl-tool-" + state_.hex(16))
                    .member("type", "function");
                w.key("function").begin_object().member("name", call.name);
                w.member("arguments", call.arguments).end_object().end_object();
            }
            w.end_array();
        }
        if (reasoning.empty() || !call_.include_reasoning) {
            w.member_null("reasoning");
        } else {
            w.member("reasoning", reasoning);
        }
        w.end_object();
    }

    void write_choice(std::size_t index, json::Writer& w) {
        const Answer& answer = answers()[index];
        w.begin_object().member("index", index);
        write_message(answer, w);
        if (call_.logprobs) {
            w.key("logprobs").begin_object().key("content").begin_array();
            for (const Piece& piece : answer.pieces) {
                if (!piece.text.empty()) write_logprob(piece, call_.top_logprobs, w);
            }
            w.end_array().end_object();
        } else {
            w.member_null("logprobs");
        }
        write_finish(answer, finish_of(answer), w);
        w.member_null("token_ids").member_null("routed_experts").end_object();
    }
};

class VllmTextWriter final : public VllmWriter {
public:
    VllmTextWriter(EngineState& state, VllmCall call, std::vector<Answer> answers)
        : VllmWriter(state, std::move(call), std::move(answers), "cmpl"),
          offsets_(this->answers().size()) {}

    void begin(std::string&) override {}

    void piece(std::size_t choice, const Piece& piece, bool is_last, std::string& out) override {
        count(piece);
        std::string text =
            piece.text.empty() && piece.kind != Kind::kEnd ? piece.written() : piece.text;
        if (text.empty() && !is_last) return;
        if (call_.echo && offsets_[choice] == 0) text = echoed(choice) + text;
        const Answer& answer = answers()[choice];
        const std::string body = json::object([&](json::Writer& w) {
            w.member("index", choice).member("text", text);
            if (call_.logprobs && !piece.text.empty()) {
                write_logprobs({&piece, 1}, offsets_[choice], w);
            } else {
                w.member_null("logprobs");
            }
            if (is_last) {
                write_finish(answer, finish_of(answer), w);
            } else {
                w.member_null("finish_reason").member_null("stop_reason");
            }
            w.member_null("prompt_token_ids").member_null("token_ids");
        });
        offsets_[choice] += text.size();
        event(out, chunk_object(), body, is_last);
    }

    std::string whole(const Measured&) override {
        return json::object([&](json::Writer& w) {
            head(w, "text_completion");
            w.key("choices").begin_array();
            for (std::size_t i = 0; i < answers().size(); ++i) {
                const Answer& answer = answers()[i];
                std::string text = call_.echo ? echoed(i) : "";
                for (const Piece& piece : answer.pieces) {
                    text +=
                        piece.text.empty() && piece.kind != Kind::kText ? piece.raw : piece.text;
                }
                w.begin_object().member("index", i).member("text", text);
                if (call_.logprobs) {
                    write_logprobs(answer.pieces, 0, w);
                } else {
                    w.member_null("logprobs");
                }
                write_finish(answer, finish_of(answer), w);
                w.member_null("token_ids").member_null("prompt_logprobs");
                w.member_null("prompt_token_ids").member_null("routed_experts").end_object();
            }
            w.end_array()
                .member_null("service_tier")
                .member("system_fingerprint", kVllmFingerprint);
            usage(w);
            w.member_null("kv_transfer_params")
                .member_null("ec_transfer_params")
                .member_null("metrics");
        });
    }

protected:
    std::string_view chunk_object() const override { return "text_completion"; }
    bool tells_reasoning() const override { return false; }

private:
    std::string echoed(std::size_t choice) const {
        const std::size_t step = static_cast<std::size_t>(std::max<std::int64_t>(call_.n, 1));
        return render_prompt(call_.prompts[choice / step]);
    }

    void write_logprobs(std::span<const Piece> pieces, std::size_t offset, json::Writer& w) const {
        w.key("logprobs").begin_object().key("text_offset").begin_array();
        for (const Piece& piece : pieces) {
            if (piece.text.empty()) continue;
            w.integer(static_cast<std::int64_t>(offset));
            offset += piece.text.size();
        }
        w.end_array().key("token_logprobs").begin_array();
        for (const Piece& piece : pieces) {
            if (!piece.text.empty()) w.number(piece.logprob);
        }
        w.end_array().key("tokens").begin_array();
        for (const Piece& piece : pieces) {
            if (!piece.text.empty()) w.string(piece.text);
        }
        w.end_array().key("top_logprobs").begin_array();
        for (const Piece& piece : pieces) {
            if (!piece.text.empty())
                w.begin_object().member(piece.text, piece.logprob).end_object();
        }
        w.end_array().end_object();
    }

    std::vector<std::size_t> offsets_;
};

}  // namespace

std::unique_ptr<AnswerWriter> make_vllm_chat_writer(EngineState& state, const VllmCall& call,
                                                    std::vector<Answer> answers) {
    return std::make_unique<VllmChatWriter>(state, call, std::move(answers));
}

std::unique_ptr<AnswerWriter> make_vllm_text_writer(EngineState& state, const VllmCall& call,
                                                    std::vector<Answer> answers) {
    return std::make_unique<VllmTextWriter>(state, call, std::move(answers));
}

}  // namespace segue::engine::rehearsal
