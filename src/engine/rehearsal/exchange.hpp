/// One HTTP request at a rehearsal engine: collects the body, then asks the wire. Lives on the
/// engine's loop, owned by the connection; every send ends the exchange, and nothing may be touched
/// after it.
#pragma once

#include <memory>
#include <string>
#include <string_view>

#include "engine/rehearsal/generation.hpp"
#include "engine/rehearsal/state.hpp"
#include "net/server.hpp"

namespace segue::engine::rehearsal {

class Exchange final : public net::Handler {
public:
    Exchange(EngineState& state, net::Responder& responder);

    void on_head(net::RequestHead head) override;
    void on_body(std::string_view bytes) override;
    void on_body_end() override;
    void on_drained() override;
    void on_client_gone() override;

    EngineState& state() { return state_; }
    const net::RequestHead& head() const { return head_; }
    const std::string& body() const { return body_; }
    /// Headers of every answer: the label, and what the wire adds.
    net::Headers& headers() { return headers_; }

    void send(int status, std::string_view content_type, std::string_view body);
    /// Without body and type.
    void send_empty(int status);
    /// A chunked answer, all of it now.
    void send_chunked(int status, std::string_view content_type, std::string_view body);
    /// Starts the answer; faults are drawn here.
    void generate(std::unique_ptr<AnswerWriter> writer);

private:
    EngineState& state_;
    net::Responder& responder_;
    net::RequestHead head_;
    net::Headers headers_;
    std::string body_;
    std::unique_ptr<Generation> generation_;
};

/// The wires and the switchboard. Each answers the exchange, now or through generate().
void serve_ollama(Exchange& exchange);
void serve_vllm(Exchange& exchange);
/// /rehearsal/faults, /rehearsal/requests, /rehearsal/state.
void serve_control(Exchange& exchange);

}  // namespace segue::engine::rehearsal
