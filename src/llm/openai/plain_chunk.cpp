#include "llm/openai/plain_chunk.hpp"

#include <algorithm>

#include "base/text.hpp"

namespace segue::llm {

bool PlainChunk::learn(std::string_view data, json::Value root) {
    const json::Value choices = root["choices"];
    if (!choices.is_array() || choices.size() != 1 || root["usage"].is_object()) return false;
    const json::Value choice = choices.at(0);
    const json::Value delta = choice["delta"];
    const json::Value content = delta["content"];
    if (delta.size() != 1 || !content.is_string() || content.string().empty()) return false;
    // Members that would have to be read each time.
    if (!choice["finish_reason"].absent() || !choice["logprobs"].absent() ||
        !choice["token_ids"].absent() || !root["metrics"].absent() ||
        !root["prompt_token_ids"].absent())
        return false;
    // The parser keeps a copy of the text: the same place in `data`, unless broken UTF-8 was
    // replaced before it, which makes the copy longer.
    const auto begin = data.find_first_not_of(" \t\r\n");
    const auto place = static_cast<std::size_t>(content.raw().data() - root.raw().data());
    if (!data.substr(begin).starts_with(root.raw().substr(0, place + content.raw().size())))
        return false;
    const auto at = begin + place;
    before_ = data.substr(0, at + 1);
    after_ = data.substr(at + content.raw().size() - 1);
    return true;
}

std::optional<std::string_view> PlainChunk::text_of(std::string_view data) const {
    if (before_.empty() || data.size() <= before_.size() + after_.size() ||
        !data.starts_with(before_) || !data.ends_with(after_))
        return std::nullopt;
    const std::string_view text =
        data.substr(before_.size(), data.size() - before_.size() - after_.size());
    unsigned char bits = 0;
    for (const char c : text) {
        const auto byte = static_cast<unsigned char>(c);
        if (byte == '"' || byte == '\\' || byte < 0x20) return std::nullopt;
        bits |= byte;
    }
    if (bits >= 0x80 && !is_valid_utf8(text)) return std::nullopt;
    return text;
}

}  // namespace segue::llm
