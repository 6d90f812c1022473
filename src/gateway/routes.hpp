/// Which path is which endpoint of which front (wire 1.2, 2.1, 3.9). One table.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>

#include "llm/chat.hpp"

namespace segue::gateway {

enum class Endpoint : std::uint8_t {
    // Ollama
    kRoot,
    kVersion,
    kStatus,
    kTags,
    kPs,
    kShow,
    kGenerate,
    kChat,
    kEmbed,
    kEmbeddings,
    kPull,
    kPush,
    kCreate,
    kCopy,
    kDelete,
    kBlob,
    kMe,
    kSignout,
    kUserKey,
    kWebSearch,
    kWebFetch,
    kRecommendations,
    // OpenAI, and what vLLM has besides
    kOpenAiChat,
    kOpenAiCompletions,
    kOpenAiEmbeddings,
    kOpenAiModels,
    kOpenAiModel,
    kOpenAiResponses,
    kPassThrough,
    // Anthropic
    kMessages,
    kCountTokens,
    // Segue's own: /segue/v1/*, /metrics, /livez, /readyz, the web page (/ui/)
    kOwn,
};

struct Route {
    enum class Match : std::uint8_t {
        kFound,
        kNoSuchPath,
        kWrongMethod,
        kRedirect
    } match = Match::kNoSuchPath;
    Endpoint endpoint = Endpoint::kRoot;
    llm::Dialect front = llm::Dialect::kOllama;
    std::string_view name;   // "chat", for logs and metrics
    std::string_view path;   // "/api/chat", "/v1/models/*"; "" = no route of ours
    std::string_view allow;  // kWrongMethod: value of the Allow header
    std::string_view
        rest;  // what followed a prefix route: the digest, the model id (still percent-encoded)
};

/// `path` without query. HEAD counts as GET where GET is allowed.
Route find_route(std::string_view method, std::string_view path);

std::string_view front_name(const Route& route);

}  // namespace segue::gateway
