#include "engine/rehearsal/exchange.hpp"

#include <utility>

namespace segue::engine::rehearsal {

Exchange::Exchange(EngineState& state, net::Responder& responder)
    : state_(state), responder_(responder) {
    headers_.add("Segue-Engine", kLabel);
}

void Exchange::on_head(net::RequestHead head) {
    head_ = std::move(head);
}

void Exchange::on_body(std::string_view bytes) {
    body_ += bytes;
}

void Exchange::on_body_end() {
    if (head_.path.starts_with("/rehearsal/")) return serve_control(*this);
    state_.remember(head_, body_);
    if (state_.options.dialect == llm::Dialect::kOllama) return serve_ollama(*this);
    serve_vllm(*this);
}

void Exchange::on_drained() {
    if (generation_) generation_->on_drained();
}

void Exchange::on_client_gone() {
    generation_.reset();
}

void Exchange::send(int status, std::string_view content_type, std::string_view body) {
    headers_.set("Content-Type", content_type);
    responder_.respond(status, headers_, body);
}

void Exchange::send_empty(int status) {
    const bool no_length = status == 204 || status == 304;
    responder_.send_head(
        status, headers_,
        no_length ? net::Responder::Framing::kNone : net::Responder::Framing::kLength, 0);
    responder_.finish();
}

void Exchange::send_chunked(int status, std::string_view content_type, std::string_view body) {
    headers_.set("Content-Type", content_type);
    responder_.send_head(status, headers_, net::Responder::Framing::kChunked);
    responder_.send_body(body);
    responder_.finish();
}

void Exchange::generate(std::unique_ptr<AnswerWriter> writer) {
    generation_ = std::make_unique<Generation>(state_, responder_, headers_, std::move(writer),
                                               state_.faults.draw());
    generation_->begin();
}

}  // namespace segue::engine::rehearsal
