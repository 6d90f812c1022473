#include "llm/openai/responses/encode.hpp"

#include <fmt/format.h>

#include <map>

#include "base/ids.hpp"
#include "base/overloaded.hpp"
#include "llm/openai/front/encode_parts.hpp"

namespace segue::llm::openai {
namespace {

using json::Writer;

/// Both deliveries build the same items; a whole answer only keeps the events to itself.
class ResponsesEncoder final : public ResponseEncoder {
public:
    ResponsesEncoder(Delivery delivery, std::string model, ResponsesEcho echo)
        : delivery_(delivery), model_(std::move(model)), echo_(std::move(echo)) {}

    bool streaming() const override { return delivery_ == Delivery::kStream; }
    std::string_view content_type() const override {
        return streaming() ? kSseType : std::string_view("application/json");
    }
    bool may_begin_with_keep_alive() const override { return true; }
    void keep_alive(std::string& out) override { out += kSseKeepAlive; }

    std::optional<Failure> encode(const Events& events, const Timings& timings,
                                  std::string& out) override {
        for (const Event& event : events)
            one(event, timings, out);
        return std::nullopt;
    }

private:
    enum class Kind : std::uint8_t { kNone, kReasoning, kMessage, kCall };

    struct Call {
        std::string id;
        std::string name;
        std::string arguments;  // those that wait for the item to be opened
        bool closed = false;
    };

    void one(const Event& event, const Timings& timings, std::string& out) {
        const std::int64_t now = unix_seconds(timings.now.wall);
        std::visit(overloaded{
                       [&](const Text& text) {
                           if (text.choice != 0 || text.text.empty()) return;
                           open(Kind::kMessage, now, out);
                           add("response.output_text.delta", text.text, out);
                       },
                       [&](const Reasoning& reasoning) {
                           if (reasoning.choice != 0 || reasoning.text.empty()) return;
                           open(Kind::kReasoning, now, out);
                           add("response.reasoning_summary_text.delta", reasoning.text, out);
                       },
                       [&](const ToolCallDelta& call) {
                           if (call.choice == 0) tool_call(call, now, out);
                       },
                       [&](const Usage& usage) { usage_.update(usage); },
                       [&](const Sources& sources) {
                           if (sources.choice == 0) sources_ = sources.json;
                       },
                       [&](const Finished& finished) {
                           if (finished.choice == 0) finished_ = finished;
                       },
                       [&](const Ended&) { end(now, out); },
                       [](const auto&) {},
                   },
                   event);
    }

    template <class Fill>
    void event(std::string& out, std::string_view name, Fill&& fill) {
        if (!streaming()) return;
        line_.clear();
        Writer writer(line_);
        writer.begin_object().member("type", name).member("sequence_number", sequence_++);
        fill(writer);
        writer.end_object();
        fmt::format_to(std::back_inserter(out), "event: {}\ndata: {}\n\n", name, line_);
    }

    void begin(std::int64_t now, std::string& out) {
        if (created_ >= 0) return;
        created_ = now;
        for (const std::string_view name : {"response.created", "response.in_progress"})
            event(out, name, [&](Writer& writer) {
                write_response(writer.key("response"), "in_progress", 0);
            });
    }

    void open(Kind kind, std::int64_t now, std::string& out) {
        begin(now, out);
        if (kind_ == kind && kind != Kind::kCall) return;
        close(out);
        kind_ = kind;
        text_.clear();
        const std::string_view prefix = kind == Kind::kReasoning ? "rs_"
                                        : kind == Kind::kMessage ? "msg_"
                                                                 : "fc_";
        item_id_ = std::string(prefix) + random_alphanumeric(24);
        event(out, "response.output_item.added", [&](Writer& writer) {
            writer.member("output_index", items_.size());
            write_item(writer.key("item"), "in_progress");
        });
        if (kind == Kind::kMessage) part("response.content_part.added", out);
        if (kind == Kind::kReasoning) part("response.reasoning_summary_part.added", out);
    }

    void add(std::string_view name, std::string_view delta, std::string& out) {
        text_ += delta;
        event(out, name, [&](Writer& writer) {
            place(writer);
            writer.member("delta", delta);
            if (kind_ == Kind::kMessage) writer.key("logprobs").begin_array().end_array();
        });
    }

    void place(Writer& writer) const {
        writer.member("item_id", item_id_).member("output_index", items_.size());
        if (kind_ == Kind::kMessage) writer.member("content_index", 0);
        if (kind_ == Kind::kReasoning) writer.member("summary_index", 0);
    }

    void part(std::string_view name, std::string& out) {
        event(out, name, [&](Writer& writer) {
            place(writer);
            write_part(writer.key("part"));
        });
    }

    void write_part(Writer& writer) const {
        writer.begin_object();
        if (kind_ == Kind::kReasoning) {
            writer.member("type", "summary_text").member("text", text_);
        } else {
            writer.member("type", "output_text").member("text", text_);
            writer.key("annotations").begin_array().end_array();
            writer.key("logprobs").begin_array().end_array();
        }
        writer.end_object();
    }

