/// Carries one decoded request to engines and the answer to the client: attempts, deadlines,
/// failover before the first byte, back-pressure, cancelling. The only place that moves bytes
/// between an engine's connection and a client's.
///
/// Thread: one worker. Lifetime: owned by the Exchange; over when `done` was called, which happens
/// once.
#pragma once

#include <functional>
#include <memory>
#include <string>
#include <vector>

#include "engine/registry.hpp"
#include "gateway/config.hpp"
#include "gateway/entrance.hpp"
#include "gateway/record.hpp"
#include "llm/bridge.hpp"
#include "net/client.hpp"
#include "net/server.hpp"

namespace segue::gateway {

class Dispatch {
public:
    struct Context {
        net::Loop& loop;
        net::Client& client;
        const Clock& clock;
        telemetry::Shard& shard;
        net::Responder& responder;
        std::shared_ptr<const GatewayConfig> config;
        const net::Headers& response_headers;  // request id, CORS: put on every answer
        const net::Headers& engine_headers;    // request id, traceparent: sent to the engine
        RequestRecord& record;                 // owned by the Exchange
        std::shared_ptr<const AdmissionTable> admissions;
        /// Passages that the answer is made from; null: none.
        std::shared_ptr<const llm::Grounding> grounding = nullptr;
        /// Answers the client instead, where no engine does and nothing was sent; empty: the
        /// failure is told.
        std::function<void(const llm::Failure&)> without_engine = nullptr;
    };
    Dispatch(Context context, std::shared_ptr<const llm::FrontRequest> request,
             engine::Resolution resolution, std::function<void()> done);
    ~Dispatch();
    Dispatch(const Dispatch&) = delete;
    Dispatch& operator=(const Dispatch&) = delete;

    void start();
    void on_drained();
    void on_client_gone();

private:
    struct Attempt;
    struct Call;
    llm::Moment moment();
    void next_attempt();
    std::optional<engine::Visit> visit_first();
    void begin_attempt(Slot slot, std::optional<engine::Visit> visit);
    void send(std::vector<llm::EngineCall> calls);
    void take(llm::Outcome<std::vector<llm::EngineCall>> outcome);
    void pump();
    void send_head();
    void attempt_on_sent(Call& call);
    void on_call_head(Call& call, const net::ResponseHead& head);
    void on_call_body(Call& call, std::string_view bytes);
    void on_call_end(Call& call);
    void on_call_error(Call& call, const net::CallError& error);
    void attempt_failed(const llm::Failure& failure);
    void break_off(const llm::Failure& failure);
    void close_attempt(const llm::Failure* failure);
    void let_end(const std::shared_ptr<Call>& call);
    void give_up(const llm::Failure& failure);
    void refuse(const llm::Failure& failure);
    void arm_keep_alive();
    void finish();

    Context context_;
    std::shared_ptr<const llm::FrontRequest> request_;
    engine::Resolution resolution_;
    std::function<void()> done_;
    Entrance entrance_;
    std::unique_ptr<Attempt> attempt_;
    std::vector<std::unique_ptr<Attempt>>
        closed_;  // kept until the end: their calls may be on the stack
    std::size_t next_candidate_ = 0;
    net::TimerId total_timer_;
    net::TimerId first_event_timer_;
    net::TimerId keep_alive_timer_;
    TimePoint last_bytes_{};
    bool over_ = false;
};

/// Sends a failure in the front's shape. Used by everything that answers before a dispatch exists.
void respond_failure(net::Responder& responder, llm::Dialect front, const llm::Failure& failure,
                     const net::Headers& headers, RequestRecord& record);

}  // namespace segue::gateway
