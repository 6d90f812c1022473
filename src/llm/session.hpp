/// The two halves of a translating bridge, and the bridge made of them.
#pragma once

#include <cstdint>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "llm/bridge.hpp"
#include "llm/events.hpp"

namespace segue::llm {

/// The engine's half: a canonical request on one target -> calls; the engine's bytes -> canonical
/// events.
class EngineSession {
public:
    virtual ~EngineSession() = default;
    /// No call: what on_end() says then is the whole answer, made without an engine.
    virtual Outcome<std::vector<EngineCall>> start() = 0;
    /// See Bridge::on_answer; what can be told from a whole answer is appended to `events`.
    virtual Outcome<std::vector<EngineCall>> on_answer(std::uint32_t call, EngineAnswer answer,
                                                       Events& events) = 0;
    virtual void on_bytes(std::uint32_t call, std::string_view bytes, Events& events) = 0;
    /// The engine's body ended: Ended if the answer was whole, Failed if not, nothing if that was
    /// said already.
    virtual void on_end(std::uint32_t call, Events& events) = 0;
    virtual const Declarations& declarations() const = 0;
};

/// Changes events on their way: splits thinking from text, trims, matches stop strings.
class EventFilter {
public:
    virtual ~EventFilter() = default;
    /// Reads `in` in order, appends to `out`. Must let Ended and Failed through, after what it held
    /// back.
    virtual void apply(Events& in, Events& out) = 0;
    /// True once the rest of the engine's answer is not wanted any more.
    virtual bool satisfied() const { return false; }
};

/// The moments of a request as an encoder may need them (wire.md 3.5).
struct Timings {
    Moment now;
    Duration total{};        // request read -> now
    Duration load{};         // request read -> written to the engine, at least 1
    Duration prompt_eval{};  // written -> first event, at least 1
    Duration eval{};         // first event -> finish event, at least 1000
};

/// The client's half: canonical events -> the front's bytes, as a stream or as one object.
class ResponseEncoder {
public:
    virtual ~ResponseEncoder() = default;
    virtual bool streaming() const = 0;
    virtual std::string_view content_type() const = 0;
    /// Appends what `events` give. On Ended the answer is completed (timings are final then). A
    /// failure (tool arguments that are no JSON) ends the answer as broken. Never sees Failed.
    virtual std::optional<Failure> encode(const Events& events, const Timings& timings,
                                          std::string& out) = 0;
    /// The error inside a stream. Default: render_stream_failure of its dialect is used by the
    /// bridge.
    virtual void keep_alive(std::string& out) { (void)out; }
    /// May keep_alive() begin the answer, before the first event?
    virtual bool may_begin_with_keep_alive() const { return false; }
};

/// Session -> filters -> encoder. Takes ownership of all.
std::unique_ptr<Bridge> make_translating_bridge(Dialect front, BridgeContext context,
                                                std::unique_ptr<EngineSession> session,
                                                std::vector<std::unique_ptr<EventFilter>> filters,
                                                std::unique_ptr<ResponseEncoder> encoder,
                                                Declarations front_declarations);

/// Sums a stream of events into one answer; every non-streaming encoder uses it.
struct Answer {
    struct Choice {
        std::string text;
        std::string reasoning;
        std::vector<ToolCall> tool_calls;
        std::vector<TokenLogprob> logprobs;
        std::optional<Finished> finished;
    };
    std::vector<Choice> choices;
    Usage usage;
    TokenIds token_ids;
    std::string sources;  // of the first choice; a JSON array, "" = none
    bool ended = false;
    void add(const Event& event);
    /// Choice 0, or an empty one.
    const Choice& first() const;
};

/// Brings the arguments of a finished call into one form (wire.md 3.6): "" -> "{}"; a JSON string
/// that holds an object is decoded once; an object keeps its exact text, white space outside
/// strings removed. Anything else: nothing.
std::optional<std::string> normalize_arguments(std::string_view arguments);

/// The id of a tool call that came without one: stable for equal histories (wire.md 3.2): "call_" +
/// 24 hex, or 9 letters/digits for Mistral.
std::string made_tool_call_id(std::size_t message_position, std::string_view name,
                              std::string_view arguments, bool mistral);

}  // namespace segue::llm
