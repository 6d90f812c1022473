/// Messages and descriptors between processes of one machine, over Unix-domain sockets: what a
/// takeover and a service manager need.
///
/// Thread: plain blocking calls for control threads; nothing of this runs on a worker's loop. An
/// object belongs to one thread, but for LocalListener::stop().
#pragma once

#include <sys/types.h>

#include <chrono>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "base/result.hpp"

namespace segue::net {

/// Owns a descriptor.
class Fd {
public:
    Fd() = default;
    explicit Fd(int fd) : fd_(fd) {}
    Fd(Fd&& other) noexcept : fd_(other.release()) {}
    Fd& operator=(Fd&& other) noexcept;
    ~Fd();
    int get() const { return fd_; }
    int release();
    explicit operator bool() const { return fd_ >= 0; }

private:
    int fd_ = -1;
};

struct LocalMessage {
    std::string text;     // "" = the other side is gone
    std::vector<Fd> fds;  // close-on-exec
};

/// One end of a connection that keeps the borders of messages.
class LocalSocket {
public:
    static constexpr std::size_t kMaxMessage = 16 * 1024;
    static constexpr std::size_t kMaxDescriptors = 16;

    /// kNotFound: nobody listens there.
    static Result<LocalSocket> connect(const std::string& path);
    explicit LocalSocket(Fd fd) : fd_(std::move(fd)) {}

    Result<void> send(std::string_view text, std::span<const int> fds = {});
    /// Waits for one message; nothing when none came in time.
    Result<std::optional<LocalMessage>> receive(std::chrono::milliseconds patience);
    /// The user whose process connected or listens, as the kernel knows it.
    Result<uid_t> peer_user() const;
    int fd() const { return fd_.get(); }

private:
    Fd fd_;
};

/// Listens at a path, for its own user only (mode 0600).
class LocalListener {
public:
    /// Takes the path over from whoever had it: a connection made from now on comes here. Whether
    /// somebody still listens there is the caller's question (LocalSocket::connect).
    static Result<LocalListener> open(const std::string& path);
    LocalListener(LocalListener&&) = default;
    LocalListener& operator=(LocalListener&&) = delete;
    /// Takes the path away if it is still this listener's.
    ~LocalListener();

    /// Waits for a connection; nothing after stop().
    std::optional<LocalSocket> accept();
    /// From any thread: ends accept(), now and later.
    void stop();

private:
    LocalListener(Fd fd, std::string path, dev_t device, ino_t inode);
    Fd fd_;
    std::string path_;
    dev_t device_;
    ino_t inode_;
};

/// One datagram to a socket of a service manager: a path, or '@' and an abstract name.
Result<void> send_datagram(const std::string& address, std::string_view text);

}  // namespace segue::net
