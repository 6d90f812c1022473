#include "llm/affinity.hpp"

#include "base/hash.hpp"

namespace segue::llm {
namespace {

// Enough to tell conversations apart; a document of a megabyte must cost no more than a question.
constexpr std::size_t kRead = 4096;
constexpr std::size_t kReadOfPrompt = 512;

void add_turns(json::Value turns, AffinityKey& key) {
    for (const auto turn : turns) {
        key.add(turn.raw());
        if (turn["role"].string() == "user") return;
    }
}

}  // namespace

AffinityKey& AffinityKey::add(std::string_view text) {
    value_ = hash64(text.substr(0, kRead), value_ ^ (text.size() + 1));
    if (value_ == 0) value_ = 1;
    return *this;
}

AffinityKey& AffinityKey::add_prompt(std::string_view prompt) {
    return add(prompt.substr(0, kReadOfPrompt));
}

std::uint64_t affinity_of(const std::vector<Message>& messages) {
    AffinityKey key;
    for (const auto& message : messages) {
        key.add(message.role);
        for (const auto& part : message.parts) {
            if (const auto* text = std::get_if<TextPart>(&part)) {
                key.add(text->text);
            } else if (const auto* image = std::get_if<ImagePart>(&part)) {
                key.add(image->base64.empty() ? image->url : image->base64);
            }
        }
        if (message.role == "user") break;
    }
    return key.value();
}

std::uint64_t affinity_of_request(json::Value request) {
    AffinityKey key;
    if (const auto given = request["prompt_cache_key"].string(); !given.empty())
        return key.add(given).value();
    if (const auto instructions = request["instructions"].string(); !instructions.empty())
        key.add(instructions);
    if (const auto messages = request["messages"]; messages.is_array()) {
        add_turns(messages, key);
    } else if (const auto input = request["input"]; input.is_array()) {
        add_turns(input, key);
    } else if (input.is_string()) {
        key.add(input.raw());
    } else if (const auto prompt = request["prompt"]; prompt.is_string() || prompt.is_array()) {
        key.add_prompt(prompt.raw());
    }
    return key.value();
}

}  // namespace segue::llm
