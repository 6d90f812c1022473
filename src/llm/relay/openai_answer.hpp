/// Reads a chunk or a whole answer of an OpenAI engine in passing, and says what in its text has to
/// change (wire 3.11). One object for one attempt: it remembers each choice.
#pragma once

#include <cstdint>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "base/json.hpp"
#include "llm/bridge.hpp"
#include "llm/relay/openai_request.hpp"
#include "llm/relay/stop_cut.hpp"

namespace segue::llm {

class ChoiceEdit;

class OpenAiAnswer {
public:
    enum class Shape : std::uint8_t { kChunk, kWhole };
    enum class Reasoning : std::uint8_t { kNewName, kBothNames };
    enum class Verdict : std::uint8_t {
        kAsItIs,   // pass the bytes
        kChanged,  // pass `text` instead
        kSwallow,  // pass nothing
    };
    struct Read {
        Verdict verdict = Verdict::kAsItIs;
        std::string text;
    };

    OpenAiAnswer(OpenAiRelayKind kind, std::string_view client_model, Reasoning reasoning,
                 PreparedOpenAiRequest prepared, std::shared_ptr<EngineTraits> traits);

    /// `root` is the object of the chunk or the answer.
    Read read(json::Value root, Shape shape, Moment now, Observation& seen);

    /// Nothing is asked of a chunk's text but to pass on: no stop strings of Segue's own.
    bool passes_text() const { return prepared_.stops.empty(); }
    /// A chunk with text for a choice that was seen before, and nothing else.
    void saw_text(Moment now, Observation& seen) const;

    /// Every choice that began has its finish_reason, and there is one (responses: the closing
    /// event came).
    bool finished() const;
    /// Every choice was ended by a stop string that only Segue knows, and nothing else is wanted of
    /// the engine.
    bool stopped() const;

private:
    struct Choice {
        bool calls = false;
        bool finished = false;
        std::optional<StopCut> cut;
    };
    struct Span {
        std::size_t begin;
        std::size_t size;
        std::string text;
    };

    void replace_model(json::Value root, json::Value holder, std::vector<Span>& spans) const;
    void observe_usage(json::Value root, Observation& seen) const;
    void observe_response(json::Value root, Moment now, Observation& seen);
    /// The choices' text, when it has to change; "[]" when every choice in it was dropped.
    std::optional<std::string> read_choices(json::Value choices, Shape shape, Moment now,
                                            Observation& seen);
    /// False when the choice is to be left out.
    bool cut_text(json::Value choice, json::Value payload, Choice& state, ChoiceEdit& edit) const;

    OpenAiRelayKind kind_;
    std::string model_;  // quoted
    Reasoning reasoning_;
    PreparedOpenAiRequest prepared_;
    std::shared_ptr<EngineTraits> traits_;
    std::map<std::int64_t, Choice> choices_;
    bool closing_event_ = false;
};

}  // namespace segue::llm
