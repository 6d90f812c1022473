/// The pieces that the Anthropic encoders write the same way.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

#include "base/json.hpp"
#include "llm/events.hpp"

namespace segue::llm::anthropic {

/// "msg_" + 24.
std::string made_message_id();
/// For a call that the engine gave no id.
std::string made_tool_use_id();
/// Clients keep it and send it back; it must be a string that is not empty.
std::string made_signature();

/// The value of `usage`.
void write_usage(json::Writer& writer, const Usage& usage);

/// Why the answer ended: nothing is known of an answer that was not finished.
struct Stop {
    std::string_view reason = "end_turn";
    std::string sequence;  // "" = null
};
Stop stop_of(const std::optional<Finished>& finished, bool calls_seen);
/// stop_reason and stop_sequence, into an open object.
void write_stop(json::Writer& writer, const Stop& stop);

/// Anthropic's API refuses text blocks without a letter, so clients could not send them back.
bool only_space(std::string_view text);

}  // namespace segue::llm::anthropic
