#include <fmt/format.h>

#include <optional>
#include <utility>

#include "net/client.hpp"

namespace segue::net {
namespace {

Fault fault_of(const CallError& error) {
    switch (error.kind) {
        case CallError::Kind::kTimeout: return Fault::kTimeout;
        case CallError::Kind::kRefused:
        case CallError::Kind::kReset:
        case CallError::Kind::kProtocol:
        case CallError::Kind::kTlsFailed: return Fault::kUnreachable;
    }
    return Fault::kInternal;
}

class Collector final : public ResponseHandler {
public:
    Collector(Loop& loop, std::size_t limit) : loop_(loop), limit_(limit) {}
    void on_head(const ResponseHead& head) override {
        response_.status = head.status;
        response_.headers = head.headers;
    }
    void on_body(std::string_view bytes) override {
        if (bytes.size() > limit_ - response_.body.size()) {
            too_large_ = true;
            loop_.stop();
            return;
        }
        response_.body += bytes;
    }
    void on_end() override { loop_.stop(); }
    void on_error(const CallError& error) override {
        error_ = error;
        loop_.stop();
    }
    Result<SimpleResponse> result(const Origin& origin) && {
        const std::string where = origin.to_string();
        if (error_)
            return fail(fault_of(*error_),
                        fmt::format("cannot reach {} ({})", where, error_->message));
        if (too_large_)
            return fail(Fault::kTooLarge,
                        fmt::format("the answer of {} is larger than {} bytes", where, limit_));
        return std::move(response_);
    }

private:
    Loop& loop_;
    std::size_t limit_;
    SimpleResponse response_;
    std::optional<CallError> error_;
    bool too_large_ = false;
};

}  // namespace

Result<SimpleResponse> fetch(ClientRequest request, std::size_t max_body_bytes,
                             const std::stop_token& stop) {
    SEGUE_TRY(loop, Loop::open());
    Collector collector(*loop, max_body_bytes);
    const Origin origin = request.origin;
    Client client(*loop);
    client.start(std::move(request), collector);
    const std::stop_callback give_up(stop, [&] {
        loop->post([&] {
            collector.on_error(
                {CallError::Phase::kTotal, CallError::Kind::kRefused, "Segue stops"});
        });
    });
    loop->run();
    return std::move(collector).result(origin);
}

}  // namespace segue::net