    void write_item(Writer& writer, std::string_view status) const {
        const bool done = status != "in_progress";
        writer.begin_object().member("id", item_id_);
        if (kind_ == Kind::kCall) {
            const Call& call = calls_.at(open_call_);
            writer.member("type", "function_call")
                .member("status", status)
                .member("call_id", call.id)
                .member("name", call.name)
                .member("arguments", text_);
        } else {
            const bool message = kind_ == Kind::kMessage;
            writer.member("type", message ? "message" : "reasoning");
            if (message) writer.member("status", status).member("role", "assistant");
            writer.key(message ? "content" : "summary").begin_array();
            if (done) write_part(writer);
            writer.end_array();
        }
        writer.end_object();
    }

    void tool_call(const ToolCallDelta& fragment, std::int64_t now, std::string& out) {
        Call& call = calls_[fragment.index];
        if (call.closed) return;
        if (call.id.empty()) call.id = fragment.id;
        if (call.name.empty()) call.name = fragment.name;
        call.arguments += fragment.arguments;
        if (call.name.empty()) return;  // an odd engine: the name is yet to come
        if (kind_ != Kind::kCall || open_call_ != fragment.index) {
            if (call.id.empty()) call.id = "call_" + random_alphanumeric(24);
            begin(now, out);
            close(out);
            open_call_ = fragment.index;
            open(Kind::kCall, now, out);
        }
        if (const std::string news = std::exchange(call.arguments, {}); !news.empty())
            add("response.function_call_arguments.delta", news, out);
    }

    void close(std::string& out) {
        if (kind_ == Kind::kNone) return;
        if (kind_ == Kind::kCall) {
            calls_[open_call_].closed = true;
            // What is no JSON (cut by length) is passed on as the model wrote it.
            if (const auto whole = normalize_arguments(text_)) text_ = *whole;
            done("response.function_call_arguments.done", "arguments", out);
        } else if (kind_ == Kind::kMessage) {
            done("response.output_text.done", "text", out);
            part("response.content_part.done", out);
        } else {
            done("response.reasoning_summary_text.done", "text", out);
            part("response.reasoning_summary_part.done", out);
        }
        std::string item;
        Writer writer(item);
        write_item(writer, "completed");
        event(out, "response.output_item.done", [&](Writer& event_writer) {
            event_writer.member("output_index", items_.size()).member_raw("item", item);
        });
        items_.push_back(std::move(item));
        kind_ = Kind::kNone;
    }

    void done(std::string_view name, std::string_view member, std::string& out) {
        event(out, name, [&](Writer& writer) {
            place(writer);
            writer.member(member, text_);
            if (kind_ == Kind::kMessage) writer.key("logprobs").begin_array().end_array();
        });
    }

    /// As vLLM does: an answer that the limit cut is incomplete, and its event is `completed` all
    /// the same, which every SDK waits for.
    void end(std::int64_t now, std::string& out) {
        begin(now, out);
        close(out);
        const bool cut = finished_ && finished_->reason == FinishReason::kLength;
        const std::string_view status = cut ? "incomplete" : "completed";
        event(out, "response.completed",
              [&](Writer& writer) { write_response(writer.key("response"), status, now); });
        if (streaming()) return;
        Writer writer(out);
        write_response(writer, status, now);
    }

    void write_response(Writer& writer, std::string_view status, std::int64_t completed) const {
        const bool done = status != "in_progress";
        writer.begin_object()
            .member("id", id_)
            .member("object", "response")
            .member("created_at", created_);
        if (done)
            writer.member("completed_at", completed);
        else
            writer.member_null("completed_at");
        writer.member("status", status).member("model", model_).member_null("error");
        if (status == "incomplete")
            writer.member_raw("incomplete_details", R"({"reason":"max_output_tokens"})");
        else
            writer.member_null("incomplete_details");
        writer.member_raw("output", fmt::format("[{}]", fmt::join(items_, ",")));
        for (const auto& [name, value] : echo_)
            writer.member_raw(name, value);
        if (done && !sources_.empty()) writer.member_raw("sources", sources_);
        writer.member("store", false).member("background", false);
        if (done)
            write_usage(writer.key("usage"));
        else
            writer.member_null("usage");
        writer.end_object();
    }

    void write_usage(Writer& writer) const {
        const std::int64_t input = usage_.prompt_tokens.value_or(0);
        const std::int64_t output = usage_.completion_tokens.value_or(0);
        writer.begin_object().member("input_tokens", input);
        writer.key("input_tokens_details").begin_object();
        writer.member("cached_tokens", usage_.cached_tokens.value_or(0)).end_object();
        writer.member("output_tokens", output).key("output_tokens_details").begin_object();
        writer.member("reasoning_tokens", usage_.reasoning_tokens.value_or(0)).end_object();
        writer.member("total_tokens", input + output).end_object();
    }

    Delivery delivery_;
    std::string model_;
    ResponsesEcho echo_;
    std::string id_ = "resp_" + random_alphanumeric(24);
    std::int64_t created_ = -1;
    std::int64_t sequence_ = 0;
    Kind kind_ = Kind::kNone;
    std::string item_id_;  // of the open item
    std::string text_;     // its text, summary or arguments so far
    std::map<std::uint32_t, Call> calls_;
    std::uint32_t open_call_ = 0;
    std::vector<std::string> items_;  // the finished ones
    std::optional<Finished> finished_;
    Usage usage_;
    std::string sources_;
    std::string line_;  // reused
};

}  // namespace

std::unique_ptr<ResponseEncoder> make_responses_encoder(Delivery delivery, std::string model,
                                                        ResponsesEcho echo) {
    return std::make_unique<ResponsesEncoder>(delivery, std::move(model), std::move(echo));
}

}  // namespace segue::llm::openai
