// A mock vLLM and Ollama in one for measuring what stands before it: it does what the orders in the
// prompt say (orders.hpp) and nothing else.  usage: segue-bench-upstream PORT
//
// It owes nothing to Segue's own network code, so that a faster Segue does not make a faster
// upstream. One thread, one epoll. /v1/chat/completions (object, or events as vLLM frames them),
// /api/chat (object, or lines as Ollama frames them), and what proxies ask when they look whether
// an engine is there.
#include <arpa/inet.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <signal.h>
#include <strings.h>
#include <sys/epoll.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <unistd.h>

#include <array>
#include <cerrno>
#include <cstdio>
#include <cstdlib>
#include <memory>
#include <queue>
#include <string>
#include <string_view>
#include <vector>

#include "orders.hpp"

namespace {

using bench::Orders;

enum class Dialect : std::uint8_t { kOpenAi, kOllama };

constexpr std::string_view kChunk =
    R"(data: {"id":"chatcmpl-1","object":"chat.completion.chunk","created":1795426549,"model":"bench","choices":[)";
constexpr std::string_view kLine =
    R"({"model":"bench","created_at":"2026-11-24T12:00:00.000000001Z",)";

std::string counts(std::uint32_t events) {
    return R"("usage":{"prompt_tokens":24,"total_tokens":)" + std::to_string(24 + events) +
           R"(,"completion_tokens":)" + std::to_string(events);
}

std::string ollama_end(std::uint32_t events) {
    return R"("done":true,"done_reason":"stop","total_duration":90000000,"load_duration":1000000,"prompt_eval_count":24,"prompt_eval_duration":9000000,"eval_count":)" +
           std::to_string(events) + R"(,"eval_duration":80000000})";
}

void append_chunk(std::string& out, std::string_view bytes) {
    std::array<char, 16> size{};
    out.append(size.data(), static_cast<std::size_t>(
                                std::snprintf(size.data(), size.size(), "%zx\r\n", bytes.size())));
    out.append(bytes).append("\r\n");
}

void append_answer(std::string& out, std::string_view type, std::string_view body,
                   std::string_view status = "200 OK") {
    out.append("HTTP/1.1 ").append(status).append("\r\nContent-Type: ").append(type);
    out.append("\r\nContent-Length: ").append(std::to_string(body.size())).append("\r\n\r\n");
    out.append(body);
}

std::string all_events(const Orders& orders) {
    std::string text;
    const std::uint64_t now = bench::now_ns();
    for (std::uint32_t i = 1; i <= orders.events; ++i)
        bench::append_event(text, orders.marker, i, now);
    return text;
}

void append_object(std::string& out, Dialect dialect, const Orders& orders) {
    std::string body;
    if (dialect == Dialect::kOpenAi)
        body =
            R"({"id":"chatcmpl-1","object":"chat.completion","created":1795426549,"model":"bench","choices":[{"index":0,"message":{"role":"assistant","content":")" +
            all_events(orders) +
            R"(","refusal":null,"annotations":null,"audio":null,"function_call":null,"reasoning":null},"logprobs":null,"finish_reason":"stop","stop_reason":null,"token_ids":null}],)" +
            counts(orders.events) + R"(,"prompt_tokens_details":null}})";
    else
        body = std::string(kLine) + R"("message":{"role":"assistant","content":")" +
               all_events(orders) + R"("},)" + ollama_end(orders.events);
    append_answer(out, "application/json", body);
}

void append_stream_head(std::string& out, Dialect dialect) {
    out.append("HTTP/1.1 200 OK\r\nContent-Type: ");
    out.append(dialect == Dialect::kOpenAi ? "text/event-stream; charset=utf-8"
                                           : "application/x-ndjson");
    out.append("\r\nTransfer-Encoding: chunked\r\n\r\n");
    if (dialect == Dialect::kOpenAi)
        append_chunk(
            out,
            std::string(kChunk) +
                R"({"index":0,"delta":{"role":"assistant","content":""},"logprobs":null,"finish_reason":null}]})"
                "\n\n");
}

void append_stream_event(std::string& out, Dialect dialect, std::uint32_t marker,
                         std::uint32_t number) {
    std::string frame(dialect == Dialect::kOpenAi ? kChunk : kLine);
    frame.append(dialect == Dialect::kOpenAi ? R"({"index":0,"delta":{"content":")"
                                             : R"("message":{"role":"assistant","content":")");
    bench::append_event(frame, marker, number, bench::now_ns());
    frame.append(dialect == Dialect::kOpenAi
                     ? R"("},"logprobs":null,"finish_reason":null,"token_ids":null}]})"
                       "\n\n"
                     : R"("},"done":false})"
                       "\n");
    append_chunk(out, frame);
}

