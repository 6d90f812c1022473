// The load generator of `make bench`: N connections, each with one request under way (a closed
// loop), or N streams held open. It keeps every latency, so percentiles are exact, and checks every
// answer: the request's own marker, each event once and in order, the end (answer_reader.hpp).
//
// usage: segue-bench-load --port P --path /v1/chat/completions --body FILE [--header 'K: V']…
// [--end '[DONE]']
//          --connections N --seconds S [--warm S] [--grace S]      one JSON object on standard
//          output
//          --hold S --steps 1000,5000 [--ramp S]                   one JSON object a line: each
//          step, then the end
// FILE holds the body with the orders `[mk-00000000 n0012 g0000000]` in a prompt; the marker is
// filled in for each request. One thread, one epoll.
#include <arpa/inet.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <signal.h>
#include <sys/epoll.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <cstdio>
#include <cstring>
#include <fstream>
#include <map>
#include <sstream>
#include <string>
#include <string_view>
#include <vector>

#include "answer_reader.hpp"
#include "orders.hpp"

namespace {

using bench::AnswerReader;
using bench::now_ns;

constexpr std::uint64_t kSecond = 1'000'000'000U;
constexpr std::uint64_t kMillisecond = 1'000'000U;

struct Options {
    std::uint16_t port = 0;
    std::string path = "/", end, headers, body;
    std::size_t connections = 1, requests = 0;  // requests: end after so many; 0: by time
    double seconds = 1, warm = 0, grace = 5, hold = 0, ramp = 10;
    std::vector<std::size_t> steps;
    bench::Orders orders;
    std::size_t marker_at = 0;  // in the whole request
};

struct Connection {
    enum class State : std::uint8_t { kClosed, kConnecting, kBusy, kIdle };
    int fd = -1;
    State state = State::kClosed;
    AnswerReader reader;
    std::uint32_t marker = 0;
    std::uint64_t started = 0, last_event = 0, retry_at = 0;
    std::size_t sent = 0;
    bool is_reused = false;
};

/// Exact percentiles (nearest rank) of everything that was added, in microseconds.
class Samples {
public:
    void add(std::uint64_t nanoseconds) { values_.push_back(nanoseconds); }
    std::size_t size() const { return values_.size(); }
    std::string json() {
        if (values_.empty()) return R"({"count":0})";
        std::sort(values_.begin(), values_.end());
        double sum = 0;
        for (const auto value : values_)
            sum += static_cast<double>(value);
        std::array<char, 256> text{};
        std::snprintf(
            text.data(), text.size(),
            R"({"count":%zu,"mean":%.2f,"p50":%.2f,"p90":%.2f,"p99":%.2f,"p999":%.2f,"max":%.2f})",
            values_.size(), sum / 1000 / static_cast<double>(values_.size()), rank(0.5), rank(0.9),
            rank(0.99), rank(0.999), rank(1));
        return text.data();
    }

private:
    double rank(double share) const {
        const auto place = static_cast<std::size_t>(share * static_cast<double>(values_.size()));
        return static_cast<double>(values_[std::min(place, values_.size() - 1)]) / 1000;
    }
    std::vector<std::uint64_t> values_;
};

class Load {
public:
    explicit Load(Options options) : options_(std::move(options)) {
        request_ = "POST " + options_.path +
                   " HTTP/1.1\r\nHost: 127.0.0.1:" + std::to_string(options_.port) +
                   "\r\nContent-Type: application/json\r\n" + options_.headers +
                   "Content-Length: " + std::to_string(options_.body.size()) + "\r\n\r\n";
        options_.marker_at = request_.size() + options_.body.find(bench::kOrdersStart) + 4;
        request_ += options_.body;
        poll_ = epoll_create1(EPOLL_CLOEXEC);
    }

    int run_loop() {
        begin_ = now_ns() + nanoseconds(options_.warm);
        const std::uint64_t stop = begin_ + nanoseconds(options_.seconds);
        connections_.resize(options_.connections);
        for (auto& connection : connections_)
            open(connection);
        const double cpu_before = cpu_seconds();
        while (now_ns() < stop)
            poll_once(stop);
        is_ending_ = true;
        const double cpu = cpu_seconds() - cpu_before;
        const std::uint64_t last = stop + nanoseconds(options_.grace);
        while (is_busy() && now_ns() < last)
            poll_once(last);
        for (const auto& connection : connections_)
            if (connection.state == Connection::State::kBusy) fail(connection, "no answer in time");
        // A proxy so slow that the window saw less than one answer a connection: all answers count,
        // until the last.
        double rate = static_cast<double>(completed_) / options_.seconds;
        if (completed_ < options_.connections && latency_.size() > 0)
            rate =
                static_cast<double>(latency_.size()) / (static_cast<double>(last_ - begin_) / 1e9);
        std::printf(
            R"({"seconds":%.3f,"requests":%zu,"rate":%.3f,"events_in_window":%zu,"load_cpu":%.4f,"latency":%s,)",
            options_.seconds, completed_, rate, events_, cpu, latency_.json().c_str());
        print_rest();
        return 0;
    }

