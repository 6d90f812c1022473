/// Makes a chat that is too long fit, as Ollama does and vLLM does not (wire 3.7): the oldest
/// messages go, then the middle of the longest text. Sans-IO: says which messages to count next, is
/// told the count.
#pragma once

#include <cstddef>
#include <cstdint>
#include <string>
#include <vector>

#include "llm/chat.hpp"
#include "llm/declarations.hpp"

namespace segue::llm::openai_engine {

enum class TextCut : std::uint8_t { kAllowed, kForbidden };

class Shortener {
public:
    Shortener(std::vector<Message> messages, std::int64_t limit, TextCut text_cut);

    enum class State : std::uint8_t {
        kCount,  // candidate() is to be counted; tell counted()
        kFits,   // candidate() fits
        kHopeless,
    };
    State state() const { return state_; }
    const std::vector<Message>& candidate() const { return candidate_; }
    void counted(std::int64_t tokens);
    /// "messages(-7)", "text(-512 tokens)".
    void declare(Declarations& declared) const;
    std::int64_t last_count() const { return last_count_; }

private:
    void try_dropping(std::size_t groups);
    void cut_text(std::int64_t tokens);

    /// A message and what belongs to it: a call and its results.
    struct Group {
        std::size_t first = 0;
        std::size_t size = 0;
    };

    std::vector<Message> messages_;
    std::int64_t limit_;
    TextCut text_cut_;
    std::vector<Group> droppable_;
    std::vector<Message> candidate_;
    State state_ = State::kCount;

    // Binary search over the number of groups that go.
    enum class Phase : std::uint8_t { kAllDropped, kSearching, kCutting } phase_;
    std::size_t low_ = 0;   // this many are too few
    std::size_t high_ = 0;  // this many are enough
    std::size_t tried_ = 0;
    std::size_t dropped_messages_ = 0;

    std::string original_text_;  // of the part that is cut
    std::size_t cut_message_ = 0;
    std::size_t cut_part_ = 0;
    std::size_t kept_bytes_ = 0;
    std::int64_t count_before_cut_ = 0;
    std::int64_t last_count_ = 0;
    std::int64_t cut_tokens_ = 0;
    int cuts_ = 0;
};

/// About as many tokens as the messages have, for engines without /tokenize.
std::int64_t estimate_tokens(const std::vector<Message>& messages);
/// Characters / 4, at least 1 (wire 3.13).
std::int64_t quarter_of_characters(const ChatRequest& request);

}  // namespace segue::llm::openai_engine
