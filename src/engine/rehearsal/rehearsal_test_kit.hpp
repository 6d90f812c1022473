/// For tests of the rehearsal engine: an engine on its own thread, and a blocking HTTP client of
/// raw sockets, so that neither Segue's client nor its parsers can hide a mistake.
#pragma once

#include <arpa/inet.h>
#include <gtest/gtest.h>
#include <netinet/in.h>
#include <poll.h>
#include <sys/socket.h>
#include <unistd.h>

#include <chrono>
#include <map>
#include <nlohmann/json.hpp>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "base/text.hpp"
#include "engine/rehearsal/engine.hpp"

namespace segue::engine::rehearsal::testkit {

using nlohmann::json;

struct Reply {
    int status = 0;
    std::map<std::string, std::string> headers;  // lower-case names
    std::string body;
    bool whole = false;  // the framing's end was seen
    json parsed() const { return json::parse(body, nullptr, false); }
    /// The JSON of each line or of each `data:` event; [DONE] is left out.
    std::vector<json> events() const {
        std::vector<json> out;
        for (std::string_view line : split(body, '\n')) {
            if (line.starts_with("data: ")) line.remove_prefix(6);
            if (line.empty() || line == "[DONE]" || line.starts_with("event:")) continue;
            out.push_back(json::parse(line, nullptr, false));
        }
        return out;
    }
};

class Socket {
public:
    explicit Socket(const std::string& address) : fd_(::socket(AF_INET, SOCK_STREAM, 0)) {
        sockaddr_in to{};
        to.sin_family = AF_INET;
        to.sin_port =
            htons(static_cast<std::uint16_t>(std::stoi(address.substr(address.rfind(':') + 1))));
        to.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
        EXPECT_EQ(0, ::connect(fd_, reinterpret_cast<sockaddr*>(&to), sizeof to));
    }
    ~Socket() { close(); }
    Socket(const Socket&) = delete;
    Socket& operator=(const Socket&) = delete;
    void close() {
        if (fd_ >= 0) ::close(fd_);
        fd_ = -1;
    }
    void send(std::string_view bytes) {
        while (!bytes.empty()) {
            const ssize_t sent = ::send(fd_, bytes.data(), bytes.size(), MSG_NOSIGNAL);
            if (sent <= 0) return;
            bytes.remove_prefix(static_cast<std::size_t>(sent));
        }
    }
    /// Appends what comes; false at the end, on an error, or after `patience` of silence.
    bool receive(std::string& into, std::chrono::milliseconds patience = std::chrono::seconds(10)) {
        pollfd waiting{fd_, POLLIN, 0};
        if (::poll(&waiting, 1, static_cast<int>(patience.count())) <= 0) return false;
        char buffer[65536];
        const ssize_t got = ::recv(fd_, buffer, sizeof buffer, 0);
        if (got > 0) into.append(buffer, static_cast<std::size_t>(got));
        return got > 0;
    }

private:
    int fd_;
};

using HeaderList = std::vector<std::pair<std::string, std::string>>;

inline std::string request_text(const std::string& method, const std::string& path,
                                const std::string& body, const HeaderList& headers = {}) {
    std::string out = method + " " + path + " HTTP/1.1\r\nConnection: close\r\n";
    std::string names;
    for (const auto& [name, value] : headers) {
        out += name + ": " + value + "\r\n";
        names += to_lower(name) + ";";
    }
    if (names.find("host;") == std::string::npos) out += "Host: localhost\r\n";
    if (names.find("content-type;") == std::string::npos)
        out += "Content-Type: application/json\r\n";
    if (!body.empty() || method == "POST")
        out += "Content-Length: " + std::to_string(body.size()) + "\r\n";
    return out + "\r\n" + body;
}

inline Reply read_reply(Socket& socket, std::string_view method = "GET",
                        std::chrono::milliseconds patience = std::chrono::seconds(10)) {
    std::string all;
    while (socket.receive(all, patience)) {
    }
    Reply out;
    const std::size_t end = all.find("\r\n\r\n");
    if (end == std::string::npos) return out;
    out.status = std::stoi(all.substr(9, 3));
    for (std::string_view line : split(std::string_view(all).substr(0, end), '\n')) {
        const std::size_t colon = line.find(": ");
        if (colon != std::string_view::npos) {
            out.headers[to_lower(line.substr(0, colon))] = trim(line.substr(colon + 2));
        }
    }
    std::string_view rest = std::string_view(all).substr(end + 4);
    if (out.headers["transfer-encoding"] != "chunked") {
        out.body = rest;
        const std::string& length = out.headers["content-length"];
        out.whole = method == "HEAD" || length.empty() || std::stoul(length) == rest.size();
        return out;
    }
    while (true) {
        const std::size_t line = rest.find("\r\n");
        if (line == std::string_view::npos) break;
        const std::size_t size = std::stoul(std::string(rest.substr(0, line)), nullptr, 16);
        if (size == 0) {
            out.whole = true;
            break;
        }
        out.body += rest.substr(line + 2, size);
        if (rest.size() < line + 4 + size) break;
        rest.remove_prefix(line + 4 + size);
    }
    return out;
}

class RehearsalTest : public ::testing::Test {
protected:
    void start(RehearsalOptions options) {
        auto started = RehearsalThread::start(std::move(options), "127.0.0.1:0");
        ASSERT_TRUE(started.has_value()) << started.error().detail;
        engine_ = std::move(*started);
    }
    void start_tiny(llm::Dialect dialect) { start(tiny_rehearsal(dialect)); }

    Reply call(const std::string& method, const std::string& path, const std::string& body = {},
               const HeaderList& headers = {}) {
        Socket socket(engine_->address());
        socket.send(request_text(method, path, body, headers));
        return read_reply(socket, method);
    }
    Reply post(const std::string& path, const json& body, const HeaderList& headers = {}) {
        return call("POST", path, body.dump(), headers);
    }
    json state() { return call("GET", "/rehearsal/state").parsed(); }
    /// Asks for /rehearsal/state until `holds`, for at most five seconds.
    template <class Condition>
    bool wait_for_state(Condition&& holds) {
        const auto deadline = std::chrono::steady_clock::now() + std::chrono::seconds(5);
        while (std::chrono::steady_clock::now() < deadline) {
            if (holds(state())) return true;
            ::usleep(2000);
        }
        return false;
    }

    std::unique_ptr<RehearsalThread> engine_;
};

}  // namespace segue::engine::rehearsal::testkit