void append_stream_end(std::string& out, Dialect dialect, std::uint32_t events, bool with_usage) {
    if (dialect == Dialect::kOpenAi) {
        append_chunk(
            out,
            std::string(kChunk) +
                R"({"index":0,"delta":{},"logprobs":null,"finish_reason":"stop","stop_reason":null}]})"
                "\n\n");
        if (with_usage) append_chunk(out, std::string(kChunk) + "]," + counts(events) + "}}\n\n");
        append_chunk(out, "data: [DONE]\n\n");
    } else {
        append_chunk(out, std::string(kLine) + R"("message":{"role":"assistant","content":""},)" +
                              ollama_end(events) + "\n");
    }
    out.append("0\r\n\r\n");
}

/// The value of a truth at the top of a body, however its JSON is spaced.
bool says(std::string_view body, std::string_view key, bool otherwise) {
    std::size_t at = body.find(key);
    if (at == std::string_view::npos) return otherwise;
    at = body.find_first_not_of(" \t\r\n:", at + key.size());
    return at == std::string_view::npos ? otherwise : body.substr(at, 4) == "true";
}

std::string_view header(std::string_view head, std::string_view name) {
    for (std::size_t at = head.find("\r\n"); at != std::string_view::npos;
         at = head.find("\r\n", at + 2)) {
        const std::string_view line = head.substr(at + 2, head.find("\r\n", at + 2) - at - 2);
        if (line.size() > name.size() && line[name.size()] == ':' &&
            strncasecmp(line.data(), name.data(), name.size()) == 0) {
            const std::size_t start = line.find_first_not_of(' ', name.size() + 1);
            return start == std::string_view::npos ? std::string_view() : line.substr(start);
        }
    }
    return {};
}

struct Connection {
    int fd = -1;
    std::uint32_t generation = 0;
    std::string in;
    std::string out;
    std::size_t sent = 0;
    bool is_waiting_to_write = false;
    bool is_closing = false;
    // The stream under way, if its gap is not nothing.
    bool is_streaming = false;
    bool with_usage = false;
    Dialect dialect = Dialect::kOpenAi;
    Orders orders;
    std::uint32_t next = 1;
    std::uint64_t due_ns = 0;
};

struct Due {
    std::uint64_t at_ns;
    int fd;
    std::uint32_t generation;
    bool operator<(const Due& other) const { return at_ns > other.at_ns; }
};

/// Takes one request from the front of `in`: true, and its path and body, when it is all there.
bool take_request(std::string& in, std::string& path, std::string& body, bool& closes) {
    const std::size_t end = in.find("\r\n\r\n");
    if (end == std::string::npos) return false;
    const std::string_view head(in.data(), end);
    const std::size_t start = head.find(' ');
    const std::string_view transfer = header(head, "transfer-encoding");
    std::size_t at = end + 4;
    body.clear();
    if (transfer.find("chunked") != std::string_view::npos) {
        for (;;) {
            const std::size_t line = in.find("\r\n", at);
            if (line == std::string::npos) return false;
            const std::size_t size = std::strtoul(in.c_str() + at, nullptr, 16);
            if (in.size() < line + 2 + size + 2) return false;
            body.append(in, line + 2, size);
            at = line + 2 + size + 2;
            if (size == 0) break;
        }
    } else {
        const std::size_t size = std::strtoul(header(head, "content-length").data() == nullptr
                                                  ? "0"
                                                  : header(head, "content-length").data(),
                                              nullptr, 10);
        if (in.size() < at + size) return false;
        body.assign(in, at, size);
        at += size;
    }
    path.assign(head.substr(start + 1, head.find_first_of(" ?", start + 1) - start - 1));
    const std::string_view wish = header(head, "connection");
    closes = wish.size() == 5 && strncasecmp(wish.data(), "close", 5) == 0;
    in.erase(0, at);
    return true;
}

class Upstream {
public:
    explicit Upstream(int listener) : listener_(listener), poll_(epoll_create1(EPOLL_CLOEXEC)) {
        watch(listener_, EPOLLIN, EPOLL_CTL_ADD);
    }

