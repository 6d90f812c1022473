#include "llm/ollama/front/encode.hpp"

#include <algorithm>
#include <string_view>
#include <utility>
#include <vector>

#include "base/json.hpp"
#include "base/text.hpp"
#include "base/utf8.hpp"
#include "llm/ollama/front/go_json.hpp"

namespace segue::llm {
namespace {

/// No line over 64 KiB (wire 3.6): a text piece of this size, every byte of it escaped, and this
/// much of logprobs fit with room for the rest of the line.
constexpr std::size_t kMaxPiece = 4 * 1024;
constexpr std::size_t kMaxLogprobs = 24 * 1024;

std::string_view done_reason(FinishReason reason) {
    switch (reason) {
        case FinishReason::kStop:
        case FinishReason::kToolCalls: return "stop";
        case FinishReason::kLength: return "length";
        case FinishReason::kLoad: return "load";
        case FinishReason::kUnload: return "unload";
    }
    return "stop";
}

void write_logprob_members(json::Writer& writer, const TokenLogprob& token) {
    writer.member("token", token.token);
    std::string number;
    append_go_float(token.logprob, number);
    writer.member_raw("logprob", number);
    if (token.token.empty()) return;
    writer.key("bytes").begin_array();
    if (token.bytes) {
        for (const std::uint8_t byte : *token.bytes)
            writer.integer(byte);
    } else {
        for (const char c : token.token)
            writer.integer(static_cast<unsigned char>(c));
    }
    writer.end_array();
}

std::string logprob_json(const TokenLogprob& token) {
    return json::object([&](json::Writer& writer) {
        write_logprob_members(writer, token);
        if (token.top.empty()) return;
        writer.key("top_logprobs").begin_array();
        for (const TokenLogprob& other : token.top) {
            writer.begin_object();
            write_logprob_members(writer, other);
            writer.end_object();
        }
        writer.end_array();
    });
}

/// JSON text may hold these three raw; some line readers split there (wire 4.2). They can only
/// stand inside strings.
void escape_line_separators(std::string& json) {
    for (const auto& [raw, escaped] :
         {std::pair<std::string_view, std::string_view>{"\xC2\x85", "\\u0085"},
          {"\xE2\x80\xA8", "\\u2028"},
          {"\xE2\x80\xA9", "\\u2029"}})
        if (json.find(raw) != std::string::npos) json = replace_all(json, raw, escaped);
}

/// The first piece of `text` that fits a line, cut between code points.
std::string_view next_piece(std::string_view text) {
    if (text.size() <= kMaxPiece) return text;
    std::size_t size = kMaxPiece;
    while (size > kMaxPiece - 4 && continues_code_point(text[size]))
        --size;
    return text.substr(0, size);
}

struct Content {
    std::string_view text;
    std::string_view thinking;
    const std::vector<ToolCall>* tool_calls = nullptr;
};

class OllamaEncoder final : public ResponseEncoder {
public:
    explicit OllamaEncoder(OllamaEncoding encoding) : encoding_(std::move(encoding)) {}

    bool streaming() const override {
        return encoding_.delivery == OllamaEncoding::Delivery::kStream;
    }
    std::string_view content_type() const override {
        return streaming() ? kOllamaNdjson : kOllamaJson;
    }

