/// The engine's answer -> canonical events: SSE of chat/completions and completions, or one JSON
/// object (asked for, or sent by an engine that does not stream) (wire 2.3, 2.4, 3.6, 5.1).
/// Sans-IO; one decoder reads one answer.
#pragma once

#include <cstddef>
#include <cstdint>
#include <map>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "base/json.hpp"
#include "llm/events.hpp"
#include "llm/framing/sse.hpp"
#include "llm/openai/engine/errors.hpp"
#include "llm/openai/plain_chunk.hpp"
#include "llm/target.hpp"

namespace segue::llm::openai_engine {

struct DecoderOptions {
    Target target;
    std::string client_model;
    /// Where in the history the answer will stand: part of the ids made for calls without one.
    std::size_t message_position = 0;
    std::size_t max_event_bytes = 16 * 1024 * 1024;
    /// Completions: the chosen token is among the alternatives there; 0 = none were asked for.
    std::int64_t top_logprobs = 0;
    bool want_token_ids = false;
};

class StreamDecoder {
public:
    explicit StreamDecoder(DecoderOptions options);

    void feed(std::string_view bytes, Events& events);
    /// The body ended: Ended if the answer was whole, Failed if not, nothing if that was said
    /// already.
    void end(Events& events);
    bool over() const { return over_; }

private:
    struct Call {
        std::optional<std::int64_t> engine_index;
        std::string id;
        std::string name;
        std::string arguments;
    };
    struct Choice {
        std::vector<Call> calls;
        bool finished = false;
    };

    void read_sse(std::string_view bytes, Events& events);
    void read_event(const SseEvent& event, Events& events);
    void read_object(std::string_view text, Events& events);
    void read_chunk(json::Value root, Events& events);
    void read_choice(json::Value choice, Events& events);
    void read_logprobs(json::Value logprobs, std::uint32_t index, Events& events) const;
    void read_call(json::Value call, std::optional<std::int64_t> position, std::uint32_t index,
                   Events& events);
    std::size_t place_of_call(Choice& choice, std::optional<std::int64_t> engine_index,
                              std::string_view id, std::string_view name);
    void read_usage(json::Value root, Events& events);
    void read_token_ids(json::Value holder, Events& events) const;
    void finish(std::string_view reason, json::Value stop_reason, std::uint32_t index,
                Events& events);
    void complete(Events& events);
    void break_off(std::string_view why, Events& events);
    void fail(Failure failure, Events& events);

    DecoderOptions options_;
    SseSplitter splitter_;
    json::Parser parser_;
    PlainChunk plain_;
    std::uint32_t plain_choice_ = 0;
    int learned_ = 0;
    std::map<std::uint32_t, Choice> choices_;
    enum class Shape : std::uint8_t { kUnknown, kSse, kObject } shape_ = Shape::kUnknown;
    std::string object_;  // the bytes of a whole JSON answer so far
    bool started_ = false;
    bool over_ = false;
};

}  // namespace segue::llm::openai_engine
