/// What a dispatch knows of the engine it is at; private to dispatch.cpp and dispatch_answer.cpp.
#pragma once

#include <memory>
#include <utility>
#include <vector>

#include "gateway/dispatch.hpp"

namespace segue::gateway {

/// One call to the engine; hands everything to the dispatch. After the answer is whole it may
/// outlive the dispatch for a moment: then it only waits for the end of the body.
struct Dispatch::Call final : net::ResponseHandler {
    Call(Dispatch& dispatch, llm::EngineCall& asked)
        : owner(dispatch), client(dispatch.context_.client), id(asked.id), wanted(asked.answer) {}
    void on_sent() override {
        if (live) owner.attempt_on_sent(*this);
    }
    void on_head(const net::ResponseHead& head) override {
        if (live) owner.on_call_head(*this, head);
    }
    void on_body(std::string_view bytes) override {
        if (live) return owner.on_call_body(*this, bytes);
        client.cancel(handle);  // more of an answer that nobody wants
    }
    void on_end() override {
        if (live) owner.on_call_end(*this);
    }
    void on_error(const net::CallError& error) override {
        if (live) owner.on_call_error(*this, error);
    }

    Dispatch& owner;  // only while live
    net::Client& client;
    const std::uint32_t id;
    const llm::EngineCall::Answer wanted;
    net::CallId handle;
    llm::EngineAnswer answer;
    bool streaming = false;  // its bytes go straight to the bridge
    bool live = true;
};

struct Dispatch::Attempt {
    Attempt(std::shared_ptr<engine::Engine> at, engine::Visit entered)
        : engine(std::move(at)), visit(std::move(entered)) {}

    std::shared_ptr<engine::Engine> engine;
    engine::Visit visit;
    Slot slot;
    bool overloaded = false;  // the engine had no room, or no time
    bool has_event = false;   // its first one was seen
    std::unique_ptr<llm::Bridge> bridge;
    llm::Output out;
    /// What the breaker is told; set where the transport knows better than the failure's cause.
    engine::Breaker::Verdict verdict;
    bool asked = false;      // something was sent: an answer made by Segue alone proves nothing
    bool blameless = false;  // the request's own deadline ended it
    std::vector<std::shared_ptr<Call>> calls;
    bool paused = false;
};

}  // namespace segue::gateway
