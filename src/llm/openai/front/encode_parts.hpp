/// The pieces that all of the OpenAI encoders write the same way.
#pragma once

#include <cstdint>
#include <map>
#include <string>
#include <string_view>
#include <vector>

#include "base/json.hpp"
#include "llm/events.hpp"
#include "llm/session.hpp"

namespace segue::llm::openai {

/// id, object, created and model of one answer: equal in every chunk.
class AnswerHead {
public:
    AnswerHead(std::string_view id_prefix, std::string_view object, std::string model);
    /// Into an open object. `now` counts at the first use only.
    void write(json::Writer& writer, const Timings& timings);

private:
    std::string id_;
    std::string_view object_;  // a literal
    std::string model_;
    std::int64_t created_ = -1;
};

/// The value of `usage`: absent counts are 0, details only when known.
void write_usage(json::Writer& writer, const Usage& usage);

/// Chat's `{"content":[…]}`.
void write_chat_logprobs(json::Writer& writer, const std::vector<TokenLogprob>& tokens);
/// The old form of completions. `offset` is where the first token begins in the text, in code
/// points, and moves on.
void write_completion_logprobs(json::Writer& writer, const std::vector<TokenLogprob>& tokens,
                               std::size_t& offset);

std::string_view finish_reason_name(FinishReason reason, bool calls_seen);

/// Appends `data: JSON` and the blank line.
void append_sse(std::string& out, std::string_view json);
/// The end of a stream: a chunk with the counts, where they were asked for (else null), and [DONE].
void append_sse_end(AnswerHead& head, const Usage* usage, const Timings& timings, std::string& out);
inline constexpr std::string_view kSseKeepAlive = ": keep-alive\n\n";
inline constexpr std::string_view kSseType = "text/event-stream; charset=utf-8";

std::size_t code_points(std::string_view utf8);

}  // namespace segue::llm::openai
