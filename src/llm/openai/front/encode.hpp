/// Canonical events -> what OpenAI's clients read: chat.completion, text_completion, embeddings
/// lists, and their streams (wire 3.12, 4.3). Used wherever an OpenAI client is answered by
/// something that does not speak its dialect.
#pragma once

#include <memory>
#include <string>
#include <vector>

#include "llm/session.hpp"

namespace segue::llm {

struct OpenAiAnswerOptions {
    std::string model;                   // as the client wrote it
    bool include_usage = false;          // streams only: the chunk with `choices: []`
    bool both_reasoning_fields = false;  // reasoning_content beside reasoning
    bool logprobs = false;  // asked for: a stream says `logprobs: null` where there are none
    /// text_completion: written before the answer of choice i (`echo`): echo[i / copies]. Empty =
    /// no echo.
    std::vector<std::string> echo;
    std::size_t copies = 1;  // `n`: choices of one prompt
};

/// Each choice begins with role and "", a tool call's fragments pass as they come, then the finish
/// chunk with an empty delta, the usage chunk if asked for, [DONE]. Keep-alives are SSE comments
/// and may come first.
std::unique_ptr<ResponseEncoder> make_openai_chat_stream_encoder(OpenAiAnswerOptions options);
std::unique_ptr<ResponseEncoder> make_openai_chat_encoder(OpenAiAnswerOptions options);

/// Reasoning and tool calls have no place in a text completion and are left out.
std::unique_ptr<ResponseEncoder> make_openai_completion_stream_encoder(OpenAiAnswerOptions options);
std::unique_ptr<ResponseEncoder> make_openai_completion_encoder(OpenAiAnswerOptions options);

enum class EmbeddingFormat : std::uint8_t { kFloat, kBase64 };
/// Base64 is of little-endian 32-bit floats, as the SDKs read it.
std::unique_ptr<ResponseEncoder> make_openai_embeddings_encoder(OpenAiAnswerOptions options,
                                                                EmbeddingFormat format);

}  // namespace segue::llm