    std::optional<Failure> encode(const Events& events, const Timings& timings,
                                  std::string& out) override {
        for (const Event& event : events)
            if (auto failure = encode_event(event, timings, out)) return failure;
        return std::nullopt;
    }

private:
    std::optional<Failure> encode_event(const Event& event, const Timings& timings,
                                        std::string& out) {
        if (const auto* text = std::get_if<Text>(&event)) {
            if (text->choice != 0 || text->text.empty()) return std::nullopt;
            ++content_events_;
            if (streaming())
                stream_content(text->text, {}, timings, out);
            else
                text_ += text->text;
        } else if (const auto* reasoning = std::get_if<Reasoning>(&event)) {
            if (reasoning->choice != 0 || reasoning->text.empty()) return std::nullopt;
            ++content_events_;
            if (streaming())
                stream_content({}, reasoning->text, timings, out);
            else
                thinking_ += reasoning->text;
        } else if (const auto* logprobs = std::get_if<Logprobs>(&event)) {
            if (logprobs->choice != 0) return std::nullopt;
            for (const TokenLogprob& token : logprobs->tokens)
                logprobs_.push_back(logprob_json(token));
        } else if (const auto* finished = std::get_if<Finished>(&event)) {
            if (finished->choice != 0) return std::nullopt;
            finished_ = finished->reason;
            if (auto failure = collect_calls()) return failure;
            if (!streaming()) return std::nullopt;
            // Logprobs of a token without text (a stop string) get a line of their own: never the
            // last one (C21).
            if (!logprobs_.empty()) stream_content({}, {}, timings, out);
            if (!calls_.empty()) {
                write_object({{}, {}, &calls_}, timings, Last::kNo, {}, out);
                out += '\n';
            }
        } else if (std::holds_alternative<Ended>(event)) {
            if (!finished_)
                return Failure{Failure::Cause::kBroken,
                               "the engine's answer ended without a finish reason"};
            if (streaming()) {
                write_object({}, timings, Last::kYes, {}, out);
                out += '\n';
            } else {
                write_object({text_, thinking_, calls_.empty() ? nullptr : &calls_}, timings,
                             Last::kYes, joined_logprobs(logprobs_.size()), out);
            }
        } else {
            if (std::holds_alternative<ToolCallDelta>(event)) ++content_events_;
            answer_.add(event);  // fragments of tool calls, counts, token ids
        }
        return std::nullopt;
    }

    /// The calls are whole now. Arguments that were cut off by the length limit take their call
    /// with them (C12); any other nonsense breaks the answer (C13).
    std::optional<Failure> collect_calls() {
        for (const ToolCall& call : answer_.first().tool_calls) {
            auto arguments = normalize_arguments(call.arguments);
            if (arguments) {
                escape_line_separators(*arguments);
                calls_.push_back({call.id, call.name, std::move(*arguments)});
            } else if (finished_ != FinishReason::kLength) {
                return Failure{Failure::Cause::kBroken, "the arguments of tool call \"" +
                                                            call.name + "\" are not a JSON object"};
            }
        }
        return std::nullopt;
    }

    void stream_content(std::string_view text, std::string_view thinking, const Timings& timings,
                        std::string& out) {
        do {
            const std::string_view text_piece = next_piece(text);
            const std::string_view thinking_piece = next_piece(thinking);
            text.remove_prefix(text_piece.size());
            thinking.remove_prefix(thinking_piece.size());
            std::size_t count = 0;
            for (std::size_t size = 0; count < logprobs_.size(); ++count) {
                size += logprobs_[count].size();
                if (count > 0 && size > kMaxLogprobs) break;
            }
            write_object({text_piece, thinking_piece, nullptr}, timings, Last::kNo,
                         joined_logprobs(count), out);
            out += '\n';
            logprobs_.erase(logprobs_.begin(),
                            logprobs_.begin() + static_cast<std::ptrdiff_t>(count));
        } while (!text.empty() || !thinking.empty() || !logprobs_.empty());
    }

    std::string joined_logprobs(std::size_t count) const {
        std::string out;
        for (std::size_t i = 0; i < count; ++i) {
            out += i == 0 ? "[" : ",";
            out += logprobs_[i];
        }
        if (count > 0) out += ']';
        return out;
    }

    enum class Last : std::uint8_t { kNo, kYes };

