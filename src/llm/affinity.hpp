/// The key of a conversation: the same for each of its turns, so that all of them can go to the
/// engine that holds its prefix. Made of what does not change as a conversation grows: everything
/// up to the first user message.
#pragma once

#include <cstdint>
#include <string_view>
#include <vector>

#include "base/json.hpp"
#include "llm/chat.hpp"

namespace segue::llm {

class AffinityKey {
public:
    /// Only the beginning of a long text is read, and its length.
    AffinityKey& add(std::string_view text);
    /// A prompt without turns grows at its end: even less of it is read.
    AffinityKey& add_prompt(std::string_view prompt);
    /// 0 = nothing was added: no conversation is known.
    std::uint64_t value() const { return value_; }

private:
    std::uint64_t value_ = 0;
};

/// Messages up to the first one of the user's.
std::uint64_t affinity_of(const std::vector<Message>& messages);
/// The same of a request as the client wrote it (OpenAI's chat, completions and responses): from
/// `prompt_cache_key` where it is given, else from `instructions` and `messages`, `input` or
/// `prompt`.
std::uint64_t affinity_of_request(json::Value request);

}  // namespace segue::llm
