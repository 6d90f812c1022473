/// A bridge carries one client request to one target and the answer back. Sans-IO: the gateway
/// sends the calls it asks for and feeds it what comes; it says what goes to the client. Same
/// dialect on both sides: a relay. Otherwise: a translation.
///
/// Thread: lives on one worker. Lifetime: one attempt. A failed attempt's bridge is thrown away,
/// and another made for the next target, as long as Output::state is kPending.
#pragma once

#include <chrono>
#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "llm/declarations.hpp"
#include "llm/events.hpp"
#include "llm/failure.hpp"
#include "llm/target.hpp"

namespace segue::llm {

/// One HTTP request to the engine. `id` is unique within the bridge.
struct EngineCall {
    std::uint32_t id = 0;
    std::string method = "POST";
    std::string path;  // below the engine's origin: "/v1/chat/completions"
    std::string body;
    std::string content_type = "application/json";
    enum class Answer : std::uint8_t {
        kWhole,   // the whole answer goes to on_answer
        kStream,  // a 2xx answer goes to on_head, on_bytes, on_end as it comes; any other to
                  // on_answer
    } answer = Answer::kWhole;
};

struct EngineAnswer {
    int status = 0;
    std::string content_type;
    std::string body;
    std::optional<std::chrono::seconds> retry_after;
};

/// What the client gets. The gateway owns one for each attempt, takes `bytes` after each call and
/// leaves the rest.
struct Output {
    enum class State : std::uint8_t {
        kPending,    // nothing for the client yet
        kAnswering,  // head is valid; bytes follow as they come (a stream)
        kDone,  // the answer is complete; head is valid; bytes hold the rest (everything, if it was
                // never kAnswering)
        kFailed,  // nothing was given to the client; `failure` says why: another target may be
                  // tried
        kBroken,  // broke after kAnswering; bytes end with the dialect's error; then the connection
                  // is cut
    };
    State state = State::kPending;
    int status = 200;
    std::string content_type;
    std::vector<std::pair<std::string, std::string>>
        headers;  // besides Segue-Ignored and Segue-Adjusted
    std::string bytes;
    std::optional<Failure> failure;
    /// Calls whose answer is not wanted any more (a stop string that Segue matched itself).
    std::vector<std::uint32_t> cancel;
};

/// What was measured of an attempt.
struct Observation {
    std::optional<TimePoint> sent;         // the (last) answering call was written
    std::optional<TimePoint> first_event;  // first text, reasoning, tool call or finish
    std::optional<TimePoint> finished;     // the finish event
    Usage usage;
    bool usage_estimated = false;  // the engine gave no counts: deltas were counted
    std::optional<FinishReason> finish_reason;
    std::uint64_t content_events = 0;  // text, reasoning and tool call events
};

class Bridge {
public:
    virtual ~Bridge() = default;

    /// What to send first. Empty and `out.state == kDone`: answered without the engine.
    virtual Outcome<std::vector<EngineCall>> start(Moment now, Output& out) = 0;
    /// That call was written to a connection.
    virtual void on_sent(std::uint32_t call, Moment now) { (void)call, (void)now; }
    /// A whole answer (kWhole), or a non-2xx answer to a stream. Returns further calls (a repaired
    /// request, the next step); a failure means the attempt failed. May complete `out`.
    virtual Outcome<std::vector<EngineCall>> on_answer(std::uint32_t call, EngineAnswer answer,
                                                       Moment now, Output& out) = 0;
    /// Head of a 2xx answer to a kStream call.
    virtual void on_head(std::uint32_t call, const EngineAnswer& head_without_body, Moment now,
                         Output& out) {
        (void)call, (void)head_without_body, (void)now, (void)out;
    }
    virtual void on_bytes(std::uint32_t call, std::string_view bytes, Moment now, Output& out) = 0;
    virtual void on_end(std::uint32_t call, Moment now, Output& out) = 0;
    /// The transport broke or a deadline passed: sets kFailed, or kBroken with the dialect's
    /// ending.
    virtual void on_broken(const Failure& failure, Moment now, Output& out) = 0;
    /// Called about every 15 s of silence: SSE comment or ping where the dialect allows it. Only
    /// while kAnswering, or (to begin answering) for a stream whose dialect allows keep-alives
    /// before the first event.
    virtual void keep_alive(Moment now, Output& out) { (void)now, (void)out; }

    virtual const Declarations& declarations() const = 0;
    virtual const Observation& observation() const = 0;
};

struct Grounding;

struct BridgeContext {
    Target target;
    Policy policy;
    Moment received;  // the request was read
    std::string request_id;
    /// Passages that the answer is made from (grounding.hpp). Then even an engine of the client's
    /// own dialect is translated for: a relay could not add to the answer.
    std::shared_ptr<const Grounding> grounding = nullptr;
};

/// A client's request, decoded once; bridged anew for each attempt. Immutable.
class FrontRequest {
public:
    virtual ~FrontRequest() = default;
    virtual Dialect front() const = 0;
    /// As the client wrote it; "" if it named none.
    virtual const std::string& model() const = 0;
    virtual bool streaming() const = 0;
    /// The same for all turns of one conversation; 0 = it is none. Asked at most once.
    virtual std::uint64_t affinity_key() const { return 0; }
    /// What is asked, in the canonical form: for what looks for passages. Empty: nothing is asked
    /// (Ollama's loading). The failure says why this request cannot be answered from documents.
    virtual Outcome<std::vector<Message>> turns() const {
        return refuse(Failure::Cause::kBadRequest,
                      "a collection behind a model's name is for chats; use the model's own name "
                      "here",
                      400);
    }
    virtual Outcome<std::unique_ptr<Bridge>> bridge(BridgeContext context) const = 0;
};

}  // namespace segue::llm
