/// What can go wrong with a request, once, and how each front says it (wire.md 1.3, 2.2, 3.10).
#pragma once

#include <chrono>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <tl/expected.hpp>
#include <utility>
#include <vector>

#include "llm/chat.hpp"

namespace segue::llm {

struct Failure {
    enum class Cause : std::uint8_t {
        kBadRequest,    // the client's fault; `status` 400 unless the dialect has another (Ollama:
                        // 500 for options)
        kUnauthorized,  // Segue wants a key
        kForbidden,
        kModelNotFound,
        kNotFound,  // unknown path or object
        kMethodNotAllowed,
        kTooLarge,        // body over the limit: 413
        kMediaType,       // content coding we cannot read: 415
        kContextTooLong,  // the prompt does not fit
        kUnsupported,     // 501: no engine behind this can do it
        kRateLimited,     // 429
        kQueueFull,       // 503 / 503 / 529
        kUnreachable,     // refused, loading, dead, no healthy target: 503 / 503 / 529
        kTimeout,         // a deadline before the first byte: 504
        kEngineRefused,   // engine's 4xx about this request; `status` is the engine's
        kEngineAuth,      // engine's 401/403: Segue's key is wrong: 502
        kEngineFailed,    // engine's 5xx; `status` is the engine's
        kBroken,          // the answer broke off or made no sense: 502 before the first byte
        kInternal,
    };
    Cause cause = Cause::kInternal;
    std::string message;     // what the client reads
    int status = 0;          // 0 = what the cause means in the front's dialect
    std::string code = {};   // OpenAI's error.code; "" = by cause
    std::string type = {};   // OpenAI's error.type as the engine gave it; "" = by cause
    std::string param = {};  // OpenAI's error.param
    std::optional<std::chrono::seconds> retry_after = {};
    bool last_word = false;  // every target was tried: adds x-should-retry: false
    /// What the model wrote cannot be said in the front's dialect (tool arguments that are no
    /// JSON): the engine is not to blame, and a client's prompt can bring it about.
    bool models_fault = false;
    std::optional<std::int64_t> prompt_tokens = {};  // kContextTooLong: what was counted, and
    std::optional<std::int64_t> limit_tokens = {};   // what fits

    /// May another target answer instead (before the first byte)?
    bool may_fail_over() const;
};

inline tl::unexpected<Failure> refuse(Failure::Cause cause, std::string message, int status = 0) {
    return tl::unexpected<Failure>(Failure{cause, std::move(message), status});
}

template <class T>
using Outcome = tl::expected<T, Failure>;

/// Status for that front.
int failure_status(Dialect front, const Failure& failure);

struct RenderedFailure {
    int status;
    std::string content_type;
    std::string body;
    std::vector<std::pair<std::string, std::string>> headers;  // Retry-After, x-should-retry
};
/// An error before the first byte, in the front's shape.
RenderedFailure render_failure(Dialect front, const Failure& failure, std::string_view request_id);
/// An error inside a stream: NDJSON line, SSE data, or SSE `event: error`. The caller cuts the
/// connection after it.
std::string render_stream_failure(Dialect front, const Failure& failure,
                                  std::string_view request_id);

}  // namespace segue::llm
