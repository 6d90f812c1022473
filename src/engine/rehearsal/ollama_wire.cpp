/// The table of Ollama's routes (wire 1.2), its rules for unknown paths, origins and hosts, and the
/// routes that answer.
#include <fmt/format.h>

#include <array>

#include "base/text.hpp"
#include "engine/rehearsal/embedding.hpp"
#include "engine/rehearsal/ollama_routes.hpp"
#include "engine/rehearsal/ollama_writer.hpp"

namespace segue::engine::rehearsal {
namespace {

constexpr std::string_view kNoEmbeddings =
    "This server does not support embeddings. Start it with `--embeddings`";
constexpr std::int64_t kForeverYears = 292;

template <OllamaRoute route>
void ollama_answer(Exchange& exchange) {
    EngineState& state = exchange.state();
    json::Parser parser;
    const auto request = read_go_json(parser, exchange.body());
    if (!request)
        return send_ollama_error(exchange, request.error().status, request.error().message);
    const auto call = read_ollama_call(*request, route, state);
    if (!call) return send_ollama_error(exchange, call.error().status, call.error().message);
    keep_loaded(state, *call);
    if (call->is_load) return exchange.send(200, kOllamaJson, write_load_answer(state, *call));
    auto answer = answer_ollama(state, *call);
    if (!answer) return send_ollama_error(exchange, answer.error().status, answer.error().message);
    exchange.generate(make_ollama_writer(state, *call, std::move(*answer)));
}

void root(Exchange& exchange) {
    exchange.send(200, "text/plain; charset=utf-8", "Ollama is running");
}
// Three plain numbers: clients compare them. The label is in the header of every answer.
void version(Exchange& exchange) {
    exchange.send(200, kOllamaJson, R"({"version":"0.33.0"})");
}
void cloud_status(Exchange& exchange) {
    exchange.send(200, kOllamaJson, R"({"cloud":{"disabled":true,"source":"config"}})");
}
void unauthorized(Exchange& exchange) {
    exchange.send(401, kOllamaJson, R"({"error":"unauthorized","signin_url":""})");
}

void embed(Exchange& exchange) {
    EngineState& state = exchange.state();
    json::Parser parser;
    const auto request = read_go_json(parser, exchange.body());
    if (!request)
        return send_ollama_error(exchange, request.error().status, request.error().message);
    const std::string model((*request)["model"].string());
    if (!state.models.find(model)) {
        return send_ollama_error(
            exchange, 404, fmt::format("model \"{}\" not found, try pulling it first", model));
    }
    const json::Value input = (*request)["input"];
    std::vector<std::string_view> texts;
    if (input.is_string() && !input.string().empty()) texts.push_back(input.string());
    for (json::Value one : input) {
        if (!one.is_string()) return send_ollama_error(exchange, 400, "invalid input type");
        texts.push_back(one.string());
    }
    if (!input.absent() && !input.is_string() && !input.is_array()) {
        return send_ollama_error(exchange, 400, "invalid input type");
    }
    if (!texts.empty() && !state.options.embeds)
        return send_ollama_error(exchange, 501, kNoEmbeddings);
    std::int64_t tokens = 0;
    const auto length = static_cast<std::size_t>(
        std::max<std::int64_t>((*request)["dimensions"].integer().value_or(0), 0));
    exchange.send(200, kOllamaJson, json::object([&](json::Writer& w) {
                      w.member("model", model).key("embeddings").begin_array();
                      for (std::string_view text : texts) {
                          auto vector =
                              embed_text(text, state.options.embedding_length, Normalised::kYes);
                          shorten_embedding(vector, length);
                          w.raw(write_vector(vector));
                          tokens += static_cast<std::int64_t>(count_tokens(text));
                      }
                      w.end_array();
                      if (texts.empty()) return;
                      w.member("total_duration", 1'000'000).member("load_duration", 1000);
                      w.member("prompt_eval_count", tokens);
                  }));
}

void embeddings(Exchange& exchange) {
    EngineState& state = exchange.state();
    json::Parser parser;
    const auto request = read_go_json(parser, exchange.body());
    if (!request)
        return send_ollama_error(exchange, request.error().status, request.error().message);
    const std::string model((*request)["model"].string());
    if (model.empty()) return send_ollama_error(exchange, 400, "model is required");
    if (!state.models.find(model)) {
        return send_ollama_error(
            exchange, 404, fmt::format("model \"{}\" not found, try pulling it first", model));
    }
    const std::string_view prompt = (*request)["prompt"].string();
    if (prompt.empty()) return exchange.send(200, kOllamaJson, R"({"embedding":[]})");
    if (!state.options.embeds) return send_ollama_error(exchange, 500, kNoEmbeddings);
    const auto vector = embed_text(prompt, state.options.embedding_length, Normalised::kNo);
    exchange.send(200, kOllamaJson, "{\"embedding\":" + write_vector(vector) + "}");
}

struct Route {
    std::string_view path;     // a '*' at the end matches the rest
    std::string_view methods;  // as the Allow header names them
    void (*serve)(Exchange&);
};
constexpr std::array kRoutes{
    Route{"/", "GET, HEAD", root},
    Route{"/api/version", "GET, HEAD", version},
    Route{"/api/status", "GET", cloud_status},
    Route{"/api/tags", "GET, HEAD", ollama_tags},
    Route{"/api/ps", "GET", ollama_ps},
    Route{"/api/show", "POST", ollama_show},
    Route{"/api/chat", "POST", ollama_answer<OllamaRoute::kChat>},
    Route{"/api/generate", "POST", ollama_answer<OllamaRoute::kGenerate>},
    Route{"/api/embed", "POST", embed},
    Route{"/api/embeddings", "POST", embeddings},
    Route{"/api/pull", "POST", ollama_pull},
    Route{"/api/push", "POST", ollama_push},
    Route{"/api/create", "POST", ollama_create},
    Route{"/api/copy", "POST", ollama_copy},
    Route{"/api/delete", "DELETE", ollama_delete},
    Route{"/api/blobs/*", "HEAD, POST", ollama_blob},
    Route{"/api/me", "POST", unauthorized},
    Route{"/api/signout", "POST", unauthorized},
    Route{"/v1/chat/completions", "POST", ollama_v1_chat},
    Route{"/v1/completions", "POST", ollama_v1_completions},
    Route{"/v1/embeddings", "POST", ollama_v1_embeddings},
    Route{"/v1/models", "GET", ollama_v1_models},
    Route{"/v1/models/*", "GET", ollama_v1_models},
};

const Route* find_route(std::string_view path) {
    for (const Route& route : kRoutes) {
        if (route.path.ends_with('*')) {
            const std::string_view prefix = route.path.substr(0, route.path.size() - 1);
            if (path.starts_with(prefix) && path.size() > prefix.size()) return &route;
        } else if (route.path == path) {
            return &route;
        }
    }
    return nullptr;
}

bool allows(std::string_view methods, std::string_view method) {
    for (std::string_view one : split(methods, ',')) {
        if (trim(one) == method) return true;
    }
    return false;
}

bool is_local_origin(std::string_view origin) {
    constexpr std::array<std::string_view, 11> kAllowed{
        "http://localhost*", "https://localhost*", "http://127.0.0.1*", "https://127.0.0.1*",
        "http://0.0.0.0*",   "https://0.0.0.0*",   "app://*",           "file://*",
        "tauri://*",         "vscode-webview://*", "vscode-file://*"};
    for (std::string_view pattern : kAllowed) {
        if (glob_match(pattern, origin)) return true;
    }
    return false;
}

bool is_local_host(std::string_view host) {
    const std::size_t colon = host.rfind(':');
    if (colon != std::string_view::npos && host.find(']', colon) == std::string_view::npos) {
        host = host.substr(0, colon);
    }
    const bool is_number = host.find_first_not_of("0123456789.[]:abcdef") == std::string_view::npos;
    return host.empty() || is_number || host == "localhost" || host.ends_with(".localhost") ||
           host.ends_with(".local") || host.ends_with(".internal");
}

void send_preflight(Exchange& exchange, const Route& route) {
    net::Headers& headers = exchange.headers();
    headers.set("Access-Control-Allow-Methods", "GET,POST,PUT,PATCH,DELETE,HEAD,OPTIONS");
    headers.set("Access-Control-Max-Age", "43200");
    headers.set("Access-Control-Allow-Headers",
                "Authorization,Content-Type,User-Agent,Accept,X-Requested-With,Openai-Beta,X-"
                "Stainless-Arch,"
                "X-Stainless-Async,X-Stainless-Custom-Poll-Interval,X-Stainless-Helper-Method,X-"
                "Stainless-Lang,"
                "X-Stainless-Os,X-Stainless-Package-Version,X-Stainless-Poll-Helper,X-Stainless-"
                "Retry-Count,"
                "X-Stainless-Runtime,X-Stainless-Runtime-Version,X-Stainless-Timeout");
    headers.set("Allow", route.methods);
    exchange.send_empty(204);
}

}  // namespace

void send_ollama_error(Exchange& exchange, int status, std::string_view message) {
    exchange.send(status, kOllamaJson, ollama_error(message));
}

void keep_loaded(EngineState& state, const OllamaCall& call) {
    RehearsalModel* model = state.models.find(call.model);
    if (!model) return;
    if (call.keep_seconds == 0) {
        model->loaded_until.reset();
        return;
    }
    const auto forever = std::chrono::hours(24 * 365 * kForeverYears);
    const auto span = call.keep_seconds < 0 || call.keep_seconds > 9'000'000'000
                          ? std::chrono::seconds(forever)
                          : std::chrono::seconds(call.keep_seconds);
    // 292 years is all that a nanosecond clock holds; half of it ahead still prints as "Forever".
    model->loaded_until = state.clock.wall() + std::min(span, std::chrono::seconds(forever / 2));
    model->loaded_context = call.context;
}

OllamaOutcome<Answer> answer_ollama(EngineState& state, const OllamaCall& call) {
    Answer answer = make_answer(call.prompt, state.options.skill, TemplateKind::kOllama);
    if (answer.prompt_tokens < call.context) return answer;
    if (!call.truncate) {
        return tl::make_unexpected(OllamaRefusal{
            400,
            fmt::format("{{\"error\":{{\"code\":400,\"message\":\"request ({0} tokens) exceeds the "
                        "available "
                        "context size ({1} tokens), try increasing it\",\"type\":"
                        "\"exceed_context_size_error\",\"n_prompt_tokens\":{0},\"n_ctx\":{1}}}}}",
                        answer.prompt_tokens, call.context)});
    }
    // Half the context is left for the answer (recording "chat_context_overflow": 514 of 1024).
    answer.prompt_tokens = call.context / 2 + 2;
    return answer;
}

void serve_ollama(Exchange& exchange) {
    const net::RequestHead& head = exchange.head();
    const auto origin = head.headers.find("Origin");
    if (origin && !is_local_origin(*origin)) return exchange.send_empty(403);
    if (const auto host = head.headers.find("Host"); host && !is_local_host(*host))
        return exchange.send_empty(403);
    const Route* route = find_route(head.path);
    if (origin) {
        exchange.headers().set("Access-Control-Allow-Origin", *origin);
        exchange.headers().set("Vary", "Origin");
    }
    if (!route) return exchange.send(404, "text/plain", "404 page not found");
    if (head.method == "OPTIONS" && origin) return send_preflight(exchange, *route);
    if (!allows(route->methods, head.method)) {
        exchange.headers().set("Allow", route->methods);
        return exchange.send(405, "text/plain", "405 method not allowed");
    }
    route->serve(exchange);
}

}  // namespace segue::engine::rehearsal
