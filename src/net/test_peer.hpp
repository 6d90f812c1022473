/// For tests: a server that plays a script on raw sockets: right, wrong, slow or silent answers.
///
/// Thread: one accepts, one plays each connection; all are joined by the destructor.
#pragma once

#include <arpa/inet.h>
#include <netinet/in.h>
#include <poll.h>
#include <sys/socket.h>
#include <unistd.h>

#include <dirent.h>
#include <atomic>
#include <cerrno>
#include <chrono>
#include <cstdlib>
#include <cstring>
#include <functional>
#include <mutex>
#include <string>
#include <string_view>
#include <thread>
#include <utility>
#include <vector>

namespace segue::net {

/// One accepted connection, blocking. Closed at the end of the script.
class PeerSocket {
public:
    explicit PeerSocket(int fd) : fd_(fd) {}
    ~PeerSocket() { close(); }
    PeerSocket(const PeerSocket&) = delete;
    PeerSocket& operator=(const PeerSocket&) = delete;

    int fd() const { return fd_; }
    bool send(std::string_view bytes) const {
        while (!bytes.empty()) {
            const auto put = ::send(fd_, bytes.data(), bytes.size(), MSG_NOSIGNAL);
            if (put <= 0) return false;
            bytes.remove_prefix(static_cast<std::size_t>(put));
        }
        return true;
    }
    void send_slowly(std::string_view bytes) const {
        for (const char byte : bytes) {
            if (!send({&byte, 1})) return;
            std::this_thread::sleep_for(std::chrono::microseconds(200));
        }
    }
    /// What one read brings; "" at the end of the stream.
    std::string read() const {
        std::string out(64 * 1024, '\0');
        const auto got = ::recv(fd_, out.data(), out.size(), 0);
        out.resize(got > 0 ? static_cast<std::size_t>(got) : 0);
        return out;
    }
    /// Head and body (by Content-Length); "" when the connection ended before.
    std::string read_request() {
        while (true) {
            const auto end = pending_.find("\r\n\r\n");
            if (end != std::string::npos) {
                std::size_t length = 0;
                if (const auto at = pending_.find("Content-Length: "); at < end)
                    length = std::strtoul(pending_.c_str() + at + 16, nullptr, 10);
                const std::size_t whole = end + 4 + length;
                if (pending_.size() >= whole) {
                    std::string request = pending_.substr(0, whole);
                    pending_.erase(0, whole);
                    return request;
                }
            }
            const std::string more = read();
            if (more.empty()) return "";
            pending_ += more;
        }
    }
    static void wait(std::chrono::milliseconds time) { std::this_thread::sleep_for(time); }
    /// True when the other side closed within that time.
    bool closed_within(std::chrono::milliseconds time) const {
        pollfd waited{fd_, POLLIN, 0};
        if (::poll(&waited, 1, static_cast<int>(time.count())) != 1) return false;
        char byte = 0;
        return ::recv(fd_, &byte, 1, 0) <= 0;
    }
    /// Closes with RST.
    void reset() {
        const linger now{1, 0};
        ::setsockopt(fd_, SOL_SOCKET, SO_LINGER, &now, sizeof now);
        close();
    }
    void close() {
        if (fd_ >= 0) ::close(fd_);
        fd_ = -1;
    }

private:
    int fd_;
    std::string pending_;
};

class TestPeer {
public:
    using Script = std::function<void(PeerSocket&)>;

    /// The n-th connection plays the n-th script; further ones the last.
    explicit TestPeer(std::vector<Script> scripts, int family = AF_INET)
        : scripts_(std::move(scripts)) {
        listening_ = ::socket(family, SOCK_STREAM | SOCK_CLOEXEC, 0);
        if (family == AF_INET6) {
            sockaddr_in6 address{};
            address.sin6_family = AF_INET6;
            address.sin6_addr = in6addr_loopback;
            bind_to(address);
            port_ = ntohs(address.sin6_port);
        } else {
            sockaddr_in address{};
            address.sin_family = AF_INET;
            address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
            bind_to(address);
            port_ = ntohs(address.sin_port);
        }
        if (port_ != 0) acceptor_ = std::thread([this] { accept_all(); });
    }
    explicit TestPeer(Script script) : TestPeer(std::vector<Script>{std::move(script)}) {}
    ~TestPeer() {
        stopping_ = true;
        ::shutdown(listening_, SHUT_RDWR);  // wakes accept()
        if (acceptor_.joinable()) acceptor_.join();
        ::close(listening_);
        for (std::thread& player : players_)
            player.join();
    }
    TestPeer(const TestPeer&) = delete;
    TestPeer& operator=(const TestPeer&) = delete;

    /// Zero where the family is not there (no IPv6 in a container).
    std::uint16_t port() const { return port_; }
    int accepted() const { return accepted_; }

private:
    template <class Sockaddr>
    void bind_to(Sockaddr& address) {
        auto* place = static_cast<sockaddr*>(static_cast<void*>(&address));
        socklen_t length = sizeof address;
        if (::bind(listening_, place, length) != 0 || ::listen(listening_, 64) != 0 ||
            ::getsockname(listening_, place, &length) != 0)
            std::memset(place, 0, sizeof address);
    }
    void accept_all() {
        while (true) {
            const int fd = ::accept4(listening_, nullptr, nullptr, SOCK_CLOEXEC);
            if (fd < 0 || stopping_) {
                if (fd >= 0) ::close(fd);
                return;
            }
            const auto number = static_cast<std::size_t>(accepted_++);
            const Script& script = scripts_[std::min(number, scripts_.size() - 1)];
            players_.emplace_back([fd, &script] {
                // No script hangs for longer than this.
                const timeval limit{5, 0};
                ::setsockopt(fd, SOL_SOCKET, SO_RCVTIMEO, &limit, sizeof limit);
                ::setsockopt(fd, SOL_SOCKET, SO_SNDTIMEO, &limit, sizeof limit);
                PeerSocket socket(fd);
                script(socket);
            });
        }
    }

    std::vector<Script> scripts_;
    int listening_ = -1;
    std::uint16_t port_ = 0;
    std::atomic<bool> stopping_{false};
    std::atomic<int> accepted_{0};
    std::vector<std::thread> players_;  // the acceptor's, until it is joined
    std::thread acceptor_;
};

/// How many descriptors this process has open.
inline int open_descriptors() {
    DIR* directory = ::opendir("/proc/self/fd");
    if (directory == nullptr) return -1;
    int count = 0;
    while (::readdir(directory) != nullptr)
        ++count;
    ::closedir(directory);
    return count - 3;  // ".", ".." and the listing itself
}

}  // namespace segue::net
