/// What a relay changes in an OpenAI request before it goes to an OpenAI engine (wire 3.11): the
/// model's name, and the repairs for clients that lived on Ollama's shim. Everything else stays
/// byte for byte.
#pragma once

#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "base/json.hpp"
#include "llm/declarations.hpp"
#include "llm/failure.hpp"
#include "llm/target.hpp"

namespace segue::llm {

enum class OpenAiRelayKind : std::uint8_t {
    kChat,
    kCompletions,
    kEmbeddings,
    kResponses,
    kPassThrough
};

/// A body that was read already. Its Values stay valid when it moves.
struct ParsedBody {
    json::Parser parser;
    json::Value root;
};

struct OpenAiRelayRequest {
    std::string method = "POST";
    std::string path;  // "/v1/chat/completions"
    /// As the client sent it. Shared by the attempts: a prompt may be long, and a stream lasts.
    std::shared_ptr<const std::string> body;
    std::string client_model;  // what answers are to say
    bool stream = false;
    OpenAiRelayKind kind = OpenAiRelayKind::kChat;
    std::string content_type = "application/json";    // kPassThrough may carry another
    std::optional<ParsedBody> parsed = std::nullopt;  // of the body; read anew where it is missing
};

struct PreparedOpenAiRequest {
    std::string body;
    bool usage_wanted = true;        // the client asked for the usage chunk
    std::int64_t choices = 1;        // n
    bool named_tool = false;         // tool_choice names a function
    std::vector<std::string> stops;  // stop strings beyond the engine's four: Segue matches them
};

/// Uses up request.parsed.
Outcome<PreparedOpenAiRequest> prepare_openai_request(OpenAiRelayRequest& request,
                                                      const Target& target,
                                                      Declarations& declarations);

/// The top-level members of the request that the engine's 400 calls unknown ("Extra inputs are not
/// permitted").
std::vector<std::string> fields_called_unknown(std::string_view request_body,
                                               std::string_view engine_message);

}  // namespace segue::llm
