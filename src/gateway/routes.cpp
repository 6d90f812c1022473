#include "gateway/routes.hpp"

#include <array>

namespace segue::gateway {
namespace {

using llm::Dialect;

struct Entry {
    std::string_view path;  // ends in '*': a prefix with something behind it
    std::string_view methods;
    Endpoint endpoint;
    Dialect front;
    std::string_view name;
};

constexpr Dialect kO = Dialect::kOllama;
constexpr Dialect kA = Dialect::kOpenAi;
constexpr Dialect kN = Dialect::kAnthropic;

constexpr std::array kEntries{
    Entry{"/", "GET, HEAD", Endpoint::kRoot, kO, "root"},
    Entry{"/api/version", "GET, HEAD", Endpoint::kVersion, kO, "version"},
    Entry{"/api/status", "GET", Endpoint::kStatus, kO, "status"},
    Entry{"/api/tags", "GET, HEAD", Endpoint::kTags, kO, "tags"},
    Entry{"/api/ps", "GET", Endpoint::kPs, kO, "ps"},
    Entry{"/api/show", "POST", Endpoint::kShow, kO, "show"},
    Entry{"/api/generate", "POST", Endpoint::kGenerate, kO, "generate"},
    Entry{"/api/chat", "POST", Endpoint::kChat, kO, "chat"},
    Entry{"/api/embed", "POST", Endpoint::kEmbed, kO, "embed"},
    Entry{"/api/embeddings", "POST", Endpoint::kEmbeddings, kO, "embeddings"},
    Entry{"/api/pull", "POST", Endpoint::kPull, kO, "pull"},
    Entry{"/api/push", "POST", Endpoint::kPush, kO, "push"},
    Entry{"/api/create", "POST", Endpoint::kCreate, kO, "create"},
    Entry{"/api/copy", "POST", Endpoint::kCopy, kO, "copy"},
    Entry{"/api/delete", "DELETE", Endpoint::kDelete, kO, "delete"},
    Entry{"/api/blobs/*", "HEAD, POST", Endpoint::kBlob, kO, "blobs"},
    Entry{"/api/me", "POST", Endpoint::kMe, kO, "me"},
    Entry{"/api/signout", "POST", Endpoint::kSignout, kO, "signout"},
    Entry{"/api/user/keys/*", "DELETE", Endpoint::kUserKey, kO, "user_keys"},
    Entry{"/api/experimental/web_search", "POST", Endpoint::kWebSearch, kO, "web_search"},
    Entry{"/api/experimental/web_fetch", "POST", Endpoint::kWebFetch, kO, "web_fetch"},
    Entry{"/api/experimental/model-recommendations", "GET", Endpoint::kRecommendations, kO,
          "recommendations"},
    Entry{"/v1/chat/completions", "POST", Endpoint::kOpenAiChat, kA, "chat"},
    Entry{"/v1/completions", "POST", Endpoint::kOpenAiCompletions, kA, "completions"},
    Entry{"/v1/embeddings", "POST", Endpoint::kOpenAiEmbeddings, kA, "embeddings"},
    Entry{"/v1/models", "GET, HEAD", Endpoint::kOpenAiModels, kA, "models"},
    Entry{"/v1/models/*", "GET, HEAD", Endpoint::kOpenAiModel, kA, "model"},
    Entry{"/v1/responses", "POST", Endpoint::kOpenAiResponses, kA, "responses"},
    Entry{"/tokenize", "POST", Endpoint::kPassThrough, kA, "tokenize"},
    Entry{"/detokenize", "POST", Endpoint::kPassThrough, kA, "detokenize"},
    Entry{"/rerank", "POST", Endpoint::kPassThrough, kA, "rerank"},
    Entry{"/v1/rerank", "POST", Endpoint::kPassThrough, kA, "rerank"},
    Entry{"/v2/rerank", "POST", Endpoint::kPassThrough, kA, "rerank"},
    Entry{"/score", "POST", Endpoint::kPassThrough, kA, "score"},
    Entry{"/v1/score", "POST", Endpoint::kPassThrough, kA, "score"},
    Entry{"/pooling", "POST", Endpoint::kPassThrough, kA, "pooling"},
    Entry{"/classify", "POST", Endpoint::kPassThrough, kA, "classify"},
    Entry{"/v2/embed", "POST", Endpoint::kPassThrough, kA, "embed"},
    Entry{"/v1/messages", "POST", Endpoint::kMessages, kN, "messages"},
    Entry{"/v1/messages/count_tokens", "POST", Endpoint::kCountTokens, kN, "count_tokens"},
};

bool allows(std::string_view methods, std::string_view method) {
    for (std::size_t start = 0; start < methods.size();) {
        const auto end = std::min(methods.find(", ", start), methods.size());
        const auto one = methods.substr(start, end - start);
        // HEAD on a GET path is answered as GET without its body (wire 6.8, C134).
        if (one == method || (method == "HEAD" && one == "GET")) return true;
        start = end + 2;
    }
    return false;
}

bool is_own(std::string_view path) {
    return path == "/metrics" || path == "/livez" || path == "/readyz" ||
           path.starts_with("/segue/") || path == "/ui" || path.starts_with("/ui/");
}

const Entry* find_entry(std::string_view path, std::string_view& rest) {
    const Entry* prefix = nullptr;
    for (const Entry& entry : kEntries) {
        if (entry.path == path) return &entry;
        if (!entry.path.ends_with('*')) continue;
        const auto stem = entry.path.substr(0, entry.path.size() - 1);
        if (path.size() > stem.size() && path.starts_with(stem)) {
            prefix = &entry;
            rest = path.substr(stem.size());
        }
    }
    return prefix;
}

}  // namespace

Route find_route(std::string_view method, std::string_view path) {
    Route route;
    if (is_own(path)) {
        route.match = Route::Match::kFound;
        route.endpoint = Endpoint::kOwn;
        route.name = "own";
        return route;
    }
    const Entry* entry = find_entry(path, route.rest);
    if (!entry && path.size() > 1 && path.ends_with('/') && (method == "GET" || method == "HEAD")) {
        std::string_view ignored;
        if (find_entry(path.substr(0, path.size() - 1), ignored)) {
            route.match = Route::Match::kRedirect;
            route.name = "redirect";
            return route;
        }
    }
    if (!entry) {
        // An unknown path answers in the dialect that its prefix belongs to.
        route.front = path.starts_with("/v1/messages") ? kN : path.starts_with("/v1/") ? kA : kO;
        route.name = "unknown";
        return route;
    }
    route.endpoint = entry->endpoint;
    route.front = entry->front;
    route.name = entry->name;
    route.path = entry->path;
    route.match =
        allows(entry->methods, method) ? Route::Match::kFound : Route::Match::kWrongMethod;
    route.allow = entry->methods;
    return route;
}

std::string_view front_name(const Route& route) {
    return route.endpoint == Endpoint::kOwn && route.match == Route::Match::kFound
               ? std::string_view("segue")
               : llm::dialect_name(route.front);
}

}  // namespace segue::gateway
