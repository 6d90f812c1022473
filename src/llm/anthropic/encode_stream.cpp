#include <fmt/format.h>

#include <map>

#include "base/overloaded.hpp"
#include "base/text.hpp"
#include "llm/anthropic/encode.hpp"
#include "llm/anthropic/encode_parts.hpp"

namespace segue::llm {
namespace {

using json::Writer;

Failure broken(std::string message) {
    return Failure{Failure::Cause::kBroken, std::move(message)};
}

/// Blocks are counted from 0 and never two are open: a change of kind closes one and opens the next
/// (wire 3.13). The SDKs refuse anything before message_start (wire 4.3).
class StreamEncoder final : public ResponseEncoder {
public:
    explicit StreamEncoder(std::string model) : model_(std::move(model)) {}

    bool streaming() const override { return true; }
    std::string_view content_type() const override { return "text/event-stream; charset=utf-8"; }
    bool may_begin_with_keep_alive() const override { return true; }
    void keep_alive(std::string& out) override {
        if (!begin(out)) ping(out);
    }

    std::optional<Failure> encode(const Events& events, const Timings& /*timings*/,
                                  std::string& out) override {
        for (const Event& event : events) {
            if (auto failure = one(event, out)) return failure;
        }
        return std::nullopt;
    }

private:
    enum class Block : std::uint8_t { kNone, kThinking, kText, kToolUse };

    struct Call {
        std::string id;
        std::string name;
        std::string arguments;  // all so far
        std::size_t given = 0;  // how much of them went to the client
        bool closed = false;
    };

    std::optional<Failure> one(const Event& event, std::string& out) {
        using Result = std::optional<Failure>;
        return std::visit(overloaded{
                              [](const Started&) -> Result { return {}; },
                              [&](const Text& text) -> Result {
                                  return text.choice == 0 ? say(text.text, out) : Result{};
                              },
                              [&](const Reasoning& reasoning) -> Result {
                                  if (reasoning.choice != 0 || reasoning.text.empty()) return {};
                                  if (auto failure = open(Block::kThinking, out)) return failure;
                                  delta(out, "thinking_delta", "thinking", reasoning.text);
                                  return {};
                              },
                              [&](const ToolCallDelta& call) -> Result {
                                  return call.choice == 0 ? tool_call(call, out) : Result{};
                              },
                              [](const Logprobs&) -> Result { return {}; },
                              [&](const Usage& usage) -> Result {
                                  usage_.update(usage);
                                  return {};
                              },
                              [](const TokenIds&) -> Result { return {}; },
                              [](const Vectors&) -> Result { return {}; },
                              [&](const Sources& sources) -> Result {
                                  if (sources.choice == 0) sources_ = sources.json;
                                  return {};
                              },
                              [&](const Finished& finished) -> Result {
                                  if (finished.choice != 0) return {};
                                  finished_ = finished;
                                  begin(out);
                                  return close(out);
                              },
                              [&](const Ended&) -> Result { return end(out); },
                              [](const Failed&) -> Result { return {}; },
                          },
                          event);
    }

    template <class Fill>
    void event(std::string& out, std::string_view name, Fill&& fill) {
        line_.clear();
        Writer writer(line_);
        writer.begin_object().member("type", name);
        fill(writer);
        writer.end_object();
        fmt::format_to(std::back_inserter(out), "event: {}\ndata: {}\n\n", name, line_);
    }

    void ping(std::string& out) {
        event(out, "ping", [](Writer&) {});
    }

    /// True when this was the beginning.
    bool begin(std::string& out) {
        if (begun_) return false;
        begun_ = true;
        event(out, "message_start", [&](Writer& writer) {
            writer.key("message")
                .begin_object()
                .member("id", anthropic::made_message_id())
                .member("type", "message")
                .member("role", "assistant")
                .member("model", model_)
                .key("content")
                .begin_array()
                .end_array()
                .member_null("stop_reason")
                .member_null("stop_sequence");
            Usage so_far = usage_;
            so_far.completion_tokens = 0;
            anthropic::write_usage(writer.key("usage"), so_far);
            writer.end_object();
        });
        ping(out);
        return true;
    }

    std::optional<Failure> open(Block block, std::string& out) {
        if (block_ == block && block != Block::kToolUse) return std::nullopt;
        begin(out);
        if (auto failure = close(out)) return failure;
        block_ = block;
        event(out, "content_block_start", [&](Writer& writer) {
            writer.member("index", index_).key("content_block").begin_object();
            if (block == Block::kThinking) {
                writer.member("type", "thinking").member("thinking", "").member("signature", "");
            } else if (block == Block::kText) {
                writer.member("type", "text").member("text", "");
            } else {
                const Call& call = calls_[open_call_];
                writer.member("type", "tool_use")
                    .member("id", call.id)
                    .member("name", call.name)
                    .key("input")
                    .begin_object()
                    .end_object();
            }
            writer.end_object();
        });
        return std::nullopt;
    }

