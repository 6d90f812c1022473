/// Where the chat asks engines: the gateway itself, from inside. Each question is a request like a
/// client's (routing, admission, failover, metrics, access log), without a socket, on a loop of its
/// own.
///
/// Thread: ask(), stop_asking() and count() from any; callbacks come on the room's thread and must
/// not block. Lifetime: shorter than the gateway's; stop() ends everything that runs.
#pragma once

#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "base/result.hpp"
#include "chat/types.hpp"
#include "gateway/gateway.hpp"
#include "llm/chat.hpp"

namespace segue::chat {

struct Asking {
    std::string model;  // as a client would name it; "" = the default one
    std::vector<llm::Message> messages;
    std::string asker;     // for the access log: "person:7"
    std::string session;   // the conversation: the same engine keeps its prefix
    bool goes_on = false;  // the last message is an answer to be continued
};

/// How an answer ended.
struct Outcome {
    enum class End : std::uint8_t { kWhole, kStopped, kFailed } end = End::kFailed;
    std::optional<Trouble> trouble;  // kFailed
    bool unreachable = false;        // kFailed: no engine answers; nothing of the request is wrong
    AnswerRecord record;
    std::optional<double> reasoning_ms;
};

/// Told what comes. On the room's thread.
class AnswerListener {
public:
    virtual ~AnswerListener() = default;
    virtual void on_engine(const AnswerRecord& so_far) = 0;  // it has begun
    virtual void on_text(std::string_view piece) = 0;
    virtual void on_reasoning(std::string_view piece) = 0;
    virtual void on_tool_call(const ToolCall& call) = 0;  // whole
    virtual void on_end(Outcome outcome) = 0;             // the last call
};

class EngineRoom {
public:
    static Result<std::unique_ptr<EngineRoom>> open(gateway::Gateway& gateway);
    ~EngineRoom();
    EngineRoom(const EngineRoom&) = delete;
    EngineRoom& operator=(const EngineRoom&) = delete;

    using Ticket = std::uint64_t;
    /// `listener` lives until on_end has returned.
    Ticket ask(Asking asking, std::shared_ptr<AnswerListener> listener);
    /// Closes the request; on_end comes with kStopped (unless it came before).
    void stop_asking(Ticket ticket);
    /// Exact number of tokens of a prompt, where the engine can count. Blocks; not on the room's
    /// thread.
    std::optional<std::int64_t> count(const std::string& model,
                                      const std::vector<llm::Message>& messages,
                                      const std::string& asker);
    void stop();

private:
    struct Impl;
    explicit EngineRoom(std::unique_ptr<Impl> impl);
    std::unique_ptr<Impl> impl_;
};

/// What is asked where nobody names a model: the configured one, else the first that answers, else
/// the first; "" = there is none.
std::string default_model(const engine::Registry& registry);

/// Of the engine that would answer first: its tokens' limit, and whether it sees pictures.
struct ModelFacts {
    bool known = false;
    bool healthy = false;
    std::optional<std::int64_t> limit;
    std::optional<bool> sees;  // nothing: it does not tell
    bool is_vllm = false;
};
ModelFacts facts_of(const engine::Registry& registry, std::string_view model);

}  // namespace segue::chat
