/// For this folder's tests: recorded exchanges of vLLM, a target, and what becomes of bytes.
#pragma once

#include <fstream>
#include <memory>
#include <nlohmann/json.hpp>
#include <stdexcept>
#include <string>
#include <string_view>
#include <vector>

#include "llm/bridge.hpp"
#include "llm/session.hpp"

namespace segue::llm::openai_engine {

/// One exchange of tests/data/wire/vllm-0.32.0.jsonl.
inline nlohmann::json recorded(std::string_view id) {
    std::ifstream file(SEGUE_SOURCE_DIR "/tests/data/wire/vllm-0.32.0.jsonl");
    for (std::string line; std::getline(file, line);) {
        auto exchange = nlohmann::json::parse(line);
        if (exchange["id"] == id) return exchange;
    }
    throw std::runtime_error("no such recording: " + std::string(id));
}

inline std::string body_of(const nlohmann::json& exchange) {
    std::string body;
    for (const auto& chunk : exchange["chunks"])
        body += chunk[1].get<std::string>();
    return body;
}

/// segue-tiny as recorded: 1024 tokens, thinking by template.
inline Target tiny_target(Profile profile = {}) {
    Target target;
    target.engine = "gpu";
    target.served_model = "segue-tiny";
    if (profile.thinking == ThinkingStyle::kAuto) profile.thinking = ThinkingStyle::kTemplate;
    target.profile = std::make_shared<Profile>(std::move(profile));
    target.traits = std::make_shared<EngineTraits>();
    target.max_model_len = 1024;
    return target;
}

inline BridgeContext context_for(Target target) {
    BridgeContext context;
    context.target = std::move(target);
    return context;
}

inline Answer sum(const Events& events) {
    Answer answer;
    for (const Event& event : events)
        answer.add(event);
    return answer;
}

inline const Failure* failure_in(const Events& events) {
    for (const Event& event : events) {
        if (const auto* failed = std::get_if<Failed>(&event)) return &failed->failure;
    }
    return nullptr;
}

inline Message message_of(std::string role, std::string text) {
    Message message;
    message.role = std::move(role);
    message.parts.emplace_back(TextPart{std::move(text)});
    return message;
}

inline ChatRequest ask(std::string text) {
    ChatRequest request;
    request.model = "m";
    request.messages.push_back(message_of("user", std::move(text)));
    return request;
}

}  // namespace segue::llm::openai_engine
