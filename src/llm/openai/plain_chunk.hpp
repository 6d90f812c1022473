/// Recognises the chunk that streams are made of: one choice whose delta holds one piece of text
/// and nothing else.
///
/// Why: an engine writes hundreds of chunks that differ in that text alone. A chunk that was read
/// in full once is remembered as what stands before and after its text; a later chunk with the same
/// bytes there means the same, and need not be parsed again. Anything else is read in full.
///
/// Sans-IO. One object for one stream.
#pragma once

#include <optional>
#include <string>
#include <string_view>

#include "base/json.hpp"

namespace segue::llm {

class PlainChunk {
public:
    /// `data` is the JSON text of a chunk and `root` what it was parsed to. True when it is plain:
    /// it is now the one to compare with.
    bool learn(std::string_view data, json::Value root);
    /// The text of the delta as it stands between the quotes (valid UTF-8, no escapes, not empty)
    /// when `data` is the learned chunk with another text; else nothing.
    std::optional<std::string_view> text_of(std::string_view data) const;
    /// What stands before and after the text in the learned chunk, quotes included.
    std::string_view before() const { return before_; }
    std::string_view after() const { return after_; }
    bool learned() const { return !before_.empty(); }
    void forget() { before_.clear(); }

private:
    std::string before_;
    std::string after_;
};

}  // namespace segue::llm
