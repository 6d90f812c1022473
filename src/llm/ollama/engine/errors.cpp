#include "llm/ollama/engine/errors.hpp"

#include <fmt/format.h>

#include <array>

#include "base/json.hpp"
#include "base/text.hpp"

namespace segue::llm::ollama {
namespace {

using Cause = Failure::Cause;

bool contains(std::string_view text, std::string_view part) {
    return text.find(part) != std::string_view::npos;
}

/// `name` without ":latest", with it when it has no tag.
std::array<std::string, 2> spellings(std::string_view name) {
    if (name.ends_with(":latest"))
        return {std::string(name),
                std::string(name.substr(0, name.size() - std::string_view(":latest").size()))};
    const bool tagged = name.rfind(':') != std::string_view::npos;
    return {tagged ? std::string(name) : std::string(name) + ":latest", std::string(name)};
}

bool is_too_long(const ErrorText& error) {
    return error.type == "exceed_context_size_error" ||
           contains(error.message, "input length exceeds the context length") ||
           contains(error.message, "exceeds the available context size");
}

Cause cause_of(int status, const ErrorText& error) {
    if (is_too_long(error)) return Cause::kContextTooLong;
    if (contains(error.message, "does not support embeddings")) return Cause::kUnsupported;
    switch (status) {
        case 401: return Cause::kEngineAuth;
        // Ollama itself says 403 about its cloud; any other 403 comes from a proxy that wants
        // another key.
        case 403:
            return contains(error.message, "cloud is disabled") ? Cause::kEngineRefused
                                                                : Cause::kEngineAuth;
        case 404: return error.is_json ? Cause::kModelNotFound : Cause::kUnsupported;
        case 405: return Cause::kUnsupported;
        case 429: return Cause::kRateLimited;
        case 499: return Cause::kBroken;
        case 501: return Cause::kUnsupported;
        case 503: return Cause::kQueueFull;
        case 504: return Cause::kTimeout;
        default: break;
    }
    if (status >= 500) {
        // Ollama answers 500 to an option or a format that it cannot read: that is about the
        // request, and another engine of the same kind would say the same (wire 1.3).
        const bool about_request =
            error.message.starts_with("option \"") || error.message.starts_with("invalid format:");
        return about_request ? Cause::kEngineRefused : Cause::kEngineFailed;
    }
    return Cause::kEngineRefused;
}

ErrorText from_value(json::Value error) {
    if (error.is_object())
        return {std::string(error["message"].string()), std::string(error["type"].string()), true};
    return {std::string(error.string()), {}, true};
}

}  // namespace

ErrorText read_error(std::string_view body) {
    json::Parser parser;
    const auto root = parser.parse(body);
    if (!root || !root->is_object() || !(*root)["error"])
        return {std::string(trim(body)), {}, false};
    ErrorText outer = from_value((*root)["error"]);
    // Up to three layers have been seen: the runner's error, wrapped by the scheduler, wrapped by
    // the route.
    for (int layer = 0; layer < 3 && outer.message.starts_with('{'); ++layer) {
        json::Parser nested;
        const auto inner = nested.parse(outer.message);
        if (!inner || !(*inner)["error"]) break;
        ErrorText unwrapped = from_value((*inner)["error"]);
        if (unwrapped.message.empty()) break;
        outer = std::move(unwrapped);
    }
    return outer;
}

std::string with_client_model(std::string text, std::string_view served, std::string_view client) {
    if (served.empty() || client.empty()) return text;
    for (const std::string& name : spellings(served))
        for (std::string_view host : {"registry.ollama.ai/library/", "registry.ollama.ai/"})
            text = replace_all(text, std::string(host) + name, client);
    // A bare name could be part of a word; in quotes it cannot.
    for (const std::string& name : spellings(served))
        for (const char quote : {'\'', '"'})
            text = replace_all(text, quote + name + quote, quote + std::string(client) + quote);
    return text;
}

Failure answer_failure(const EngineAnswer& answer, const Target& target,
                       std::string_view client_model) {
    const ErrorText error = read_error(answer.body);
    Failure failure;
    failure.cause = cause_of(answer.status, error);
    failure.status = answer.status;
    if (failure.cause == Cause::kEngineRefused && answer.status >= 500) failure.status = 400;
    failure.message = with_client_model(error.message, target.served_model, client_model);
    failure.retry_after = answer.retry_after;
    switch (failure.cause) {
        case Cause::kModelNotFound:
            failure.status = 0;
            failure.message = fmt::format("model '{}' not found", client_model);
            break;
        case Cause::kUnsupported:
            failure.status = 0;
            if (!error.is_json)
                failure.message = fmt::format("engine {} does not offer this", target.engine);
            break;
        case Cause::kEngineAuth:
            failure.status = 0;
            failure.message = fmt::format("engine {} refused Segue's key (status {})",
                                          target.engine, answer.status);
            break;
        case Cause::kBroken: failure.status = 0; break;
        case Cause::kContextTooLong: failure.status = 400; break;
        default: break;
    }
    // A proxy's page is no text for a client, and a long one less so.
    if (failure.message.empty() || (!error.is_json && failure.message.starts_with('<')))
        failure.message =
            fmt::format("engine {} answered with status {}", target.engine, answer.status);
    if (failure.message.size() > 4096) {
        failure.message.resize(4096);
        failure.message = replace_invalid_utf8(failure.message);
    }
    return failure;
}

Failure line_failure(std::string_view line, const Target& target, std::string_view client_model) {
    const ErrorText error = read_error(line);
    Failure failure;
    failure.cause = is_too_long(error) ? Cause::kContextTooLong : Cause::kEngineFailed;
    failure.status = failure.cause == Cause::kContextTooLong ? 400 : 500;
    failure.message = with_client_model(error.message, target.served_model, client_model);
    if (failure.message.empty())
        failure.message = fmt::format("engine {} failed while answering", target.engine);
    return failure;
}

}  // namespace segue::llm::ollama
