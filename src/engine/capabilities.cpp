#include "engine/capabilities.hpp"

#include <fmt/format.h>

#include <string>

#include "base/json.hpp"

namespace segue::engine {
namespace {

using Tri = llm::EngineTraits::Tri;

constexpr int kPatience = 5;

/// A 1x1 PNG: enough for a text model to say that it takes no images.
constexpr std::string_view kPixel =
    "iVBORw0KGgoAAAANSUhEUgAAAAEAAAABCAYAAAAfFcSJAAAADUlEQVR42mP8z8BQDwAEhQGAhKmMIQAAAABJRU5ErkJggg"
    "==";

std::string chat(std::string_view model, std::string_view content, std::string_view more) {
    return fmt::format(
        R"({{"model":{},"max_tokens":1,"temperature":0,"messages":[{{"role":"user","content":{}}}]{}}})",
        json::quoted(model), content, more);
}

struct Routes {
    bool known = false;
    bool chat = false;
    bool embeddings = false;
};

/// A route that is not there answers 404; one that is refuses an empty request.
Tri learn_route(ProbeClient& client, std::string_view path) {
    const auto answer = client.post(path, "{}");
    if (!answer) return Tri::kUnknown;
    return answer->status == 404 && answer->body.find("\"detail\"") != std::string::npos
               ? Tri::kNo
               : Tri::kYes;
}

/// The route list is the cheapest thing that tells tasks and request fields apart; without it each
/// route is tried.
Routes read_routes(ProbeClient& client, llm::EngineTraits& traits) {
    Routes routes;
    const auto answer = client.get("/openapi.json");
    if (!answer) return routes;
    if (answer->status != 200) {
        const Tri chat = learn_route(client, "/v1/chat/completions");
        const Tri embeddings = learn_route(client, "/v1/embeddings");
        routes.known = chat != Tri::kUnknown && embeddings != Tri::kUnknown;
        routes.chat = chat == Tri::kYes;
        routes.embeddings = embeddings == Tri::kYes;
        return routes;
    }
    const auto has = [&](std::string_view text) {
        return answer->body.find(text) != std::string::npos;
    };
    routes.known = true;
    routes.chat = has("\"/v1/chat/completions\"");
    routes.embeddings = has("\"/v1/embeddings\"");
    traits.responses_api = has("\"/v1/responses\"") ? Tri::kYes : Tri::kNo;
    traits.structured_outputs = has("\"structured_outputs\"") ? Tri::kYes : Tri::kNo;
    return routes;
}

Tri learn_tools(ProbeClient& client, std::string_view model, llm::EngineTraits& traits) {
    const auto answer = client.post(
        "/v1/chat/completions",
        chat(
            model, "\"hi\"",
            R"(,"tools":[{"type":"function","function":{"name":"none","parameters":{"type":"object","properties":{}}}}])"),
        kPatience);
    if (!answer) return Tri::kUnknown;
    if (answer->status == 400)
        return answer->body.find("--enable-auto-tool-choice") != std::string::npos ? Tri::kNo
                                                                                   : Tri::kUnknown;
    if (answer->status != 200) return Tri::kUnknown;
    json::Parser parser;
    if (const auto root = parser.parse(answer->body);
        root && (*root)["usage"]["completion_tokens_details"]["reasoning_tokens"].is_number())
        traits.reasoning_parser = Tri::kYes;
    return Tri::kYes;
}

/// reasoning_tokens in the usage is one sign of a reasoning parser, not the only one (wire 5.1):
/// ask for a short thought.
Tri learn_thinking(ProbeClient& client, std::string_view model) {
    const auto answer = client.post(
        "/v1/chat/completions",
        fmt::format(
            R"({{"model":{},"max_tokens":8,"temperature":0,"messages":[{{"role":"user","content":"What is 1 plus 1?"}}],)"
            R"("chat_template_kwargs":{{"enable_thinking":true,"thinking":true}}}})",
            json::quoted(model)),
        kPatience);
    if (!answer || answer->status != 200) return Tri::kUnknown;
    json::Parser parser;
    const auto root = parser.parse(answer->body);
    if (!root) return Tri::kUnknown;
    if ((*root)["usage"]["completion_tokens_details"]["reasoning_tokens"].is_number())
        return Tri::kYes;
    const auto message = (*root)["choices"].at(0)["message"];
    const bool thought =
        !message["reasoning"].string().empty() || !message["reasoning_content"].string().empty();
    return thought ? Tri::kYes : Tri::kNo;
}

Tri learn_vision(ProbeClient& client, std::string_view model) {
    const std::string content = fmt::format(
        R"([{{"type":"text","text":"hi"}},{{"type":"image_url","image_url":{{"url":"data:image/png;base64,{}"}}}}])",
        kPixel);
    const auto answer = client.post("/v1/chat/completions", chat(model, content, ""), kPatience);
    if (!answer) return Tri::kUnknown;
    if (answer->status == 200) return Tri::kYes;
    return answer->body.find("not a multimodal model") != std::string::npos ? Tri::kNo
                                                                            : Tri::kUnknown;
}

Tri learn_insert(ProbeClient& client, std::string_view model) {
    const auto answer =
        client.post("/v1/completions",
                    fmt::format(R"({{"model":{},"prompt":"a","suffix":"b","max_tokens":1}})",
                                json::quoted(model)),
                    kPatience);
    if (!answer) return Tri::kUnknown;
    return answer->status == 200 ? Tri::kYes : answer->status == 400 ? Tri::kNo : Tri::kUnknown;
}

void learn_vllm(ProbeClient& client, EngineFacts& facts, llm::EngineTraits& traits) {
    bool unknown = false;
    for (const auto& model : facts.models)
        unknown = unknown || model.capabilities.empty();
    if (!unknown) return;
    const Routes routes = read_routes(client, traits);
    if (!routes.known) return;
    const std::string first = facts.models.front().name;
    std::vector<std::string> capabilities;
    if (routes.chat) {
        capabilities.emplace_back("completion");
        traits.tools = learn_tools(client, first, traits);
        if (traits.tools == Tri::kYes) capabilities.emplace_back("tools");
        if (traits.reasoning_parser != Tri::kYes)
            traits.reasoning_parser = learn_thinking(client, first);
        if (traits.reasoning_parser == Tri::kYes) capabilities.emplace_back("thinking");
        traits.vision = learn_vision(client, first);
        if (traits.vision == Tri::kYes) capabilities.emplace_back("vision");
        traits.insert = learn_insert(client, first);
        if (traits.insert == Tri::kYes) capabilities.emplace_back("insert");
        if (traits.tools == Tri::kUnknown && traits.vision == Tri::kUnknown)
            return;  // it did not answer: again later
    }
    if (routes.embeddings) capabilities.emplace_back("embedding");
    for (auto& model : facts.models)
        if (model.capabilities.empty()) model.capabilities = capabilities;
}

/// Ollama before 0.30 lists no capabilities; /api/show has them since 0.6.4.
void learn_ollama(ProbeClient& client, EngineFacts& facts) {
    json::Parser parser;
    for (auto& model : facts.models) {
        if (!model.capabilities.empty()) continue;
        const auto answer = client.post(
            "/api/show", json::object([&](json::Writer& w) { w.member("model", model.name); }),
            kPatience);
        if (!answer || answer->status != 200) continue;
        const auto root = parser.parse(answer->body);
        if (!root) continue;
        for (const auto capability : (*root)["capabilities"])
            model.capabilities.emplace_back(capability.string());
        for (const auto info : (*root)["model_info"])
            if (info.key().ends_with(".context_length") && !model.max_model_len)
                model.max_model_len = info.integer();
    }
}

}  // namespace

void learn_capabilities(ProbeClient& client, EngineFacts& facts, llm::EngineTraits& traits) {
    if (facts.sleeping || facts.models.empty()) return;
    if (facts.dialect == llm::Dialect::kOllama) {
        learn_ollama(client, facts);
    } else if (facts.kind == "vllm") {
        learn_vllm(client, facts, traits);
    }
}

}  // namespace segue::engine
