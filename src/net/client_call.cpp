#include "net/client_call.hpp"

#include <fmt/format.h>

#include <utility>

#include "net/client_core.hpp"
#include "net/client_request.hpp"
#include "net/resolver.hpp"

namespace segue::net {

ClientCall::ClientCall(ClientCore& core, ClientRequest request, ResponseHandler& handler)
    : core_(core),
      request_(std::move(request)),
      handler_(&handler),
      pool_key_(ClientPool::key(request_.origin, request_.tls.get())) {
}

ClientCall::~ClientCall() {
    abandon();
}

void ClientCall::schedule(CallId self) {
    self_ = self;
    if (request_.deadlines.total.count() > 0) {
        total_timer_ = core_.loop().after(request_.deadlines.total, [this] {
            total_timer_ = {};
            fail(Phase::kTotal, Kind::kTimeout, "the call took too long");
        });
    }
    core_.loop().defer([&core = core_, alive = core_.alive(), self] {
        if (alive.expired()) return;
        if (ClientCall* call = core.find(self)) call->begin();
    });
}

void ClientCall::abandon() {
    handler_ = nullptr;
    core_.loop().cancel(phase_timer_);
    core_.loop().cancel(total_timer_);
    if (lookup_ != 0) Resolver::shared().cancel(std::exchange(lookup_, 0));
    drop_connection();
}

void ClientCall::drop_connection() {
    if (connection_ == nullptr) return;
    connection_->close();
    core_.retire(std::move(connection_));
}

void ClientCall::begin() {
    if (auto connection = core_.pool().take(pool_key_)) {
        reused_ = true;
        exchange(std::move(connection));
    } else {
        connect();
    }
}

// The connect deadline is one for name, TCP and TLS.
void ClientCall::connect() {
    phase_ = Phase::kResolve;
    if (request_.deadlines.connect.count() > 0) arm(request_.deadlines.connect);
    const std::string& host = request_.origin.host;
    if (const auto literal = parse_address(host)) return dial({*literal});
    lookup_ = Resolver::shared().resolve(
        host, core_.loop(), [&core = core_, alive = core_.alive(), self = self_](Addresses found) {
            if (alive.expired()) return;
            ClientCall* call = core.find(self);
            if (call == nullptr) return;
            call->lookup_ = 0;
            if (!found)
                return call->fail(Phase::kResolve, Kind::kRefused, std::move(found).error().detail);
            call->dial(std::move(*found));
        });
}

void ClientCall::dial(std::vector<Address> addresses) {
    phase_ = Phase::kConnect;
    ClientConnection::Target target;
    for (Address& address : addresses)
        address.set_port(request_.origin.port);
    if (addresses.size() > 1)
        target.address_limit = request_.deadlines.connect / static_cast<int>(addresses.size());
    target.addresses = std::move(addresses);
    if (request_.origin.scheme == Origin::Scheme::kHttps) {
        const TlsOptions options = request_.tls != nullptr ? *request_.tls : TlsOptions{};
        auto context = core_.tls_context(options);
        if (!context) return fail(Phase::kTls, Kind::kTlsFailed, std::move(context).error().detail);
        target.tls = std::move(*context);
        target.tls_name = options.server_name.empty() ? request_.origin.host : options.server_name;
    }
    connection_ = core_.make_connection();
    connection_->dial(std::move(target), *this);
}

void ClientCall::on_open(ClientConnection&) {
    exchange(std::move(connection_));
}

void ClientCall::on_open_failed(ClientConnection&, CallError error) {
    fail(error.phase, error.kind, std::move(error.message));
}

void ClientCall::exchange(std::unique_ptr<ClientConnection> connection) {
    connection_ = std::move(connection);
    enter(Phase::kSend);
    auto head = request_head(request_);
    if (!head) return fail(Phase::kSend, Kind::kProtocol, std::move(head).error().detail);
    parser_.emplace(request_.max_head_bytes, request_.method == "HEAD"
                                                 ? ResponseParser::Body::kNone
                                                 : ResponseParser::Body::kExpected);
    got_bytes_ = false;
    connection_->set_user(*this);
    connection_->set_reading(!paused_);
    connection_->send(std::move(*head), request_.body);
}

void ClientCall::on_written(ClientConnection&) {
    if (phase_ == Phase::kSend) enter(Phase::kFirstByte);
    handler_->on_sent();
}

void ClientCall::on_bytes(ClientConnection&, std::string_view bytes) {
    got_bytes_ = true;
    last_event_ = core_.loop().now();
    const ResponseParser::Step step = parser_->feed(bytes);
    if (step.head) {
        // An answer that came whole waits for nothing more.
        if (step.status == ResponseParser::Status::kDone)
            phase_ = Phase::kBody;
        else
            enter(Phase::kBody);
        handler_->on_head(parser_->head());
        if (handler_ == nullptr) return;
    } else if (phase_ < Phase::kHead && !parser_->before_answer()) {
        enter(Phase::kHead);
    }
    if (!step.body.empty()) {
        handler_->on_body(step.body);
        if (handler_ == nullptr) return;
    }
    switch (step.status) {
        case ResponseParser::Status::kMore: return;
        case ResponseParser::Status::kBad:
            return fail(phase_, Kind::kProtocol, "broken answer: " + parser_->error());
        case ResponseParser::Status::kDone: break;
    }
    // Bytes behind the answer, or a request that was not read to its end: not to be used again.
    const bool clean = step.consumed == bytes.size() && !connection_->unsent() &&
                       !connection_->write_failed() && parser_->reusable();
    if (clean) core_.pool().put(pool_key_, std::move(connection_));
    succeed();
}

void ClientCall::on_lost(ClientConnection&, ClientConnection::Loss loss, const std::string& why) {
    if (reused_ && !got_bytes_) {
        // C117: the engine closed the idle connection as the request was on its way.
        drop_connection();
        reused_ = false;
        core_.loop().cancel(phase_timer_);
        return connect();
    }
    if (loss == ClientConnection::Loss::kClosed && parser_->finish()) return succeed();
    fail(phase_, Kind::kReset, why);
}

// The call is over before the handler hears of it: it may start the next one from there.
void ClientCall::succeed() {
    ResponseHandler* handler = handler_;
    abandon();
    core_.remove(self_);
    handler->on_end();
}

void ClientCall::fail(Phase phase, Kind kind, std::string message) {
    ResponseHandler* handler = handler_;
    abandon();
    core_.remove(self_);
    handler->on_error(CallError{phase, kind, std::move(message)});
}

void ClientCall::enter(Phase phase) {
    const Duration before = limit();
    phase_ = phase;
    const Duration after = limit();
    last_event_ = core_.loop().now();
    // Head and body share one limit, and its timer goes on.
    if (after == before && phase_ > Phase::kHead) return;
    core_.loop().cancel(phase_timer_);
    if (after > Duration::zero() && !paused_) arm(after);
}

Duration ClientCall::limit() const {
    switch (phase_) {
        case Phase::kResolve:
        case Phase::kConnect:
        case Phase::kTls:
        case Phase::kTotal:
        case Phase::kSend: return Duration::zero();
        case Phase::kFirstByte: return request_.deadlines.first_byte;
        case Phase::kHead:
        case Phase::kBody: return request_.deadlines.between_bytes;
    }
    return Duration::zero();
}

void ClientCall::arm(Duration delay) {
    phase_timer_ = core_.loop().after(delay, [this] {
        phase_timer_ = {};
        on_silence();
    });
}

// Reads only note their time; the timer finds out when it fires. Setting it anew with each read
// would cost more than the read's parsing.
void ClientCall::on_silence() {
    if (phase_ < Phase::kSend) {
        Phase where = phase_;
        if (connection_ != nullptr && connection_->stage() == ClientConnection::Stage::kHandshaking)
            where = Phase::kTls;
        return fail(where, Kind::kTimeout, "no connection in time");
    }
    if (paused_) return;
    const Duration left = limit() - (core_.loop().now() - last_event_);
    if (left > Duration::zero()) return arm(left);
    fail(phase_, Kind::kTimeout,
         phase_ == Phase::kFirstByte ? "no answer in time" : "the answer stopped");
}

void ClientCall::set_paused(bool paused) {
    if (paused_ == paused) return;
    paused_ = paused;
    if (phase_ < Phase::kSend) return;
    connection_->set_reading(!paused);
    if (paused) return;
    last_event_ = core_.loop().now();
    if (!phase_timer_ && limit() > Duration::zero()) arm(limit());
}

}  // namespace segue::net