    void write_object(const Content& content, const Timings& timings, Last last,
                      std::string_view logprobs, std::string& out) const {
        const bool chat = encoding_.shape == OllamaEncoding::Shape::kChat;
        json::Writer writer(out);
        writer.begin_object();
        writer.member("model", encoding_.model);
        writer.key("created_at").string(rfc3339(timings.now.wall));
        if (chat) {
            writer.key("message").begin_object();
            writer.member("role", "assistant");
        }
        writer.member(chat ? "content" : "response", content.text);
        if (!content.thinking.empty()) writer.member("thinking", content.thinking);
        if (chat) {
            if (content.tool_calls) write_calls(*content.tool_calls, writer);
            writer.end_object();
        }
        writer.member("done", last == Last::kYes);
        if (last == Last::kYes) write_ending(timings, writer);
        if (!chat && content.tool_calls) write_calls(*content.tool_calls, writer);
        if (!logprobs.empty()) writer.member_raw("logprobs", logprobs);
        writer.end_object();
    }

    static void write_calls(const std::vector<ToolCall>& calls, json::Writer& writer) {
        writer.key("tool_calls").begin_array();
        std::int64_t index = 0;
        for (const ToolCall& call : calls) {
            writer.begin_object();
            if (!call.id.empty()) writer.member("id", call.id);
            writer.key("function").begin_object();
            writer.member("index", index++);
            writer.member("name", call.name);
            writer.member_raw("arguments", call.arguments);
            writer.end_object().end_object();
        }
        writer.end_array();
    }

    void write_ending(const Timings& timings, json::Writer& writer) const {
        writer.member("done_reason", done_reason(*finished_));
        if (!answer_.sources.empty()) writer.member_raw("sources", answer_.sources);
        if (encoding_.context == OllamaEncoding::Context::kGiven &&
            !answer_.token_ids.prompt.empty()) {
            writer.key("context").begin_array();
            for (const auto& ids : {answer_.token_ids.prompt, answer_.token_ids.completion})
                for (const std::int64_t id : ids)
                    writer.integer(id);
            writer.end_array();
        }
        const std::int64_t load = std::max<std::int64_t>(timings.load.count(), 1);
        const std::int64_t prompt = std::max<std::int64_t>(timings.prompt_eval.count(), 1);
        const std::int64_t eval = std::max<std::int64_t>(timings.eval.count(), 1000);
        // load + prompt_eval + eval <= total, whatever rounding did (C48).
        writer.member("total_duration",
                      std::max<std::int64_t>(timings.total.count(), load + prompt + eval));
        writer.member("load_duration", load);
        if (answer_.usage.prompt_tokens && *answer_.usage.prompt_tokens > 0)
            writer.member("prompt_eval_count", *answer_.usage.prompt_tokens);
        writer.member("prompt_eval_duration", prompt);
        // Without the engine's counts the deltas were counted: clients show no usage at all when
        // both are missing.
        writer.member(
            "eval_count",
            std::max<std::int64_t>(answer_.usage.completion_tokens.value_or(content_events_), 1));
        writer.member("eval_duration", eval);
    }

    OllamaEncoding encoding_;
    Answer answer_;                // what is only known in pieces: tool calls, usage, token ids
    std::vector<ToolCall> calls_;  // whole
    std::vector<std::string> logprobs_;  // waiting for their text (stream), or all of them
    std::string text_;                   // single answers only
    std::string thinking_;
    std::optional<FinishReason> finished_;
    std::int64_t content_events_ = 0;
};

}  // namespace

std::unique_ptr<ResponseEncoder> make_ollama_encoder(OllamaEncoding encoding) {
    return std::make_unique<OllamaEncoder>(std::move(encoding));
}

std::string ollama_load_object(OllamaEncoding::Shape shape, std::string_view model, WallTime now,
                               FinishReason reason, Duration load) {
    return json::object([&](json::Writer& writer) {
        writer.member("model", model);
        writer.key("created_at").string(rfc3339(now));
        if (shape == OllamaEncoding::Shape::kChat) {
            writer.key("message").begin_object();
            writer.member("role", "assistant").member("content", "").end_object();
        } else {
            writer.member("response", "");
        }
        writer.member("done", true);
        writer.member("done_reason", done_reason(reason));
        if (load > Duration::zero()) {
            writer.member("total_duration", load.count());
            writer.member("load_duration", load.count());
        }
    });
}

}  // namespace segue::llm