    [[noreturn]] void run() {
        std::array<epoll_event, 256> events{};
        for (;;) {
            const timespec wait = until_due();
            const int count = epoll_pwait2(poll_, events.data(), static_cast<int>(events.size()),
                                           due_.empty() ? nullptr : &wait, nullptr);
            for (int i = 0; i < count; ++i) {
                const epoll_event& event = events[static_cast<std::size_t>(i)];
                if (event.data.fd == listener_)
                    accept_all();
                else
                    ready(event.data.fd, event.events);
            }
            send_due();
        }
    }

private:
    void watch(int fd, std::uint32_t interest, int operation) const {
        epoll_event event{};
        event.events = interest;
        event.data.fd = fd;
        epoll_ctl(poll_, operation, fd, &event);
    }

    timespec until_due() const {
        if (due_.empty()) return {};
        const std::uint64_t now = bench::now_ns();
        const std::uint64_t left = due_.top().at_ns > now ? due_.top().at_ns - now : 0;
        return {static_cast<time_t>(left / 1'000'000'000U),
                static_cast<long>(left % 1'000'000'000U)};
    }

    void accept_all() {
        for (;;) {
            const int fd = accept4(listener_, nullptr, nullptr, SOCK_NONBLOCK | SOCK_CLOEXEC);
            if (fd < 0) return;
            const int on = 1;
            setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &on, sizeof on);
            if (connections_.size() <= static_cast<std::size_t>(fd))
                connections_.resize(static_cast<std::size_t>(fd) + 1);
            auto& slot = connections_[static_cast<std::size_t>(fd)];
            slot = std::make_unique<Connection>();
            slot->fd = fd;
            slot->generation = ++generations_;
            watch(fd, EPOLLIN, EPOLL_CTL_ADD);
        }
    }

    Connection* find(int fd) {
        return static_cast<std::size_t>(fd) < connections_.size()
                   ? connections_[static_cast<std::size_t>(fd)].get()
                   : nullptr;
    }

    void close_one(Connection& connection) {
        const int fd = connection.fd;
        ::close(fd);
        connections_[static_cast<std::size_t>(fd)].reset();
    }

    void ready(int fd, std::uint32_t what) {
        Connection* connection = find(fd);
        if (connection == nullptr) return;
        if ((what & EPOLLOUT) != 0 && !flush(*connection)) return;
        if ((what & (EPOLLIN | EPOLLHUP | EPOLLERR)) == 0) return;
        const ssize_t got = recv(fd, buffer_.data(), buffer_.size(), 0);
        if (got == 0 || (got < 0 && errno != EAGAIN)) return close_one(*connection);
        if (got > 0) connection->in.append(buffer_.data(), static_cast<std::size_t>(got));
        answer(*connection);
    }

    void answer(Connection& connection) {
        bool closes = false;
        while (!connection.is_streaming && take_request(connection.in, path_, body_, closes)) {
            connection.is_closing = closes;
            answer_one(connection);
        }
        flush(connection);
    }

    void answer_one(Connection& connection) {
        std::string& out = connection.out;
        constexpr std::string_view json = "application/json";
        if (path_ == "/v1/chat/completions") return chat(connection, Dialect::kOpenAi);
        if (path_ == "/api/chat") return chat(connection, Dialect::kOllama);
        if (path_ == "/health" || path_ == "/health_generate" || path_ == "/ping")
            return append_answer(out, "text/plain", "");
        if (path_ == "/version") return append_answer(out, json, R"({"version":"0.32.0"})");
        if (path_ == "/v1/models")
            return append_answer(
                out, json,
                R"({"object":"list","data":[{"id":"bench","object":"model","created":1795426549,"owned_by":"vllm","root":"bench","parent":null,"max_model_len":131072}]})");
        if (path_ == "/metrics")
            return append_answer(out, "text/plain; version=0.0.4",
                                 "vllm:num_requests_running{model_name=\"bench\"} 0\n"
                                 "vllm:num_requests_waiting{model_name=\"bench\"} 0\n");
        if (path_ == "/api/version") return append_answer(out, json, R"({"version":"0.33.0"})");
        if (path_ == "/api/tags" || path_ == "/api/ps")
            return append_answer(
                out, json,
                R"({"models":[{"name":"bench","model":"bench","modified_at":"2026-11-24T12:00:00Z","expires_at":"2026-11-25T12:00:00Z","size":1000000,"size_vram":0,"context_length":131072,"digest":"f5074b1221da0f5a2910d33b642efa5b9eb58cfdddca1c79e16d7ad28aa2b31f","details":{"parent_model":"","format":"gguf","family":"llama","families":["llama"],"parameter_size":"1M","quantization_level":"F16"}}]})");
        if (path_ == "/api/show")
            return append_answer(
                out, json,
                R"({"modelfile":"FROM bench","parameters":"","template":"{{ .Prompt }}","details":{"parent_model":"","format":"gguf","family":"llama","families":["llama"],"parameter_size":"1M","quantization_level":"F16"},"model_info":{"general.architecture":"llama","llama.context_length":131072},"capabilities":["completion"]})");
        if (path_ == "/") return append_answer(out, "text/plain", "Ollama is running");
        append_answer(out, json, R"({"detail":"Not Found"})", "404 Not Found");
    }

    void chat(Connection& connection, Dialect dialect) {
        const auto orders = bench::read_orders(body_);
        // A proxy's own question whether the model answers has no orders: a short answer is enough.
        connection.orders = orders.value_or(Orders{0, 3, 0});
        connection.dialect = dialect;
        if (!says(body_, "\"stream\"", dialect == Dialect::kOllama))
            return append_object(connection.out, dialect, connection.orders);
        connection.with_usage = says(body_, "\"include_usage\"", false);
        append_stream_head(connection.out, dialect);
        connection.next = 1;
        if (connection.orders.gap_us == 0) {
            while (connection.next <= connection.orders.events)
                append_stream_event(connection.out, dialect, connection.orders.marker,
                                    connection.next++);
            return append_stream_end(connection.out, dialect, connection.orders.events,
                                     connection.with_usage);
        }
        connection.is_streaming = true;
        connection.due_ns = bench::now_ns();
        next_event(connection);
    }

    /// Adds the event that is due, and the end after the last; plans the next one from when this
    /// one was due, so that a late one does not shift the rest.
    void next_event(Connection& connection) {
        append_stream_event(connection.out, connection.dialect, connection.orders.marker,
                            connection.next++);
        if (connection.next > connection.orders.events) {
            connection.is_streaming = false;
            return append_stream_end(connection.out, connection.dialect, connection.orders.events,
                                     connection.with_usage);
        }
        connection.due_ns += std::uint64_t{connection.orders.gap_us} * 1000U;
        due_.push({connection.due_ns, connection.fd, connection.generation});
    }

    void send_due() {
        while (!due_.empty() && due_.top().at_ns <= bench::now_ns()) {
            const Due due = due_.top();
            due_.pop();
            Connection* connection = find(due.fd);
            if (connection == nullptr || connection->generation != due.generation) continue;
            next_event(*connection);
            if (flush(*connection) && !connection->is_streaming) answer(*connection);
        }
    }

    /// False when the connection is gone.
    bool flush(Connection& connection) {
        while (connection.sent < connection.out.size()) {
            const ssize_t put = send(connection.fd, connection.out.data() + connection.sent,
                                     connection.out.size() - connection.sent, MSG_NOSIGNAL);
            if (put < 0) {
                if (errno != EAGAIN) return close_one(connection), false;
                if (!connection.is_waiting_to_write)
                    watch(connection.fd, EPOLLIN | EPOLLOUT, EPOLL_CTL_MOD);
                connection.is_waiting_to_write = true;
                return true;
            }
            connection.sent += static_cast<std::size_t>(put);
        }
        connection.out.clear();
        connection.sent = 0;
        if (connection.is_waiting_to_write) watch(connection.fd, EPOLLIN, EPOLL_CTL_MOD);
        connection.is_waiting_to_write = false;
        if (connection.is_closing && !connection.is_streaming) return close_one(connection), false;
        return true;
    }

    int listener_;
    int poll_;
    std::uint32_t generations_ = 0;
    std::vector<std::unique_ptr<Connection>> connections_;
    std::priority_queue<Due> due_;
    std::array<char, 256 * 1024> buffer_{};
    std::string path_, body_;
};

int open_listener(std::uint16_t port) {
    const int fd = socket(AF_INET, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
    const int on = 1;
    setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &on, sizeof on);
    sockaddr_in address{};
    address.sin_family = AF_INET;
    address.sin_port = htons(port);
    address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    if (bind(fd, reinterpret_cast<const sockaddr*>(&address), sizeof address) != 0 ||
        listen(fd, 16384) != 0)
        return -1;
    return fd;
}

}  // namespace

int main(int argc, char** argv) {
    signal(SIGPIPE, SIG_IGN);
    rlimit files{};
    getrlimit(RLIMIT_NOFILE, &files);
    files.rlim_cur = files.rlim_max;
    setrlimit(RLIMIT_NOFILE, &files);
    const auto port = static_cast<std::uint16_t>(argc > 1 ? std::atoi(argv[1]) : 0);
    const int listener = open_listener(port);
    if (listener < 0) {
        std::fprintf(stderr, "cannot listen on 127.0.0.1:%u; is the port taken?\n", port);
        return 3;
    }
    auto upstream = std::make_unique<Upstream>(listener);
    upstream->run();
}