    /// Opens as many streams as each step names and holds them; a step that is not reached ends the
    /// run.
    int run_hold() {
        begin_ = 0;
        for (const std::size_t step : options_.steps) {
            const std::uint64_t started = now_ns();
            const std::uint64_t limit = started + nanoseconds(options_.ramp);
            while (first_.size() + failed_ < step && now_ns() < limit) {
                open_more(step);
                poll_once(std::min(limit, now_ns() + 10 * kMillisecond));
            }
            const double took = static_cast<double>(now_ns() - started) / 1e9;
            std::printf(R"({"step":%zu,"open":%zu,"errors":%zu,"took":%.3f})"
                        "\n",
                        step, streaming(), errors(), took);
            std::fflush(stdout);
            const std::size_t before = events_;
            const std::uint64_t held = now_ns() + nanoseconds(options_.hold);
            while (now_ns() < held)
                poll_once(held);
            held_events_ = events_ - before;
            if (streaming() < step) break;
        }
        const std::uint64_t silent =
            now_ns() - std::uint64_t{options_.orders.gap_us} * 1000U * 5 / 2;
        for (const auto& connection : connections_)
            if (connection.state == Connection::State::kBusy && connection.last_event < silent)
                fail(connection, connection.last_event == 0 ? "no first event in time"
                                                            : "a stream fell silent");
        std::printf(R"({"open":%zu,"held_events":%zu,)", streaming(), held_events_);
        print_rest();
        return 0;
    }

private:
    static std::uint64_t nanoseconds(double seconds) {
        return static_cast<std::uint64_t>(seconds * 1e9);
    }

    static double cpu_seconds() {
        timespec t{};
        clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &t);
        return static_cast<double>(t.tv_sec) + static_cast<double>(t.tv_nsec) / 1e9;
    }

    void print_rest() {
        std::printf(
            R"("total_requests":%zu,"total_events":%zu,"reopened":%zu,"first_event":%s,"gap":%s,"delay":%s,)",
            total_requests_, total_events_, reopened_, first_.json().c_str(), gap_.json().c_str(),
            delay_.json().c_str());
        std::printf(R"("errors":%zu,"error_kinds":{)", errors());
        const char* comma = "";
        for (const auto& [why, count] : errors_) {
            std::printf("%s\"%s\":%zu", comma, why.c_str(), count);
            comma = ",";
        }
        std::string sample;
        for (const char c : sample_)
            if (c == '"' || c == '\\')
                sample.append({'\\', c});
            else
                sample += c >= ' ' && c < 127 ? c : ' ';
        std::printf("},\"error_sample\":\"%s\"}\n", sample.c_str());
    }

    std::size_t errors() const {
        std::size_t sum = 0;
        for (const auto& [why, count] : errors_)
            sum += count;
        return sum;
    }

    bool is_enough() const {
        return options_.requests != 0 && total_requests_ + failed_ >= options_.requests;
    }

    bool is_busy() const {
        return std::any_of(connections_.begin(), connections_.end(), [](const auto& connection) {
            return connection.state == Connection::State::kBusy;
        });
    }

    std::size_t streaming() const {
        return static_cast<std::size_t>(
            std::count_if(connections_.begin(), connections_.end(), [](const auto& connection) {
                return connection.state == Connection::State::kBusy &&
                       connection.reader.events() > 0;
            }));
    }

    void open_more(std::size_t step) {
        constexpr std::size_t kPending = 128;  // fewer than any listener's backlog
        connections_.reserve(options_.steps.back());
        while (connections_.size() < step &&
               connections_.size() < first_.size() + failed_ + kPending)
            open(connections_.emplace_back());
    }

    void fail(const Connection& connection, std::string_view why) {
        ++errors_[std::string(why)];
        if (sample_.empty()) sample_ = connection.reader.sample();
    }

