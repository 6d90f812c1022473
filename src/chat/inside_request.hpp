/// One request to the gateway without a socket: a net::Responder whose answer is handed on piece by
/// piece.
///
/// Thread: one loop. Lifetime: its owner's; close() before it goes while the answer is still under
/// way.
#pragma once

#include <memory>
#include <string>
#include <string_view>

#include "gateway/exchange.hpp"
#include "gateway/gateway.hpp"
#include "net/server.hpp"

namespace segue::chat {

class InsideRequest : private net::Responder {
public:
    explicit InsideRequest(gateway::Worker& worker) : worker_(worker) {}
    InsideRequest(const InsideRequest&) = delete;
    InsideRequest& operator=(const InsideRequest&) = delete;

    void send(net::RequestHead head, std::string_view body, std::string asker);
    /// The answer is not wanted any more.
    void close();

protected:
    virtual void answer_head(int status, const net::Headers& headers) = 0;
    virtual void answer_body(std::string_view bytes) = 0;
    /// kWhole: finish() was said; kCut: it broke. Nothing comes after it. The exchange may still be
    /// on the stack: destroy this object later (Loop::defer).
    enum class Ending : bool { kWhole, kCut };
    virtual void answer_end(Ending ending) = 0;
    TimePoint begun() const { return begun_; }

private:
    void send_head(int status, const net::Headers& headers, Framing framing,
                   std::size_t length) override;
    void send_body(std::string_view bytes) override;
    void finish() override;
    void abort() override;
    void close_after() override {}
    bool head_sent() const override { return head_sent_; }
    std::size_t unsent() const override { return 0; }
    TimePoint started() const override { return begun_; }
    net::Loop& loop() override { return worker_.loop; }

    gateway::Worker& worker_;
    std::unique_ptr<gateway::Exchange> exchange_;
    TimePoint begun_{};
    bool head_sent_ = false;
    bool over_ = false;
};

}  // namespace segue::chat
