#include "engine/rehearsal/vllm_writer.hpp"

#include <fmt/format.h>

namespace segue::engine::rehearsal {

VllmWriter::VllmWriter(EngineState& state, VllmCall call, std::vector<Answer> answers,
                       std::string_view id_prefix)
    : AnswerWriter(std::move(answers)),
      state_(state),
      call_(std::move(call)),
      id_(fmt::format("{}-{}", id_prefix,
                      call_.request_id.empty() ? state.hex(16) : call_.request_id)),
      created_(unix_seconds(state.clock.wall())) {
}

std::string_view VllmWriter::content_type() const {
    return call_.stream ? "text/event-stream; charset=utf-8" : "application/json";
}

std::string VllmWriter::refusal(int status, std::string_view message) const {
    return vllm_error({status, std::string(vllm_error_type(status)), std::string(message), ""});
}

std::string_view VllmWriter::busy_message() const {
    return "The server is overloaded: too many requests are queued. Please retry later.";
}

std::string_view VllmWriter::template_message() const {
    return "Conversation roles must alternate user/assistant/user/assistant/...";
}

std::string VllmWriter::stream_error(std::string_view message) const {
    return "data: " + vllm_error({500, "InternalServerError", std::string(message), ""}) +
           "\n\ndata: [DONE]\n\n";
}

void VllmWriter::head(json::Writer& w, std::string_view object) const {
    w.member("id", id_).member("object", object).member("created", created_);
    w.member("model", state_.served_name());
}

std::int64_t VllmWriter::prompt_tokens() const {
    // The n choices of one prompt count it once; several prompts are summed.
    std::int64_t out = 0;
    const std::size_t step = static_cast<std::size_t>(std::max<std::int64_t>(call_.n, 1));
    for (std::size_t i = 0; i < answers().size(); i += step)
        out += answers()[i].prompt_tokens;
    return out;
}

void VllmWriter::write_usage(std::int64_t completion, std::int64_t reasoning,
                             json::Writer& w) const {
    const std::int64_t prompt = prompt_tokens();
    w.key("usage").begin_object().member("prompt_tokens", prompt);
    w.member("total_tokens", prompt + completion).member("completion_tokens", completion);
    if (!call_.stream) w.member_null("prompt_tokens_details");
    if (tells_reasoning()) {
        w.key("completion_tokens_details").begin_object();
        w.member("reasoning_tokens", reasoning).end_object();
    } else if (!call_.stream) {
        w.member_null("completion_tokens_details");
    }
    w.end_object();
}

void VllmWriter::usage(json::Writer& w) const {
    std::int64_t completion = 0;
    std::int64_t reasoning = 0;
    for (const Answer& answer : answers()) {
        completion += answer.completion_tokens;
        const bool trapped = call_.all_is_reasoning && answer.calls.empty() && !call_.stream;
        const bool has_end =
            !answer.pieces.empty() && answer.pieces.back().kind == Piece::Kind::kEnd;
        reasoning +=
            trapped ? answer.completion_tokens - (has_end ? 1 : 0) : answer.reasoning_tokens;
    }
    write_usage(completion, reasoning, w);
}

void VllmWriter::count(const Piece& piece) {
    ++counted_;
    if (piece.kind == Piece::Kind::kReasoning) ++counted_reasoning_;
}

void VllmWriter::event(std::string& out, std::string_view object, const std::string& choice,
                       bool is_last) {
    out += "data: " + json::object([&](json::Writer& w) {
               head(w, object);
               w.key("choices").begin_array().raw(choice).end_array();
               if (call_.continuous_usage) write_usage(counted_, counted_reasoning_, w);
               if (is_last && !call_.include_usage)
                   w.member("system_fingerprint", kVllmFingerprint);
           }) +
           "\n\n";
}

std::string_view VllmWriter::finish_of(const Answer& answer) const {
    if (answer.finish == Answer::Finish::kLength) return "length";
    if (!answer.calls.empty() && answer.calls_complete() && !call_.named_call) return "tool_calls";
    return "stop";
}

void VllmWriter::write_finish(const Answer& answer, std::string_view reason,
                              json::Writer& w) const {
    w.member("finish_reason", reason);
    if (answer.stop_string) {
        w.member("stop_reason", *answer.stop_string);
    } else {
        w.member_null("stop_reason");
    }
}

void VllmWriter::end(const Measured&, std::string& out) {
    if (call_.include_usage) {
        out += "data: " + json::object([&](json::Writer& w) {
                   head(w, chunk_object());
                   w.key("choices").begin_array().end_array();
                   usage(w);
                   w.member("system_fingerprint", kVllmFingerprint);
               }) +
               "\n\n";
    }
    out += "data: [DONE]\n\n";
}

}  // namespace segue::engine::rehearsal
