/// For tests of the server: a real Server on its own thread and port, and a client of raw sockets.
#pragma once

#include <arpa/inet.h>
#include <gtest/gtest.h>
#include <netinet/in.h>
#include <poll.h>
#include <sys/socket.h>
#include <unistd.h>

#include <atomic>
#include <chrono>
#include <condition_variable>
#include <cstring>
#include <functional>
#include <map>
#include <memory>
#include <mutex>
#include <optional>
#include <string>
#include <thread>
#include <utility>

#include "net/server.hpp"

namespace segue::net::testkit {

/// What happened in handlers, seen from the test's thread.
class Journal {
public:
    void note(const std::string& line) {
        const std::lock_guard lock(mutex_);
        text_ += line + "\n";
        changed_.notify_all();
    }
    bool wait_for(std::string_view wanted,
                  std::chrono::milliseconds most = std::chrono::seconds(5)) {
        std::unique_lock lock(mutex_);
        return changed_.wait_for(lock, most,
                                 [&] { return text_.find(wanted) != std::string::npos; });
    }
    std::string text() {
        const std::lock_guard lock(mutex_);
        return text_;
    }

private:
    std::mutex mutex_;
    std::condition_variable changed_;
    std::string text_;
};

class ScriptedHandler;
/// What a path does; called on each step of its handler.
struct Script {
    std::function<void(ScriptedHandler&)> on_head;
    std::function<void(ScriptedHandler&)> on_end;
    std::function<void(ScriptedHandler&)> on_drained;
};

class ScriptedHandler final : public Handler {
public:
    ScriptedHandler(Responder& out, const std::map<std::string, Script>& scripts, Journal& log)
        : responder(out), journal(log), scripts_(scripts) {}
    ~ScriptedHandler() override {
        responder.loop().cancel(timer);
        journal.note("destroyed " + head.path);
    }
    void on_head(RequestHead got) override {
        head = std::move(got);
        journal.note("head " + head.method + " " + head.target);
        if (const auto found = scripts_.find(head.path); found != scripts_.end())
            script_ = &found->second;
        if (script_ != nullptr && script_->on_head) script_->on_head(*this);
    }
    void on_body(std::string_view bytes) override { body += bytes; }
    void on_body_end() override {
        journal.note("end " + head.path);
        if (script_ != nullptr && script_->on_end) {
            script_->on_end(*this);
        } else if (script_ == nullptr) {
            responder.respond(200, {{"Content-Type", "text/plain"}},
                              head.method + " " + head.path + " " + body);
        }
    }
    void on_drained() override {
        if (script_ != nullptr && script_->on_drained) script_->on_drained(*this);
    }
    void on_client_gone() override { journal.note("gone " + head.path); }

    Responder& responder;
    Journal& journal;
    RequestHead head;
    std::string body;
    TimerId timer;
    int step = 0;

private:
    const std::map<std::string, Script>& scripts_;
    const Script* script_ = nullptr;
};

class ServerTest : public testing::Test, public Application {
protected:
    void start() {
        loop_ = Loop::open().value();
        listener_.emplace(Listener::open("127.0.0.1:0").value());
        server_ = std::make_unique<Server>(*loop_, *this, limits_);
        server_->accept_from(listener_->fd());
        thread_ = std::thread([this] { loop_->run(); });
    }
    void TearDown() override {
        if (!thread_.joinable()) return;
        loop_->stop();
        thread_.join();
        server_.reset();
        EXPECT_EQ(opened_.load(), closed_.load());
    }
    /// Runs on the server's thread and waits for it.
    void on_loop(const std::function<void()>& task) {
        std::atomic<bool> done{false};
        loop_->post([&] {
            task();
            done = true;
            done.notify_all();
        });
        done.wait(false);
    }
    std::size_t connections() {
        std::size_t count = 0;
        on_loop([&] { count = server_->connections(); });
        return count;
    }
    bool eventually(const std::function<bool()>& holds) {
        for (int i = 0; i < 500; ++i) {
            if (holds()) return true;
            std::this_thread::sleep_for(std::chrono::milliseconds(10));
        }
        return false;
    }

    std::unique_ptr<Handler> make_handler(Responder& responder) override {
        return std::make_unique<ScriptedHandler>(responder, scripts_, journal_);
    }
    std::pair<std::string, std::string> render_error(const ProtocolError& error) override {
        return {"[" + error.target + "] " + error.message, "text/plain"};
    }
    void on_connection_opened() override { ++opened_; }
    void on_connection_closed() override { ++closed_; }
    void on_refused(Refusal refusal) override {
        ++refused_;
        if (refusals_.size() < 4096) refusals_.append(refusal_name(refusal)).append(" ");
    }

