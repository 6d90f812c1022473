// Any bytes after the connection preface, in two writes, against a whole server: it must not crash,
// leak, or leave a handler behind.
#include <fcntl.h>
#include <sys/socket.h>
#include <unistd.h>

#include <cstddef>
#include <cstdint>
#include <cstdlib>
#include <string>

#include "net/http2_connection.hpp"
#include "net/server.hpp"

namespace {

using namespace segue::net;

int alive = 0;

/// Answers at once, streams, cuts its answer or stays silent: the path's first letter says which.
class FuzzHandler final : public Handler {
public:
    explicit FuzzHandler(Responder& responder) : responder_(responder) { ++alive; }
    ~FuzzHandler() override { --alive; }
    void on_head(RequestHead head) override {
        kind_ = head.path.size() > 1 ? head.path[1] : 'e';
        if (kind_ == 'h') responder_.respond(401, {}, "no");
        if (kind_ == 's') responder_.send_head(200, {}, Responder::Framing::kChunked);
    }
    void on_body(std::string_view bytes) override {
        if (kind_ == 's') responder_.send_body(bytes);
        if (kind_ == 'e' && body_.size() < 100'000) body_ += bytes;
    }
    void on_body_end() override {
        if (kind_ == 's') responder_.finish();
        if (kind_ == 'e') responder_.respond(200, {{"x-y", "z"}}, body_);
        if (kind_ == 'c') {
            responder_.send_head(200, {}, Responder::Framing::kChunked);
            responder_.send_body("cut");
            responder_.abort();
        }
    }
    void on_client_gone() override {
        if (gone_) std::abort();
        gone_ = true;
    }

private:
    Responder& responder_;
    std::string body_;
    char kind_ = 'e';
    bool gone_ = false;
};

class FuzzApplication final : public Application {
public:
    std::unique_ptr<Handler> make_handler(Responder& responder) override {
        return std::make_unique<FuzzHandler>(responder);
    }
    std::pair<std::string, std::string> render_error(const ProtocolError& error) override {
        return {error.message, "text/plain"};
    }
};

void turn(Loop& loop, int times) {
    for (int i = 0; i < times; ++i) {
        loop.post([&] { loop.stop(); });
        loop.run();
    }
}

void drain(int fd) {
    char buffer[65536];
    while (::recv(fd, buffer, sizeof buffer, MSG_DONTWAIT) > 0) {
    }
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
    if (size == 0 || size > 60'000) return 0;
    const std::size_t cut = data[0] * size / 256;
    const std::string bytes(data + 1, data + size);
    int ends[2];
    if (::socketpair(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0, ends) != 0) return 0;
    {
        const auto loop = std::move(*Loop::open());
        FuzzApplication application;
        ServerLimits limits;
        limits.max_header_bytes = 1024;
        limits.max_headers = 16;
        limits.max_body_bytes = 8192;
        limits.max_streams = 8;
        limits.high_water = 4096;
        limits.low_water = 1024;
        Server server(*loop, application, limits);
        server.adopt(ends[0], "fuzz");
        const std::string first =
            std::string(Http2Connection::kPreface) + bytes.substr(0, std::min(cut, bytes.size()));
        [[maybe_unused]] auto sent = ::send(ends[1], first.data(), first.size(), MSG_NOSIGNAL);
        turn(*loop, 4);
        drain(ends[1]);
        const std::string second = bytes.substr(std::min(cut, bytes.size()));
        sent = ::send(ends[1], second.data(), second.size(), MSG_NOSIGNAL);
        turn(*loop, 4);
        drain(ends[1]);
        ::close(ends[1]);
        turn(*loop, 4);
        server.close_all();
        turn(*loop, 2);
    }
    if (alive != 0) std::abort();
    return 0;
}
