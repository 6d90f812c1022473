/// The table of vLLM's routes (wire 2.1), its key check, and the routes that generate or switch.
#include <fmt/format.h>

#include <algorithm>
#include <array>

#include "base/text.hpp"
#include "engine/rehearsal/vllm_routes.hpp"
#include "engine/rehearsal/vllm_writer.hpp"

namespace segue::engine::rehearsal {
namespace {

constexpr std::string_view kJson = "application/json";

template <VllmRoute route>
void answer(Exchange& exchange) {
    EngineState& state = exchange.state();
    json::Parser parser;
    const auto request = read_vllm_json(parser, exchange.head(), exchange.body());
    if (!request) return send_vllm_refusal(exchange, request.error());
    const auto call = read_vllm_call(*request, route, exchange.head(), state);
    if (!call) return send_vllm_refusal(exchange, call.error());
    std::vector<Answer> answers;
    for (Prompt prompt : call->prompts) {
        // Room for prompt and answer together: more is cut silently (wire 2.2).
        Answer made = make_answer(prompt, state.options.skill, TemplateKind::kVllm);
        if (const auto wrong = check_length(state, made.prompt_characters, made.prompt_tokens)) {
            return send_vllm_refusal(exchange, *wrong);
        }
        const std::int64_t room = state.options.max_model_len - made.prompt_tokens;
        if (made.completion_tokens > room) {
            prompt.max_tokens = room;
            made = make_answer(prompt, state.options.skill, TemplateKind::kVllm);
        }
        for (std::int64_t i = 0; i < call->n; ++i)
            answers.push_back(made);
    }
    exchange.generate(route == VllmRoute::kChat
                          ? make_vllm_chat_writer(state, *call, std::move(answers))
                          : make_vllm_text_writer(state, *call, std::move(answers)));
}

void health(Exchange& exchange) {
    const bool failing = exchange.state().faults.set().health_failing;
    exchange.send_empty(failing ? 503 : 200);
}

void version(Exchange& exchange) {
    exchange.send(200, kJson, fmt::format("{{\"version\":\"{}\"}}", kVllmVersion));
}

void load(Exchange& exchange) {
    // Always 0 unless tracking was asked for; this engine tells the truth, which is what the flag
    // is for.
    const std::size_t running = exchange.state().slots.running() + exchange.state().slots.waiting();
    exchange.send(200, kJson, fmt::format("{{\"server_load\":{}}}", running));
}

void sleep_now(Exchange& exchange) {
    const std::string& query = exchange.head().query;
    const std::size_t at = query.find("level=");
    const char level = at == std::string::npos || at + 6 >= query.size() ? '1' : query[at + 6];
    exchange.state().sleep_level = level == '2' ? 2 : level == '0' ? 0 : 1;
    exchange.send_empty(200);
}

void wake_up(Exchange& exchange) {
    exchange.state().sleep_level = 0;
    exchange.send_empty(200);
}

void is_sleeping(Exchange& exchange) {
    exchange.send(
        200, kJson,
        fmt::format("{{\"is_sleeping\":{}}}", exchange.state().sleep_level > 0 ? "true" : "false"));
}

void done(Exchange& exchange) {
    exchange.send_empty(200);
}

/// Which servers have a route (wire 2.1: a route exists only when the model's task needs it).
enum class Needs : std::uint8_t { kNothing, kGenerating, kEmbedding, kDevelopment };

struct Route {
    std::string_view path;
    std::string_view methods;
    Needs needs;
    void (*serve)(Exchange&);
};
constexpr std::array kRoutes{
    Route{"/health", "GET", Needs::kNothing, health},
    Route{"/ping", "GET, POST", Needs::kNothing, health},
    Route{"/version", "GET", Needs::kNothing, version},
    Route{"/load", "GET", Needs::kNothing, load},
    Route{"/metrics", "GET", Needs::kNothing, vllm_metrics},
    Route{"/v1/models", "GET", Needs::kNothing, vllm_models},
    Route{"/tokenize", "POST", Needs::kNothing, vllm_tokenize},
    Route{"/detokenize", "POST", Needs::kNothing, vllm_detokenize},
    Route{"/v1/chat/completions", "POST", Needs::kGenerating, answer<VllmRoute::kChat>},
    Route{"/v1/completions", "POST", Needs::kGenerating, answer<VllmRoute::kCompletions>},
    Route{"/v1/embeddings", "POST", Needs::kEmbedding, vllm_embeddings},
    Route{"/score", "POST", Needs::kEmbedding, vllm_score},
    Route{"/v1/score", "POST", Needs::kEmbedding, vllm_score},
    Route{"/rerank", "POST", Needs::kEmbedding, vllm_rerank},
    Route{"/v1/rerank", "POST", Needs::kEmbedding, vllm_rerank},
    Route{"/v2/rerank", "POST", Needs::kEmbedding, vllm_rerank},
    Route{"/sleep", "POST", Needs::kDevelopment, sleep_now},
    Route{"/wake_up", "POST", Needs::kDevelopment, wake_up},
    Route{"/is_sleeping", "GET", Needs::kDevelopment, is_sleeping},
    Route{"/reset_prefix_cache", "POST", Needs::kDevelopment, done},
};

bool has_route(const Route& route, const RehearsalOptions& options) {
    switch (route.needs) {
        case Needs::kNothing: return true;
        case Needs::kGenerating: return options.generates;
        case Needs::kEmbedding: return options.embeds;
        case Needs::kDevelopment: return options.development_routes;
    }
    return false;
}

bool is_guarded(std::string_view path) {
    return path.starts_with("/v1") || path.starts_with("/v2") || path.starts_with("/inference") ||
           path.starts_with("/cohere");
}

bool has_key(const net::RequestHead& head, const std::vector<std::string>& keys) {
    const std::string_view given = head.headers.find("Authorization").value_or("");
    if (!istarts_with(given, "bearer ")) return false;
    return std::find(keys.begin(), keys.end(), given.substr(7)) != keys.end();
}

bool allows(std::string_view methods, std::string_view method) {
    for (std::string_view one : split(methods, ',')) {
        if (trim(one) == method) return true;
    }
    return false;
}

}  // namespace

void send_vllm_refusal(Exchange& exchange, const VllmRefusal& refusal) {
    exchange.send(refusal.status, kJson, vllm_error(refusal));
}

void serve_vllm(Exchange& exchange) {
    const RehearsalOptions& options = exchange.state().options;
    const net::RequestHead& head = exchange.head();
    exchange.headers().set("Vary", "Origin");
    if (!options.api_keys.empty() && is_guarded(head.path) && !has_key(head, options.api_keys)) {
        return exchange.send(401, kJson, R"({"error":"Unauthorized"})");
    }
    for (const Route& route : kRoutes) {
        if (route.path != head.path || !has_route(route, options)) continue;
        if (!allows(route.methods, head.method)) {
            exchange.headers().set("Allow", route.methods);
            return exchange.send(405, kJson, R"({"detail":"Method Not Allowed"})");
        }
        return route.serve(exchange);
    }
    exchange.send(404, kJson, R"({"detail":"Not Found"})");
}

}  // namespace segue::engine::rehearsal