    ServerLimits limits_;
    std::map<std::string, Script> scripts_;
    Journal journal_;
    std::unique_ptr<Loop> loop_;
    std::optional<Listener> listener_;
    std::unique_ptr<Server> server_;
    std::thread thread_;
    std::atomic<int> opened_{0};
    std::atomic<int> closed_{0};
    std::atomic<int> refused_{0};
    std::string refusals_;  // on the loop's thread
};

/// A blocking client that sends and receives bytes as they are.
class RawClient {
public:
    explicit RawClient(std::uint16_t port, int receive_buffer = 0) {
        fd_ = ::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
        if (receive_buffer > 0)
            ::setsockopt(fd_, SOL_SOCKET, SO_RCVBUF, &receive_buffer, sizeof receive_buffer);
        sockaddr_in address{};
        address.sin_family = AF_INET;
        address.sin_port = htons(port);
        address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
        const void* raw = &address;
        EXPECT_EQ(::connect(fd_, static_cast<const sockaddr*>(raw), sizeof address), 0);
    }
    ~RawClient() { close(); }
    RawClient(const RawClient&) = delete;
    RawClient& operator=(const RawClient&) = delete;

    void close() {
        if (fd_ >= 0) ::close(std::exchange(fd_, -1));
    }
    void reset() {
        const linger now{.l_onoff = 1, .l_linger = 0};
        ::setsockopt(fd_, SOL_SOCKET, SO_LINGER, &now, sizeof now);
        close();
    }
    void shut() { ::shutdown(fd_, SHUT_WR); }
    /// False when the server refused to take it.
    bool send(std::string_view bytes) {
        while (!bytes.empty()) {
            const auto sent = ::send(fd_, bytes.data(), bytes.size(), MSG_NOSIGNAL);
            if (sent < 0) return false;
            bytes.remove_prefix(static_cast<std::size_t>(sent));
        }
        return true;
    }
    /// Reads until `wanted` is in the text, or the end.
    std::string until(std::string_view wanted) {
        while (text_.find(wanted) == std::string::npos && read_more()) {
        }
        const auto at = text_.find(wanted);
        const std::size_t size = at == std::string::npos ? text_.size() : at + wanted.size();
        std::string out = text_.substr(0, size);
        text_.erase(0, size);
        return out;
    }
    /// Reads to the end of the connection.
    std::string rest() {
        while (read_more()) {
        }
        return std::exchange(text_, {});
    }
    /// One answer with Content-Length.
    std::string answer() {
        std::string head = until("\r\n\r\n");
        const auto at = head.find("Content-Length: ");
        if (at == std::string::npos) return head;
        const std::size_t length = std::stoul(head.substr(at + 16));
        while (text_.size() < length && read_more()) {
        }
        head += text_.substr(0, length);
        text_.erase(0, std::min(length, text_.size()));
        return head;
    }
    /// Takes about `size` bytes; how many it took.
    std::size_t some(std::size_t size) {
        while (text_.size() < size && read_more()) {
        }
        return std::exchange(text_, {}).size();
    }
    /// Until the sum of what came is `size`.
    std::size_t rest_of(std::size_t size) {
        std::size_t sum = 0;
        while (sum < size && !end_)
            sum += some(1);
        return sum;
    }
    bool was_reset() const { return reset_; }
    bool at_end() const { return end_; }

private:
    bool read_more() {
        pollfd ready{.fd = fd_, .events = POLLIN, .revents = 0};
        if (::poll(&ready, 1, 8000) != 1) {
            ADD_FAILURE() << "nothing came for 8 s after: " << text_;
            return false;
        }
        char buffer[16384];
        const auto got = ::recv(fd_, buffer, sizeof buffer, 0);
        if (got <= 0) {
            end_ = true;
            reset_ = got < 0;
            return false;
        }
        text_.append(buffer, static_cast<std::size_t>(got));
        return true;
    }
    int fd_ = -1;
    std::string text_;
    bool end_ = false;
    bool reset_ = false;
};

inline int status_of(const std::string& answer) {
    return answer.size() > 12 ? std::atoi(answer.c_str() + 9) : 0;
}
inline std::string body_of(const std::string& answer) {
    const auto at = answer.find("\r\n\r\n");
    return at == std::string::npos ? std::string{} : answer.substr(at + 4);
}

}  // namespace segue::net::testkit
