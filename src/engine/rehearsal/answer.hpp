/// Makes the whole answer to a prompt, as the pieces a model would have produced one after the
/// other. Pure: the same prompt gives the same answer, so tests can compare. There is no language
/// model here, and every answer can be traced: to a passage of the prompt, to the request's own
/// schema or tools, to the script, or to the one sentence that says what this is.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "engine/rehearsal/prompt.hpp"

namespace segue::engine::rehearsal {

inline constexpr std::string_view kWhatThisIs =
    "I am Segue's rehearsal engine, a stand-in without a language model.";

enum class Skill : std::uint8_t {
    kPassages,  // word for word from the passages of the prompt
    kTiny,      // the script of the recordings first, then as above
};
/// Which template counts the prompt's tokens.
enum class TemplateKind : std::uint8_t { kOllama, kVllm };

struct Piece {
    enum class Kind : std::uint8_t {
        kThinkOpen,      // <think>
        kReasoning,      //
        kThinkClose,     // </think>
        kText,           //
        kCallMarkup,     // the model's own marks around a tool call; never shown
        kCallName,       // the name is known now
        kCallArguments,  // a fragment of the arguments' JSON
        kCallClose,      // the call is complete
        kEnd,            // the end token: counted, without text
    };
    Kind kind = Kind::kText;
    std::string text;      // what a client sees of it
    std::string raw = {};  // as the model wrote it, when that differs
    std::uint32_t call = 0;
    double logprob = 0;
    const std::string& written() const { return raw.empty() ? text : raw; }
};

struct Answer {
    enum class Finish : std::uint8_t { kStop, kLength };
    std::vector<Piece> pieces;
    std::vector<CalledTool> calls;
    Finish finish = Finish::kStop;
    std::optional<std::string> stop_string;  // the one that matched
    std::int64_t prompt_tokens = 0;
    std::int64_t completion_tokens = 0;
    std::int64_t reasoning_tokens = 0;
    std::int64_t prompt_characters = 0;

    std::string text() const;
    std::string reasoning() const;
    /// True when the calls were all finished before the answer was cut.
    bool calls_complete() const;
};

Answer make_answer(const Prompt& prompt, Skill skill, TemplateKind counted_as);

}  // namespace segue::engine::rehearsal
