/// What a handler of Segue's own API answers: one piece, a problem, or a stream.
///
/// Thread: made on a crew thread, sent by a worker.
#pragma once

#include <functional>
#include <memory>
#include <string>
#include <string_view>

#include "base/json.hpp"
#include "base/result.hpp"
#include "net/http.hpp"

namespace segue::serve::api {

/// The rest of an answer that comes piece by piece. Made by a handler, then used and destroyed on
/// the worker; what feeds it may live on any thread.
class Tail {
public:
    virtual ~Tail() = default;
    /// Calls `wake`, from any thread, when there may be something to read. After the destructor
    /// has returned `wake` is not called any more.
    virtual void on_ready(std::function<void()> wake) = 0;
    enum class More : bool { kNo, kYes };
    /// Appends what is there, about `room` bytes at most. Never blocks.
    virtual More read(std::size_t room, std::string& out) = 0;
};

struct Reply {
    int status = 200;
    std::string content_type = "application/json";
    std::string body;
    net::Headers headers;
    std::unique_ptr<Tail> tail;  // null: `body` is all
};

/// RFC 9457 problem details. `type`: "" = about:blank.
Reply problem(int status, std::string_view title, std::string_view detail,
              std::string_view type = "");
/// By the error's fault.
Reply problem(const Error& error);
Reply no_content();
Reply event_stream(std::unique_ptr<Tail> tail);

template <std::invocable<json::Writer&> Fill>
Reply json_reply(int status, Fill&& fill) {
    Reply reply;
    reply.status = status;
    reply.body = json::object(std::forward<Fill>(fill));
    return reply;
}

}  // namespace segue::serve::api

/// SEGUE_TRY for handlers: returns the error as a problem.
#define SEGUE_API_TRY(name, ...)                                                         \
    auto SEGUE_CONCAT(segue_try_, __LINE__) = (__VA_ARGS__);                             \
    if (!SEGUE_CONCAT(segue_try_, __LINE__))                                             \
        return ::segue::serve::api::problem(SEGUE_CONCAT(segue_try_, __LINE__).error()); \
    auto name = std::move(*SEGUE_CONCAT(segue_try_, __LINE__))

#define SEGUE_API_TRY_VOID(...)                                                           \
    do {                                                                                  \
        auto segue_try_void = (__VA_ARGS__);                                              \
        if (!segue_try_void) return ::segue::serve::api::problem(segue_try_void.error()); \
    } while (false)
