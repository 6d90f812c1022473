/// Ollama's NDJSON answers (chat and generate) -> canonical events (wire 1.5, 1.6, 5.3). Sans-IO;
/// one decoder for one call.
#pragma once

#include <cstdint>
#include <set>
#include <string>
#include <string_view>
#include <vector>

#include "base/json.hpp"
#include "llm/events.hpp"
#include "llm/framing/ndjson.hpp"
#include "llm/target.hpp"

namespace segue::llm::ollama {

struct DecoderOptions {
    Target target;
    std::string client_model;  // for error texts
    std::uint32_t choice = 0;  // of all events
    std::size_t message_position =
        0;  // of the answer in the conversation: ids made for tool calls depend on it
    std::size_t max_line_bytes = 16 * 1024 * 1024;
};

/// Gives Started with the first good line; ends with Usage, Finished, Ended, or with Failed. After
/// that everything is ignored: an old Ollama sends `done` even after an error line, and the line is
/// to be believed.
class StreamDecoder {
public:
    explicit StreamDecoder(DecoderOptions options);

    void feed(std::string_view bytes, Events& events);
    /// The body ended.
    void end(Events& events);
    bool over() const { return over_; }
    /// A line with text came, and none so far had logprobs. (Before 0.12.11 Ollama ignores that it
    /// is asked for them.)
    bool text_without_logprobs() const { return text_seen_ && !logprobs_seen_; }

private:
    void line(std::string_view line, Events& events);
    void tool_calls(json::Value calls, Events& events);
    void logprobs(json::Value tokens, Events& events);
    void done(json::Value root, Events& events);
    void fail(Failure failure, Events& events);
    void fail_broken(std::string_view why, Events& events);

    DecoderOptions options_;
    LineSplitter lines_;
    json::Parser parser_;
    std::uint32_t calls_ = 0;
    bool started_ = false;
    bool text_seen_ = false;
    bool logprobs_seen_ = false;
    bool over_ = false;
};

}  // namespace segue::llm::ollama