    void open(Connection& connection) {
        connection.fd = socket(AF_INET, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
        const int on = 1;
        setsockopt(connection.fd, IPPROTO_TCP, TCP_NODELAY, &on, sizeof on);
        sockaddr_in address{};
        address.sin_family = AF_INET;
        address.sin_port = htons(options_.port);
        address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
        connection.state = Connection::State::kConnecting;
        connection.is_reused = false;
        const int result =
            connect(connection.fd, reinterpret_cast<const sockaddr*>(&address), sizeof address);
        if (connection.fd < 0 || (result != 0 && errno != EINPROGRESS))
            return lost(connection, "cannot connect");
        watch(connection, EPOLLOUT, EPOLL_CTL_ADD);
    }

    void watch(Connection& connection, std::uint32_t interest, int operation) const {
        epoll_event event{};
        event.events = interest;
        event.data.u64 = static_cast<std::uint64_t>(&connection - connections_.data());
        epoll_ctl(poll_, operation, connection.fd, &event);
    }

    void shut(Connection& connection) {
        if (connection.fd >= 0) ::close(connection.fd);
        connection.fd = -1;
        connection.state = Connection::State::kClosed;
    }

    /// An error ends the connection; a new one is opened a moment later, so that a dead proxy is no
    /// busy loop.
    void lost(Connection& connection, std::string_view why) {
        fail(connection, why);
        ++failed_;
        shut(connection);
        connection.retry_at = now_ns() + 20 * kMillisecond;
        retries_ = true;
    }

    void start(Connection& connection) {
        connection.marker = ++markers_;
        bench::Orders orders = options_.orders;
        orders.marker = connection.marker;
        connection.reader.reset(orders, options_.end);
        connection.state = Connection::State::kBusy;
        connection.sent = 0;
        connection.last_event = 0;
        connection.started = now_ns();
        push(connection);
    }

    void push(Connection& connection) {
        bench::put_hex(&request_[options_.marker_at], bench::kMarkerSize, connection.marker);
        const ssize_t put = send(connection.fd, request_.data() + connection.sent,
                                 request_.size() - connection.sent, MSG_NOSIGNAL);
        if (put < 0 && errno != EAGAIN) return;  // the read that follows tells why
        const bool was_waiting = connection.sent != 0;
        connection.sent += put > 0 ? static_cast<std::size_t>(put) : 0;
        const bool is_waiting = connection.sent < request_.size();
        if (is_waiting || was_waiting)
            watch(connection, is_waiting ? EPOLLIN | EPOLLOUT : EPOLLIN, EPOLL_CTL_MOD);
    }

    void poll_once(std::uint64_t until) {
        const std::uint64_t now = now_ns();
        std::uint64_t wait = until > now ? until - now : 0;
        if (retries_) wait = std::min(wait, 20 * kMillisecond);
        const timespec limit{static_cast<time_t>(wait / kSecond),
                             static_cast<long>(wait % kSecond)};
        const int count = epoll_pwait2(poll_, events_ready_.data(),
                                       static_cast<int>(events_ready_.size()), &limit, nullptr);
        for (int i = 0; i < count; ++i) {
            const epoll_event& event = events_ready_[static_cast<std::size_t>(i)];
            ready(connections_[event.data.u64], event.events);
        }
        if (!retries_ || is_ending_ || options_.hold > 0) return;
        retries_ = false;
        for (auto& connection : connections_) {
            if (connection.state != Connection::State::kClosed) continue;
            if (connection.retry_at <= now_ns())
                open(connection);
            else
                retries_ = true;
        }
    }

    void ready(Connection& connection, std::uint32_t what) {
        if (connection.state == Connection::State::kConnecting) {
            int problem = 0;
            socklen_t size = sizeof problem;
            getsockopt(connection.fd, SOL_SOCKET, SO_ERROR, &problem, &size);
            if (problem != 0) return lost(connection, "cannot connect");
            watch(connection, EPOLLIN, EPOLL_CTL_MOD);
            return start(connection);
        }
        if ((what & EPOLLOUT) != 0 && connection.sent < request_.size()) push(connection);
        if ((what & (EPOLLIN | EPOLLHUP | EPOLLERR)) != 0) read(connection);
    }

    void read(Connection& connection) {
        const ssize_t got = recv(connection.fd, buffer_.data(), buffer_.size(), 0);
        if (got < 0 && errno == EAGAIN) return;
        if (connection.state == Connection::State::kIdle) return shut(connection);
        const std::uint64_t now = now_ns();
        AnswerReader::State state{};
        if (got <= 0) {
            // A server may close a kept connection just when a request comes; HTTP lets a client
            // try again, and every real one does. Anything else is an error.
            if (connection.is_reused && !connection.reader.has_begun()) {
                ++reopened_;
                shut(connection);
                return open(connection);
            }
            state = connection.reader.closed();
        } else {
            state = connection.reader.feed(
                {buffer_.data(), static_cast<std::size_t>(got)},
                [&](const bench::Event& event) { take(connection, event, now); });
        }
        if (state == AnswerReader::State::kMore) return;
        if (state == AnswerReader::State::kBroken) return lost(connection, connection.reader.why());
        if (options_.hold > 0) return lost(connection, "a held stream ended");
        ++total_requests_;
        if (now >= begin_) {
            latency_.add(now - connection.started);
            last_ = now;
            if (!is_ending_) ++completed_;
        }
        connection.state = Connection::State::kIdle;
        if (is_ending_ || is_enough()) return;
        if (got <= 0 || connection.reader.closes()) {
            shut(connection);
            return open(connection);
        }
        connection.is_reused = true;
        start(connection);
    }

    void take(Connection& connection, const bench::Event& event, std::uint64_t now) {
        ++total_events_;
        if (now >= begin_ && !is_ending_) ++events_;
        if (now >= begin_ && !options_.end.empty()) {
            if (event.number == 1)
                first_.add(now - connection.started);
            else
                gap_.add(now - connection.last_event);
            delay_.add(now - event.sent_ns);
        }
        connection.last_event = now;
    }

    Options options_;
    std::string request_;
    int poll_ = -1;
    std::vector<Connection> connections_;
    std::array<epoll_event, 512> events_ready_{};
    std::array<char, 256 * 1024> buffer_{};
    std::uint64_t begin_ = 0, last_ = 0;
    bool is_ending_ = false, retries_ = false;
    std::uint32_t markers_ = 0;
    std::size_t completed_ = 0, events_ = 0;             // within the measured window
    std::size_t total_requests_ = 0, total_events_ = 0;  // warming up and running out included
    std::size_t held_events_ = 0, failed_ = 0, reopened_ = 0;
    Samples latency_, first_, gap_, delay_;
    std::map<std::string, std::size_t> errors_;
    std::string sample_;
};

}  // namespace