    void delta(std::string& out, std::string_view type, std::string_view member,
               std::string_view text) {
        event(out, "content_block_delta", [&](Writer& writer) {
            writer.member("index", index_)
                .key("delta")
                .begin_object()
                .member("type", type)
                .member(member, text)
                .end_object();
        });
    }

    /// White space alone opens no block, and does not end a tool call: some engines' parsers let
    /// line ends between calls through.
    std::optional<Failure> say(std::string_view text, std::string& out) {
        if (text.empty()) return std::nullopt;
        if (block_ != Block::kText) {
            space_ += text;
            if (anthropic::only_space(text)) return std::nullopt;
            if (auto failure = open(Block::kText, out)) return failure;
            delta(out, "text_delta", "text", std::exchange(space_, {}));
            return std::nullopt;
        }
        delta(out, "text_delta", "text", text);
        return std::nullopt;
    }

    std::optional<Failure> tool_call(const ToolCallDelta& fragment, std::string& out) {
        Call& call = calls_[fragment.index];
        if (call.closed) {
            if (fragment.arguments.empty()) return std::nullopt;
            return broken("the engine went back to a tool call that had ended");
        }
        if (call.id.empty()) call.id = fragment.id;
        if (call.name.empty()) call.name = fragment.name;
        call.arguments += fragment.arguments;
        const bool is_open = block_ == Block::kToolUse && open_call_ == fragment.index;
        if (!is_open) {
            if (call.name.empty()) return std::nullopt;  // an odd engine: the name is yet to come
            if (auto failure = close(out)) return failure;
            space_.clear();
            if (call.id.empty()) call.id = anthropic::made_tool_use_id();
            open_call_ = fragment.index;
            if (auto failure = open(Block::kToolUse, out)) return failure;
        }
        give(call, out);
        return std::nullopt;
    }

    /// Fragments pass as they come, once it is seen that they are the text of an object: some
    /// engines encode it twice, which can be undone only when all is there.
    void give(Call& call, std::string& out) {
        const std::string_view trimmed = trim_left(call.arguments);
        if (trimmed.empty() || trimmed.front() != '{') return;
        const std::string_view news = std::string_view(call.arguments).substr(call.given);
        if (news.empty()) return;
        delta(out, "input_json_delta", "partial_json", news);
        call.given = call.arguments.size();
    }

    std::optional<Failure> close(std::string& out) {
        if (block_ == Block::kNone) return std::nullopt;
        if (block_ == Block::kThinking)
            delta(out, "signature_delta", "signature", anthropic::made_signature());
        if (block_ == Block::kToolUse) {
            if (auto failure = complete(calls_[open_call_], out)) return failure;
        }
        event(out, "content_block_stop", [&](Writer& writer) { writer.member("index", index_); });
        ++index_;
        block_ = Block::kNone;
        return std::nullopt;
    }

    /// No arguments are an empty object; a text cut by the length limit stays cut.
    std::optional<Failure> complete(Call& call, std::string& out) {
        call.closed = true;
        const bool cut = finished_ && finished_->reason == FinishReason::kLength;
        const auto whole = normalize_arguments(call.arguments);
        if (!whole && !cut) return broken("the model's tool call arguments are not a JSON object");
        if (call.given == 0) delta(out, "input_json_delta", "partial_json", whole ? *whole : "{}");
        return std::nullopt;
    }

    std::optional<Failure> end(std::string& out) {
        begin(out);
        if (auto failure = close(out)) return failure;
        bool called = false;
        for (const auto& [number, call] : calls_) {
            if (call.name.empty()) return broken("the engine sent a tool call without a name");
            called = true;
        }
        event(out, "message_delta", [&](Writer& writer) {
            writer.key("delta").begin_object();
            anthropic::write_stop(writer, anthropic::stop_of(finished_, called));
            writer.end_object();
            anthropic::write_usage(writer.key("usage"), usage_);
            if (!sources_.empty()) writer.member_raw("sources", sources_);
        });
        event(out, "message_stop", [](Writer&) {});
        return std::nullopt;
    }

    std::string model_;
    bool begun_ = false;
    Block block_ = Block::kNone;
    std::size_t index_ = 0;  // of the open block, or of the next
    std::map<std::uint32_t, Call> calls_;
    std::uint32_t open_call_ = 0;
    std::string space_;  // white space that may begin a text block
    std::optional<Finished> finished_;
    Usage usage_;
    std::string sources_;
    std::string line_;  // reused
};

}  // namespace

std::unique_ptr<ResponseEncoder> make_anthropic_stream_encoder(std::string model) {
    return std::make_unique<StreamEncoder>(std::move(model));
}

}  // namespace segue::llm
