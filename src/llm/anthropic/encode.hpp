/// Canonical events -> what Anthropic's clients read: a message, its stream of blocks, a count
/// (wire 3.13, 4.3).
#pragma once

#include <memory>
#include <string>

#include "llm/session.hpp"

namespace segue::llm {

/// `model` as the client wrote it. A keep-alive may begin the answer: the message's start, then a
/// ping.
std::unique_ptr<ResponseEncoder> make_anthropic_stream_encoder(std::string model);
std::unique_ptr<ResponseEncoder> make_anthropic_encoder(std::string model);
/// `{"input_tokens":n}` of Usage.prompt_tokens.
std::unique_ptr<ResponseEncoder> make_anthropic_count_encoder();

}  // namespace segue::llm