int main(int argc, char** argv) {
    signal(SIGPIPE, SIG_IGN);
    rlimit files{};
    getrlimit(RLIMIT_NOFILE, &files);
    files.rlim_cur = files.rlim_max;
    setrlimit(RLIMIT_NOFILE, &files);
    Options options;
    for (int i = 1; i + 1 < argc; i += 2) {
        const std::string_view name = argv[i];
        const std::string value = argv[i + 1];
        if (name == "--port")
            options.port = static_cast<std::uint16_t>(std::stoi(value));
        else if (name == "--path")
            options.path = value;
        else if (name == "--end")
            options.end = value;
        else if (name == "--header")
            options.headers += value + "\r\n";
        else if (name == "--connections")
            options.connections = std::stoul(value);
        else if (name == "--requests")
            options.requests = std::stoul(value);
        else if (name == "--seconds")
            options.seconds = std::stod(value);
        else if (name == "--warm")
            options.warm = std::stod(value);
        else if (name == "--grace")
            options.grace = std::stod(value);
        else if (name == "--hold")
            options.hold = std::stod(value);
        else if (name == "--ramp")
            options.ramp = std::stod(value);
        else if (name == "--body") {
            std::ifstream file(value);
            options.body = (std::stringstream() << file.rdbuf()).str();
        } else if (name == "--steps") {
            std::stringstream list(value);
            for (std::string step; std::getline(list, step, ',');)
                options.steps.push_back(std::stoul(step));
        } else {
            std::fprintf(stderr, "unknown option %s; the head of bench/load.cpp lists them\n",
                         argv[i]);
            return 2;
        }
    }
    const auto orders = bench::read_orders(options.body);
    if (!orders || options.port == 0) {
        std::fprintf(stderr, "--port and --body with [mk-00000000 n0012 g0000000] are needed\n");
        return 2;
    }
    options.orders = *orders;
    const bool holds = !options.steps.empty() && options.hold > 0;
    Load load(std::move(options));
    return holds ? load.run_hold() : load.run_loop();
}
