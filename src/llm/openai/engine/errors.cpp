#include "llm/openai/engine/errors.hpp"

#include <fmt/format.h>

#include <utility>

#include "base/text.hpp"
#include "llm/model_in_text.hpp"

namespace segue::llm::openai_engine {
namespace {

using Cause = Failure::Cause;

constexpr std::size_t kMaxMessage = 4096;

bool contains(std::string_view text, std::string_view part) {
    return text.find(part) != std::string_view::npos;
}

/// FastAPI's own errors: {"detail": "Not Found"}, {"detail": [{"loc": [...], "msg": "..."}]}.
void read_detail(json::Value detail, EngineError& error) {
    if (detail.is_string()) {
        error.message = detail.string();
        error.is_route = error.message == "Not Found" || error.message == "Method Not Allowed";
        return;
    }
    // Kept as text: repairs look for the names in it.
    error.message = detail.raw();
}

void read_members(json::Value object, EngineError& error) {
    error.message = object["message"].string();
    error.type = object["type"].string();
    error.param = object["param"].string();
    const json::Value code = object["code"];
    if (code.is_string()) {
        error.code = code.string();
    } else if (const auto number = code.integer()) {
        error.code = code.raw();
        if (*number >= 400 && *number <= 599) error.status = static_cast<int>(*number);
    }
}

Cause cause_of(int status, const EngineError& error) {
    if (is_too_long(error)) return Cause::kContextTooLong;
    switch (status) {
        case 401: return Cause::kEngineAuth;
        case 403: return Cause::kEngineAuth;
        case 404:
            return error.is_json && !error.is_route ? Cause::kModelNotFound : Cause::kUnsupported;
        case 405: return Cause::kUnsupported;
        case 408: return Cause::kTimeout;
        case 429: return Cause::kRateLimited;
        case 501: return Cause::kUnsupported;
        case 504: return Cause::kTimeout;
        default: break;
    }
    if (status >= 400 && status < 500) return Cause::kEngineRefused;
    // A proxy's page in front of a dead engine.
    if ((status == 502 || status == 503) && !error.is_json) return Cause::kUnreachable;
    if (says_queue_full(status, error.type, error.message)) return Cause::kQueueFull;
    return Cause::kEngineFailed;
}

Failure make_failure(int status, const EngineError& error, const Target& target,
                     std::string_view client_model) {
    Failure failure;
    failure.cause = cause_of(status, error);
    failure.status = status;
    failure.message = with_client_model(error.message, target.served_model, client_model);
    switch (failure.cause) {
        case Cause::kEngineRefused:
            failure.type = error.type;
            failure.param = error.param;
            failure.code = error.code;
            break;
        case Cause::kContextTooLong:
            failure.status = 400;
            failure.type = error.type;
            failure.param = error.param;
            break;
        case Cause::kModelNotFound:
            failure.status = 0;
            failure.message = fmt::format("model '{}' not found", client_model);
            break;
        case Cause::kUnsupported:
            failure.status = 0;
            if (!error.is_json || error.is_route)
                failure.message = fmt::format("engine {} does not offer this", target.engine);
            break;
        case Cause::kEngineAuth:
            failure.status = 0;
            failure.message = fmt::format("engine {} refused the gateway's key (status {})",
                                          target.engine, status);
            break;
        case Cause::kUnreachable:
        case Cause::kTimeout: failure.status = 0; break;
        default: break;
    }
    // A proxy's page is no text for a client, and a long one less so.
    if (failure.message.empty() || (!error.is_json && failure.message.starts_with('<')))
        failure.message = fmt::format("engine {} answered with status {}", target.engine, status);
    if (failure.message.size() > kMaxMessage) {
        failure.message.resize(kMaxMessage);
        failure.message = replace_invalid_utf8(failure.message);
    }
    return failure;
}

}  // namespace

std::optional<EngineError> find_error(json::Value root) {
    EngineError error;
    error.is_json = true;
    const json::Value inner = root["error"];
    if (inner.is_object()) {
        error.in_shape = true;
        read_members(inner, error);
        return error;
    }
    if (!inner.string().empty()) {
        error.message = inner.string();
        return error;
    }
    if (root["object"].string() == "error" || root["type"].string() == "error") {
        read_members(root, error);
        return error;
    }
    const json::Value detail = root["detail"];
    if (detail.absent() || root["choices"] || root["data"] || root["object"]) return std::nullopt;
    read_detail(detail, error);
    return error;
}

EngineError read_error(std::string_view body) {
    json::Parser parser;
    auto root = parser.parse(body);
    if (!root) root = parser.parse(json::repair_text(body));
    EngineError error;
    if (root && root->is_object()) {
        if (auto found = find_error(*root)) return *std::move(found);
        // Without any word of its own it gets ours; it is no text for a client.
        error.is_json = (*root)["message"].is_string();
        read_members(*root, error);
        return error;
    }
    error.message = replace_invalid_utf8(trim(body));
    return error;
}

bool says_queue_full(int status, std::string_view type, std::string_view message) {
    return status == 503 && (type == "Service Unavailable" || contains(message, "queue"));
}

bool is_too_long(const EngineError& error) {
    return contains(error.message, "maximum context length") ||
           error.code == "context_length_exceeded" || error.param == "input_tokens" ||
           error.param == "input_text";
}

bool is_model_unknown(int status, const EngineError& error) {
    return status == 404 && (error.param == "model" || error.code == "model_not_found" ||
                             contains(error.message, "does not exist"));
}

Failure answer_failure(const EngineAnswer& answer, const EngineError& error, const Target& target,
                       std::string_view client_model) {
    // A redirect or another odd status is no answer to a request.
    if (answer.status < 400 || answer.status > 599)
        return Failure{Cause::kBroken, fmt::format("engine {} answered with status {}",
                                                   target.engine, answer.status)};
    Failure failure = make_failure(answer.status, error, target, client_model);
    failure.retry_after = answer.retry_after;
    return failure;
}

Failure body_failure(const EngineError& error, const Target& target,
                     std::string_view client_model) {
    return make_failure(error.status != 0 ? error.status : 500, error, target, client_model);
}

}  // namespace segue::llm::openai_engine
