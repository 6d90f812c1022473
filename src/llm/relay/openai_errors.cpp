#include "llm/relay/openai_errors.hpp"

#include <fmt/format.h>

#include <utility>

#include "base/text.hpp"
#include "llm/openai/engine/errors.hpp"
#include "llm/relay/json_edit.hpp"

namespace segue::llm {
namespace {

using Cause = Failure::Cause;

constexpr std::size_t kMaxPlainText = 500;

bool is_name_char(char c) {
    return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '_' ||
           c == '-' || c == '/' || c == ':';
}

/// A dot ends a sentence or goes on with a name: "qwen2.5".
bool name_goes_on(std::string_view text, std::size_t at) {
    if (at >= text.size()) return false;
    if (text[at] == '.') return at + 1 < text.size() && is_name_char(text[at + 1]);
    return is_name_char(text[at]);
}

bool is_too_long(const OpenAiEngineError& error) {
    return error.message.find("maximum context length") != std::string::npos ||
           error.param == "input_tokens" || error.param == "input_text";
}

bool is_model_unknown(const OpenAiEngineError& error, int status) {
    return status == 404 && (error.param == "model" || error.code == "model_not_found" ||
                             error.message.find("does not exist") != std::string::npos);
}

OpenAiEngineError from_object(json::Value object) {
    OpenAiEngineError error;
    error.message = object["message"].string();
    error.type = object["type"].string();
    error.param = object["param"].string();
    const json::Value code = object["code"];
    if (const auto number = code.integer(); number && *number >= 400 && *number <= 599) {
        error.status = static_cast<int>(*number);
    } else {
        error.code = code.string();
    }
    return error;
}

std::string error_body(const OpenAiEngineError& error, int status) {
    return json::object([&](json::Writer& w) {
        w.key("error").begin_object();
        w.member("message", error.message);
        w.member("type", error.type.empty() ? std::string("invalid_request_error") : error.type);
        if (error.param.empty()) {
            w.member_null("param");
        } else {
            w.member("param", error.param);
        }
        if (error.code.empty()) {
            w.member("code", status);
        } else {
            w.member("code", error.code);
        }
        w.end_object();
    });
}

}  // namespace

std::optional<OpenAiEngineError> read_openai_error(json::Value root) {
    if (!root.is_object()) return std::nullopt;
    const json::Value error = root["error"];
    if (error.is_object()) return from_object(error);
    if (error.is_string() && !error.string().empty()) {
        OpenAiEngineError made;
        made.message = error.string();
        return made;
    }
    if (root["object"].string() == "error" || root["type"].string() == "error") {
        return from_object(root);
    }
    const json::Value detail = root["detail"];
    if (!detail.absent() && root["object"].absent() && root["choices"].absent()) {
        OpenAiEngineError made;
        made.message = detail.is_string() ? detail.string() : detail.raw();
        return made;
    }
    return std::nullopt;
}

std::string with_client_model(std::string_view text, std::string_view served,
                              std::string_view client) {
    if (served.empty() || served == client) return std::string(text);
    std::string out;
    std::size_t position = 0;
    while (true) {
        const std::size_t found = text.find(served, position);
        if (found == std::string_view::npos) break;
        const std::size_t end = found + served.size();
        const bool whole =
            (found == 0 || !is_name_char(text[found - 1])) && !name_goes_on(text, end);
        out += text.substr(position, found - position);
        out += whole ? client : served;
        position = end;
    }
    out += text.substr(position);
    return out;
}

Failure failure_of(const OpenAiEngineError& error, std::string_view served,
                   std::string_view client) {
    Failure failure;
    failure.message = with_client_model(error.message, served, client);
    failure.code = error.code;
    failure.param = error.param;
    const int status = error.status;
    if (status == 401 || status == 403) {
        failure.cause = Cause::kEngineAuth;
        failure.message = "the engine refused the gateway's key";
        failure.code.clear();
    } else if (status == 429) {
        failure.cause = Cause::kRateLimited;
    } else if (openai_engine::says_queue_full(status, error.type, error.message)) {
        failure.cause = Cause::kQueueFull;
    } else if (status >= 500) {
        failure.cause = Cause::kEngineFailed;
        failure.status = status;
    } else if (is_too_long(error)) {
        failure.cause = Cause::kContextTooLong;
        failure.code = "context_length_exceeded";
    } else if (is_model_unknown(error, status)) {
        failure.cause = Cause::kModelNotFound;
        failure.code = "model_not_found";
    } else if (status >= 400) {
        failure.cause = Cause::kEngineRefused;
        failure.status = status;
        failure.type = error.type;
    } else {
        failure.cause =
            Cause::kEngineFailed;  // an error without a status is nobody's fault but its own
    }
    return failure;
}

std::variant<Failure, PassedError> judge_openai_error(const EngineAnswer& answer,
                                                      std::string_view served,
                                                      std::string_view client,
                                                      std::string_view path) {
    json::Parser parser;
    const auto root = parser.parse(answer.body);
    OpenAiEngineError error;
    bool in_shape = false;
    bool route_missing = false;
    if (root) {
        if (auto read = read_openai_error(*root)) error = std::move(*read);
        in_shape = (*root)["error"].is_object();
        route_missing = answer.status == 404 && !in_shape && !(*root)["detail"].absent();
    } else {
        error.message = trim(std::string_view(answer.body).substr(0, kMaxPlainText));
    }
    if (error.message.empty()) error.message = fmt::format("the engine answered {}", answer.status);
    error.status = answer.status;

    const bool hard = answer.status == 401 || answer.status == 403 || answer.status == 429 ||
                      answer.status >= 500 || answer.status < 400;
    if (hard) {
        Failure failure = failure_of(error, served, client);
        failure.retry_after = answer.retry_after;
        return failure;
    }
    if (route_missing) {
        return Failure{Cause::kNotFound, fmt::format("this model's engine does not offer {}", path),
                       404};
    }

    const bool too_long = is_too_long(error);
    const bool unknown = is_model_unknown(error, answer.status);
    if (!in_shape) {
        error.message = with_client_model(error.message, served, client);
        if (too_long) error.code = "context_length_exceeded";
        if (unknown) error.code = "model_not_found";
        return PassedError{answer.status, error_body(error, answer.status)};
    }
    const json::Value object = (*root)["error"];
    ObjectEdit edit(object);
    const std::string message = with_client_model(error.message, served, client);
    if (message != object["message"].string()) edit.replace("message", json::quoted(message));
    if (too_long) edit.set("code", "\"context_length_exceeded\"");
    if (unknown) {
        edit.set("type", "\"invalid_request_error\"");
        edit.set("code", "\"model_not_found\"");
    }
    if (!edit.changed()) return PassedError{answer.status, answer.body};
    ObjectEdit whole(*root);
    whole.replace("error", edit.text());
    return PassedError{answer.status, whole.text()};
}

}  // namespace segue::llm
