/// What the tests of this folder and of the OpenAI front share: the recordings of a real Ollama,
/// and targets. Tests only.
#pragma once

#include <fstream>
#include <nlohmann/json.hpp>
#include <string>

#include "llm/bridge.hpp"

namespace segue::llm::ollama_test {

struct Recording {
    int status = 0;
    std::string content_type;
    std::string body;
};

/// One exchange of tests/data/wire/ollama-2026-08.jsonl by its id; status 0 when there is none of
/// that name.
inline Recording recording(const std::string& id) {
    std::ifstream file(std::string(SEGUE_SOURCE_DIR) + "/tests/data/wire/ollama-2026-08.jsonl");
    for (std::string line; std::getline(file, line);) {
        const auto exchange = nlohmann::json::parse(line);
        if (exchange["id"] != id) continue;
        Recording found;
        found.status = exchange["status"];
        for (const auto& header : exchange["headers"])
            if (header[0] == "Content-Type") found.content_type = header[1];
        for (const auto& chunk : exchange["chunks"])
            found.body += chunk[1].get<std::string>();
        return found;
    }
    return {};
}

inline BridgeContext ollama_context(Profile profile = {}) {
    BridgeContext context;
    context.target.dialect = Dialect::kOllama;
    context.target.engine = "old";
    context.target.served_model = "segue-tiny";
    context.target.profile = std::make_shared<Profile>(std::move(profile));
    context.target.traits = std::make_shared<EngineTraits>();
    context.request_id = "req_1";
    return context;
}

inline EngineAnswer answer_of(const Recording& recorded) {
    EngineAnswer answer;
    answer.status = recorded.status;
    answer.content_type = recorded.content_type;
    answer.body = recorded.body;
    return answer;
}

}  // namespace segue::llm::ollama_test
