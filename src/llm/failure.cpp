#include "llm/failure.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <charconv>

#include "base/json.hpp"
#include "base/text.hpp"

namespace segue::llm {
namespace {

using Cause = Failure::Cause;

/// Not a status of its own in HTTP: Anthropic's "overloaded".
constexpr int kOverloaded = 529;

constexpr std::string_view kOllamaQueueFull =
    "server busy, please try again.  maximum pending requests exceeded";
constexpr std::string_view kOllamaTooLong = "the input length exceeds the context length";

/// What a cause means where the failure names no status of its own.
int default_status(Cause cause) {
    switch (cause) {
        case Cause::kBadRequest: return 400;
        case Cause::kUnauthorized: return 401;
        case Cause::kForbidden: return 403;
        case Cause::kModelNotFound: return 404;
        case Cause::kNotFound: return 404;
        case Cause::kMethodNotAllowed: return 405;
        case Cause::kTooLarge: return 413;
        case Cause::kMediaType: return 415;
        case Cause::kContextTooLong: return 400;
        case Cause::kUnsupported: return 501;
        case Cause::kRateLimited: return 429;
        case Cause::kQueueFull: return 503;
        case Cause::kUnreachable: return 503;
        case Cause::kTimeout: return 504;
        case Cause::kEngineRefused: return 400;
        case Cause::kEngineAuth: return 502;
        case Cause::kEngineFailed: return 502;
        case Cause::kBroken: return 502;
        case Cause::kInternal: return 500;
    }
    return 500;
}

/// For a failure that came without words.
std::string_view default_message(Cause cause) {
    switch (cause) {
        case Cause::kBadRequest: return "bad request";
        case Cause::kUnauthorized: return "unauthorized";
        case Cause::kForbidden: return "forbidden";
        case Cause::kModelNotFound: return "model not found";
        case Cause::kNotFound: return "not found";
        case Cause::kMethodNotAllowed: return "method not allowed";
        case Cause::kTooLarge: return "request body too large";
        case Cause::kMediaType: return "content encoding is not supported";
        case Cause::kContextTooLong: return kOllamaTooLong;
        case Cause::kUnsupported: return "not supported by this engine";
        case Cause::kRateLimited: return "too many requests";
        case Cause::kQueueFull: return kOllamaQueueFull;
        case Cause::kUnreachable: return "no engine can answer now";
        case Cause::kTimeout: return "the engine did not answer in time";
        case Cause::kEngineRefused: return "the engine refused the request";
        case Cause::kEngineAuth: return "the engine refused the gateway's key";
        case Cause::kEngineFailed: return "the engine failed";
        case Cause::kBroken: return "the engine's answer broke off";
        case Cause::kInternal: return "internal error";
    }
    return "internal error";
}

struct OpenAiWords {
    std::string_view type;
    std::string_view code;   // "" = null
    std::string_view param;  // "" = null
};

OpenAiWords openai_words(Cause cause) {
    constexpr std::string_view kInvalid = "invalid_request_error";
    constexpr std::string_view kServer = "server_error";
    switch (cause) {
        case Cause::kBadRequest: return {kInvalid, "", ""};
        case Cause::kUnauthorized: return {kInvalid, "invalid_api_key", ""};
        case Cause::kForbidden: return {kInvalid, "forbidden", ""};
        case Cause::kModelNotFound: return {kInvalid, "model_not_found", "model"};
        case Cause::kNotFound: return {kInvalid, "", ""};
        case Cause::kMethodNotAllowed: return {kInvalid, "method_not_supported", ""};
        case Cause::kTooLarge: return {kInvalid, "request_too_large", ""};
        case Cause::kMediaType: return {kInvalid, "unsupported_media_type", ""};
        case Cause::kContextTooLong: return {kInvalid, "context_length_exceeded", "messages"};
        case Cause::kUnsupported: return {kServer, "not_supported", ""};
        case Cause::kRateLimited: return {"rate_limit_error", "rate_limit_exceeded", ""};
        case Cause::kQueueFull: return {kServer, "server_busy", ""};
        case Cause::kUnreachable: return {kServer, "engine_unreachable", ""};
        case Cause::kTimeout: return {kServer, "timeout", ""};
        case Cause::kEngineRefused: return {kInvalid, "", ""};
        case Cause::kEngineAuth: return {kServer, "engine_unauthorized", ""};
        case Cause::kEngineFailed: return {kServer, "upstream_failed", ""};
        case Cause::kBroken: return {kServer, "upstream_failed", ""};
        case Cause::kInternal: return {kServer, "internal_error", ""};
    }
    return {kServer, "", ""};
}

/// Wire 1.14; 413 is Anthropic's own addition.
std::string_view anthropic_type(int status) {
    switch (status) {
        case 400: return "invalid_request_error";
        case 401: return "authentication_error";
        case 403: return "permission_error";
        case 404: return "not_found_error";
        case 413: return "request_too_large";
        case 429: return "rate_limit_error";
        case 503: return "overloaded_error";
        case kOverloaded: return "overloaded_error";
        default: return "api_error";
    }
}

std::string_view message_of(const Failure& failure) {
    return failure.message.empty() ? default_message(failure.cause)
                                   : std::string_view(failure.message);
}

std::string_view ollama_message(const Failure& failure) {
    switch (failure.cause) {
        case Cause::kUnauthorized: return "unauthorized";
        case Cause::kQueueFull: return kOllamaQueueFull;
        case Cause::kContextTooLong: return kOllamaTooLong;
        default: return message_of(failure);
    }
}

/// The number that follows `before`.
std::optional<std::int64_t> number_after(std::string_view text, std::string_view before) {
    const std::size_t found = text.find(before);
    if (found == std::string_view::npos) return std::nullopt;
    const char* begin = text.data() + found + before.size();
    std::int64_t value = 0;
    const auto [end, error] = std::from_chars(begin, text.data() + text.size(), value);
    if (error != std::errc{} || end == begin) return std::nullopt;
    return value;
}

/// Anthropic's clients look for these words and shorten the conversation. Where the session counted
/// nothing, the engine's own text may tell (Ollama's runner, vLLM).
std::string anthropic_too_long(const Failure& failure) {
    std::optional<std::int64_t> tokens = failure.prompt_tokens;
    std::optional<std::int64_t> limit = failure.limit_tokens;
    const std::string_view text = failure.message;
    if (!tokens) tokens = number_after(text, "request (");
    if (!tokens) tokens = number_after(text, "your prompt contains at least ");
    if (!tokens) tokens = number_after(text, "your request has ");
    if (!limit) limit = number_after(text, "context size (");
    if (!limit) limit = number_after(text, "maximum context length is ");
    if (tokens && limit) {
        return fmt::format("prompt is too long: {} tokens > {} maximum", *tokens, *limit);
    }
    return fmt::format("prompt is too long: {}", message_of(failure));
}

bool is_digits(std::string_view text) {
    return !text.empty() &&
           std::all_of(text.begin(), text.end(), [](char c) { return c >= '0' && c <= '9'; });
}

std::string openai_body(const Failure& failure, const OpenAiWords& words) {
    const auto or_null = [](json::Writer& writer, std::string_view name, std::string_view text) {
        if (text.empty()) {
            writer.member_null(name);
        } else {
            writer.member(name, text);
        }
    };
    return json::object([&](json::Writer& writer) {
        writer.key("error").begin_object();
        writer.member("message", message_of(failure));
        writer.member("type", failure.type.empty() ? words.type : std::string_view(failure.type));
        or_null(writer, "param",
                failure.param.empty() ? words.param : std::string_view(failure.param));
        // vLLM's code is a number, the status (wire 2.2): it goes on as it came.
        if (is_digits(failure.code) && failure.code.size() < 10) {
            writer.member_raw("code", failure.code);
        } else {
            or_null(writer, "code",
                    failure.code.empty() ? words.code : std::string_view(failure.code));
        }
        writer.end_object();
    });
}

std::string anthropic_body(const Failure& failure, std::string_view type, std::string request_id) {
    return json::object([&](json::Writer& writer) {
        writer.member("type", "error");
        writer.key("error").begin_object();
        writer.member("type", type);
        if (failure.cause == Cause::kContextTooLong) {
            writer.member("message", anthropic_too_long(failure));
        } else {
            writer.member("message", message_of(failure));
        }
        writer.end_object();
        if (!request_id.empty()) writer.member("request_id", request_id);
    });
}

std::string anthropic_request_id(std::string_view id) {
    if (id.empty() || id.starts_with("req_")) return std::string(id);
    return fmt::format("req_{}", id);
}

std::string ollama_body(const Failure& failure) {
    return json::object(
        [&](json::Writer& writer) { writer.member("error", ollama_message(failure)); });
}

/// Headers that tell a client whether and when to come again (wire 3.10).
void add_retry_headers(Dialect front, const Failure& failure, RenderedFailure& rendered) {
    auto seconds = failure.retry_after;
    if (!seconds && failure.cause == Cause::kQueueFull) seconds = std::chrono::seconds(1);
    const bool later =
        rendered.status == 429 || rendered.status == 503 || rendered.status == kOverloaded;
    if (seconds && later) {
        rendered.headers.emplace_back(
            "Retry-After", fmt::format("{}", std::max<std::int64_t>(seconds->count(), 0)));
    }
    // The SDKs repeat 408, 409, 429 and >= 500 by themselves; Ollama's clients do not.
    if (failure.last_word && front != Dialect::kOllama) {
        rendered.headers.emplace_back("x-should-retry", "false");
    }
}

}  // namespace

bool Failure::may_fail_over() const {
    switch (cause) {
        case Cause::kModelNotFound:  // a target whose engine lost the model; another may have it
        case Cause::kUnsupported:
        case Cause::kRateLimited:
        case Cause::kQueueFull:
        case Cause::kUnreachable:
        case Cause::kTimeout:
        case Cause::kEngineAuth:
        case Cause::kEngineFailed:
        case Cause::kBroken: return true;
        case Cause::kBadRequest:
        case Cause::kUnauthorized:
        case Cause::kForbidden:
        case Cause::kNotFound:
        case Cause::kMethodNotAllowed:
        case Cause::kTooLarge:
        case Cause::kMediaType:
        case Cause::kContextTooLong:
        case Cause::kEngineRefused:
        case Cause::kInternal: return false;
    }
    return false;
}

int failure_status(Dialect front, const Failure& failure) {
    // An engine's 401 must never reach the client as such: Ollama's CLI would try to sign in.
    if (failure.cause == Cause::kEngineAuth) return default_status(failure.cause);
    const bool usable = failure.status >= 400 && failure.status <= 599;
    const int status = usable ? failure.status : default_status(failure.cause);
    if (front == Dialect::kAnthropic && status == 503) return kOverloaded;
    return status;
}

RenderedFailure render_failure(Dialect front, const Failure& failure, std::string_view request_id) {
    RenderedFailure rendered;
    rendered.status = failure_status(front, failure);
    rendered.content_type = "application/json";
    switch (front) {
        case Dialect::kOllama:
            // Routing errors are plain text there (wire 1.1).
            if (failure.cause == Cause::kNotFound && failure.message.empty()) {
                rendered.content_type = "text/plain";
                rendered.body = "404 page not found";
            } else if (failure.cause == Cause::kMethodNotAllowed) {
                rendered.content_type = "text/plain";
                rendered.body = "405 method not allowed";
            } else {
                rendered.content_type = "application/json; charset=utf-8";
                rendered.body = ollama_body(failure);
            }
            break;
        case Dialect::kOpenAi:
            rendered.body = openai_body(failure, openai_words(failure.cause));
            break;
        case Dialect::kAnthropic:
            rendered.body = anthropic_body(failure, anthropic_type(rendered.status),
                                           anthropic_request_id(request_id));
            break;
    }
    add_retry_headers(front, failure, rendered);
    return rendered;
}

std::string render_stream_failure(Dialect front, const Failure& failure,
                                  std::string_view /*request_id*/) {
    switch (front) {
        case Dialect::kOllama: return ollama_body(failure) + "\n";
        case Dialect::kOpenAi: {
            // Whatever broke: the answer was cut, and the client must see that (wire 3.10).
            Failure cut;
            cut.message = message_of(failure);
            return fmt::format("data: {}\n\n",
                               openai_body(cut, {"server_error", "upstream_failed", ""}));
        }
        case Dialect::kAnthropic:
            return fmt::format("event: error\ndata: {}\n\n",
                               anthropic_body(failure, "api_error", {}));
    }
    return {};
}

}  // namespace segue::llm
