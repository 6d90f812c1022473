/// For the client's tests: a handler that records what it is told, and a fixture that runs calls
/// against a TestPeer.
#pragma once

#include <gtest/gtest.h>

#include <functional>
#include <memory>
#include <optional>
#include <string>

#include "net/client.hpp"
#include "net/test_peer.hpp"

namespace segue::net {

constexpr const char* kOk = "HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok";

struct Recorder final : ResponseHandler {
    explicit Recorder(Loop& loop) : loop_(loop) {}
    void on_sent() override {
        ++sent;
        if (when_sent) when_sent();
    }
    void on_head(const ResponseHead& got) override {
        ++heads;
        head = got;
        if (when_head) when_head();
    }
    void on_body(std::string_view bytes) override {
        ++pieces;
        body += bytes;
        if (when_body) when_body();
    }
    void on_end() override {
        ++ends;
        over();
    }
    void on_error(const CallError& got) override {
        EXPECT_FALSE(error) << "two errors";
        error = got;
        over();
    }
    void over() {
        if (when_over) return when_over();
        loop_.stop();
    }
    bool is(CallError::Kind kind, CallError::Phase phase) const {
        if (!error) return false;
        EXPECT_EQ(static_cast<int>(error->phase), static_cast<int>(phase)) << error->message;
        EXPECT_EQ(static_cast<int>(error->kind), static_cast<int>(kind)) << error->message;
        EXPECT_FALSE(error->message.empty());
        EXPECT_EQ(ends, 0);
        return error->kind == kind && error->phase == phase;
    }

    Loop& loop_;
    int sent = 0, heads = 0, pieces = 0, ends = 0;
    ResponseHead head;
    std::string body;
    std::optional<CallError> error;
    std::function<void()> when_sent, when_head, when_body, when_over;
};

class ClientTest : public testing::Test {
protected:
    std::unique_ptr<Loop> loop_ = Loop::open().value();

    static ClientRequest get(const TestPeer& peer, std::string path = "/") {
        ClientRequest request;
        request.origin.host = "127.0.0.1";
        request.origin.port = peer.port();
        request.path = std::move(path);
        return request;
    }
    static ClientRequest post(const TestPeer& peer, std::string body) {
        ClientRequest request = get(peer, "/v1/chat");
        request.method = "POST";
        request.body = std::move(body);
        return request;
    }
    void run_for(std::chrono::milliseconds time) {
        loop_->after(time, [this] { loop_->stop(); });
        loop_->run();
    }
    /// One whole call.
    void call(Client& client, ClientRequest request, Recorder& into) {
        // Not forever, when a test fails.
        TimerId limit = loop_->after(std::chrono::seconds(10), [this] {
            ADD_FAILURE() << "the call never ended";
            loop_->stop();
        });
        client.start(std::move(request), into);
        EXPECT_EQ(into.heads + into.ends, 0) << "called before start() returned";
        EXPECT_FALSE(into.error);
        loop_->run();
        loop_->cancel(limit);
    }
    Recorder once(ClientRequest request, ClientOptions options = {}) {
        Client client(*loop_, options);
        Recorder seen(*loop_);
        call(client, std::move(request), seen);
        return seen;
    }
    static TestPeer::Script answer(std::string bytes) {
        return [bytes = std::move(bytes)](PeerSocket& socket) {
            socket.read_request();
            socket.send(bytes);
        };
    }
    static TestPeer::Script serve(std::string bytes) {
        return [bytes = std::move(bytes)](PeerSocket& socket) {
            while (!socket.read_request().empty())
                socket.send(bytes);
        };
    }
};

}  // namespace segue::net
