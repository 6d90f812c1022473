/// From native replies to OpenAI's: what a way into a reply ("message", "content") is called there.
/// Shared by all languages and clients; pure.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace segue::rewrite {

enum class Endpoint : std::uint8_t { kChat, kGenerate, kEmbed, kEmbeddings, kModels, kHealth };

/// "/api/chat", "chat" → what is called; nothing for calls without a counterpart.
std::optional<Endpoint> endpoint_of_path(std::string_view path);
std::optional<Endpoint> endpoint_of_method(std::string_view method);
/// Calls that look after Ollama's models: vLLM has its own when it starts.
bool is_management(std::string_view method);
/// "/v1/chat/completions"
std::string_view path_of(Endpoint endpoint);

/// How a language writes the way into a value.
enum class Writing : std::uint8_t {
    kPythonObject,  // r.choices[0].message.content
    kPythonDict,    // r["choices"][0]["message"]["content"]
    kScript,        // r.choices[0].message.content, with ?. in streams
};

struct Reading {
    Endpoint endpoint = Endpoint::kChat;
    bool stream = false;
    Writing writing = Writing::kPythonObject;
    char quote = '"';
    bool typed = false;      // a checker sees nullable fields (TypeScript with the SDK's types)
    bool annotated = false;  // TypeScript: a parameter without a type is an error there
};

/// Text to put before and behind the expression that holds the reply.
struct NewWay {
    std::string before;
    std::string after;
    bool loose = false;  // an operator at the top: needs parentheses where it stands tightly
};

/// `keys` is the way in the native reply; "[0]" is an index. Nothing: it has no counterpart.
std::optional<NewWay> new_way(const Reading& reading, const std::vector<std::string>& keys);

}  // namespace segue::rewrite
