#include "rewrite/code/reply.hpp"

#include <array>

namespace segue::rewrite {
namespace {

using Keys = std::vector<std::string>;

std::string way(const Reading& reading, const Keys& keys, bool soft = false) {
    std::string out;
    for (const auto& key : keys) {
        if (key.starts_with('['))
            out += soft ? "?." + key : key;
        else if (reading.writing == Writing::kPythonDict)
            out += std::string("[") + reading.quote + key + reading.quote + "]";
        else
            out += (soft ? "?." : ".") + key;
    }
    return out;
}

bool python(const Reading& reading) {
    return reading.writing != Writing::kScript;
}

/// One vector for each: a list of them.
NewWay vectors(const Reading& reading) {
    switch (reading.writing) {
        case Writing::kPythonObject: return {"[item.embedding for item in ", ".data]"};
        case Writing::kPythonDict: {
            const std::string q(1, reading.quote);
            return {"[item[" + q + "embedding" + q + "] for item in ", "[" + q + "data" + q + "]]"};
        }
        case Writing::kScript:
            return {"", reading.annotated && !reading.typed
                            ? ".data.map((item: { embedding: number[] }) => item.embedding)"
                            : ".data.map((item) => item.embedding)"};
    }
    return {};
}

std::optional<NewWay> counter(const Reading& reading, const std::string& name) {
    if (reading.stream) return std::nullopt;  // needs stream_options: a person decides
    const auto* const to = name == "eval_count" ? "completion_tokens" : "prompt_tokens";
    if (reading.writing == Writing::kScript && reading.typed)
        return NewWay{"", std::string(".usage?.") + to + " ?? 0", true};
    return NewWay{"", way(reading, {"usage", to})};
}

std::optional<NewWay> text(const Reading& reading) {
    if (reading.stream) {
        switch (reading.writing) {
            case Writing::kPythonObject:
                return NewWay{"", ".choices[0].delta.content or " + std::string(2, reading.quote),
                              true};
            case Writing::kPythonDict: {
                const std::string q(1, reading.quote);
                return NewWay{"",
                              "[" + q + "choices" + q + "][0][" + q + "delta" + q + "].get(" + q +
                                  "content" + q + ") or " + q + q,
                              true};
            }
            case Writing::kScript: return NewWay{"", ".choices[0]?.delta?.content ?? ''", true};
        }
    }
    // null beside tool calls, and where a model only thought: Ollama says "".
    const auto content = way(reading, {"choices", "[0]", "message", "content"});
    if (python(reading)) {
        return NewWay{"", content + " or " + std::string(2, reading.quote), true};
    }
    if (reading.typed) return NewWay{"", ".choices[0]?.message.content ?? ''", true};
    return NewWay{"", content + " ?? ''", true};
}

std::optional<NewWay> completion(const Reading& reading, Keys keys) {
    if (keys.empty()) return std::nullopt;
    if (reading.endpoint == Endpoint::kGenerate && keys == Keys{"response"}) return text(reading);
    if (keys.front() == "eval_count" || keys.front() == "prompt_eval_count")
        return keys.size() == 1 ? counter(reading, keys.front()) : std::nullopt;
    if (keys == Keys{"model"}) return NewWay{"", way(reading, keys)};
    if (keys == Keys{"done_reason"})
        return NewWay{"", way(reading, {"choices", "[0]", "finish_reason"})};
    if (keys == Keys{"done"}) {
        if (!reading.stream) return std::nullopt;
        const auto finish = way(reading, {"choices", "[0]", "finish_reason"});
        if (python(reading)) return NewWay{"", finish + " is not None", true};
        return NewWay{"", ".choices[0]?.finish_reason != null", true};
    }
    if (reading.endpoint != Endpoint::kChat || keys.front() != "message") return std::nullopt;
    if (keys == Keys{"message", "content"}) return text(reading);
    if (keys == Keys{"message", "thinking"}) return std::nullopt;
    keys.erase(keys.begin());
    if (!keys.empty() && keys.front() != "role" && keys.front() != "tool_calls")
        return std::nullopt;
    // Arguments of a tool call are text there: what reads them has to parse them.
    if (keys.size() > 1) return std::nullopt;
    Keys fresh{"choices", "[0]", reading.stream ? "delta" : "message"};
    fresh.insert(fresh.end(), keys.begin(), keys.end());
    if (reading.writing == Writing::kScript && reading.typed) {
        std::string out = ".choices[0]!";
        out += reading.stream ? ".delta" : ".message";
        for (const auto& key : keys)
            out += "." + key;
        return NewWay{"", out};
    }
    return NewWay{"", way(reading, fresh)};
}

}  // namespace

std::optional<Endpoint> endpoint_of_path(std::string_view path) {
    if (path == "/api/chat") return Endpoint::kChat;
    if (path == "/api/generate") return Endpoint::kGenerate;
    if (path == "/api/embed") return Endpoint::kEmbed;
    if (path == "/api/embeddings") return Endpoint::kEmbeddings;
    if (path == "/api/tags") return Endpoint::kModels;
    if (path == "/api/version") return Endpoint::kHealth;
    return std::nullopt;
}

std::optional<Endpoint> endpoint_of_method(std::string_view method) {
    if (method == "chat") return Endpoint::kChat;
    if (method == "generate") return Endpoint::kGenerate;
    if (method == "embed") return Endpoint::kEmbed;
    if (method == "embeddings") return Endpoint::kEmbeddings;
    if (method == "list") return Endpoint::kModels;
    return std::nullopt;
}

bool is_management(std::string_view method) {
    for (const std::string_view known : {"pull", "push", "create", "copy", "delete", "show", "ps"})
        if (method == known) return true;
    return false;
}

std::string_view path_of(Endpoint endpoint) {
    switch (endpoint) {
        case Endpoint::kChat:
        case Endpoint::kGenerate: return "/v1/chat/completions";
        case Endpoint::kEmbed:
        case Endpoint::kEmbeddings: return "/v1/embeddings";
        case Endpoint::kModels: return "/v1/models";
        case Endpoint::kHealth: return "/health";
    }
    return "";
}

std::optional<NewWay> new_way(const Reading& reading, const std::vector<std::string>& keys) {
    switch (reading.endpoint) {
        case Endpoint::kChat:
        case Endpoint::kGenerate: return completion(reading, keys);
        case Endpoint::kEmbed:
            if (keys == Keys{"embeddings"}) return vectors(reading);
            if (keys == Keys{"embeddings", "[0]"}) {
                if (reading.writing == Writing::kScript && reading.typed)
                    return NewWay{"", ".data[0]!.embedding"};
                return NewWay{"", way(reading, {"data", "[0]", "embedding"})};
            }
            if (keys == Keys{"prompt_eval_count"}) return counter(reading, keys.front());
            return std::nullopt;
        case Endpoint::kEmbeddings:
            if (keys == Keys{"embedding"}) {
                if (reading.writing == Writing::kScript && reading.typed)
                    return NewWay{"", ".data[0]!.embedding"};
                return NewWay{"", way(reading, {"data", "[0]", "embedding"})};
            }
            return std::nullopt;
        case Endpoint::kModels:
            if (keys == Keys{"models"}) return NewWay{"", way(reading, {"data"})};
            return std::nullopt;
        case Endpoint::kHealth: return std::nullopt;
    }
    return std::nullopt;
}

}  // namespace segue::rewrite
