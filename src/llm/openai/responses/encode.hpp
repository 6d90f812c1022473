/// Canonical events -> a Responses object, or the sequence of events that builds it (wire 1.13).
#pragma once

#include <cstdint>
#include <memory>
#include <string>

#include "llm/openai/responses/decode.hpp"
#include "llm/session.hpp"

namespace segue::llm::openai {

enum class Delivery : std::uint8_t { kWhole, kStream };

std::unique_ptr<ResponseEncoder> make_responses_encoder(Delivery delivery, std::string model,
                                                        ResponsesEcho echo);

}  // namespace segue::llm::openai
