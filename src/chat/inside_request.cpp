#include "chat/inside_request.hpp"

#include <utility>

namespace segue::chat {

void InsideRequest::send(net::RequestHead head, std::string_view body, std::string asker) {
    begun_ = worker_.loop.fresh_now();
    head.peer = "inside";
    net::Responder& self = *this;
    exchange_ = std::make_unique<gateway::Exchange>(worker_, self,
                                                    gateway::Exchange::Inside{std::move(asker)});
    exchange_->on_head(std::move(head));
    if (!body.empty()) exchange_->on_body(body);
    exchange_->on_body_end();
}

void InsideRequest::close() {
    if (std::exchange(over_, true) || !exchange_) return;
    exchange_->on_client_gone();
}

void InsideRequest::send_head(int status, const net::Headers& headers, Framing, std::size_t) {
    head_sent_ = true;
    if (!over_) answer_head(status, headers);
}

void InsideRequest::send_body(std::string_view bytes) {
    if (!over_) answer_body(bytes);
}

void InsideRequest::finish() {
    if (!std::exchange(over_, true)) answer_end(Ending::kWhole);
}

void InsideRequest::abort() {
    if (!std::exchange(over_, true)) answer_end(Ending::kCut);
}

}  // namespace segue::chat
