#include "net/local_socket.hpp"

#include <fcntl.h>
#include <fmt/format.h>
#include <poll.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

#include <array>
#include <cerrno>
#include <cstddef>
#include <cstdio>
#include <cstring>
#include <utility>

namespace segue::net {
namespace {

constexpr int kBacklog = 8;

tl::unexpected<Error> refused(std::string_view what, const std::string& path, int error) {
    const bool nobody = error == ENOENT || error == ECONNREFUSED;
    return fail(nobody ? Fault::kNotFound : Fault::kIo,
                fmt::format("cannot {} {} ({})", what, path, std::strerror(error)));
}

/// A socket's address holds 107 bytes, a path may have more: then its folder is opened, and reached
/// through /proc, whose name for it is short.
struct Place {
    sockaddr_un address{};
    socklen_t length = 0;
    Fd folder;
};

Result<Place> place_of(const std::string& path) {
    Place place;
    std::string name = path;
    if (name.size() >= sizeof place.address.sun_path) {
        const auto slash = path.rfind('/');
        const std::string folder = slash == std::string::npos ? "." : path.substr(0, slash + 1);
        place.folder = Fd(::open(folder.c_str(), O_PATH | O_DIRECTORY | O_CLOEXEC));
        if (!place.folder) return refused("reach", path, errno);
        name = fmt::format("/proc/self/fd/{}/{}", place.folder.get(),
                           slash == std::string::npos ? path : path.substr(slash + 1));
        if (name.size() >= sizeof place.address.sun_path)
            return refused("reach", path, ENAMETOOLONG);
    }
    place.address.sun_family = AF_UNIX;
    std::memcpy(place.address.sun_path, name.data(), name.size());
    place.length =
        static_cast<socklen_t>(offsetof(sockaddr_un, sun_path) + name.size() + std::size_t{1});
    // '@' is how an abstract name is written; it has no zero at its end.
    if (name.starts_with('@')) {
        place.address.sun_path[0] = '\0';
        --place.length;
    }
    return place;
}

const sockaddr* raw(const sockaddr_un& address) {
    const void* any = &address;
    return static_cast<const sockaddr*>(any);
}

}  // namespace

Fd& Fd::operator=(Fd&& other) noexcept {
    std::swap(fd_, other.fd_);
    return *this;
}

Fd::~Fd() {
    if (fd_ >= 0) ::close(fd_);
}

int Fd::release() {
    return std::exchange(fd_, -1);
}

Result<LocalSocket> LocalSocket::connect(const std::string& path) {
    SEGUE_TRY(place, place_of(path));
    Fd fd(::socket(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0));
    if (!fd || ::connect(fd.get(), raw(place.address), place.length) != 0)
        return refused("connect to", path, errno);
    return LocalSocket(std::move(fd));
}

Result<void> LocalSocket::send(std::string_view text, std::span<const int> fds) {
    if (text.size() > kMaxMessage || fds.size() > kMaxDescriptors)
        return fail(Fault::kTooLarge, "a message between two segues is too long");
    std::string copy(text);
    iovec part{copy.data(), copy.size()};
    msghdr message{};
    message.msg_iov = &part;
    message.msg_iovlen = 1;
    alignas(cmsghdr) std::array<char, CMSG_SPACE(sizeof(int) * kMaxDescriptors)> control{};
    if (!fds.empty()) {
        message.msg_control = control.data();
        message.msg_controllen = CMSG_SPACE(fds.size_bytes());
        cmsghdr* rights = CMSG_FIRSTHDR(&message);
        rights->cmsg_level = SOL_SOCKET;
        rights->cmsg_type = SCM_RIGHTS;
        rights->cmsg_len = CMSG_LEN(fds.size_bytes());
        std::memcpy(CMSG_DATA(rights), fds.data(), fds.size_bytes());
    }
    ssize_t sent = 0;
    do
        sent = ::sendmsg(fd_.get(), &message, MSG_NOSIGNAL);
    while (sent < 0 && errno == EINTR);
    if (sent < 0)
        return fail(Fault::kUnreachable,
                    fmt::format("the other segue cannot be told ({})", std::strerror(errno)));
    return {};
}

Result<std::optional<LocalMessage>> LocalSocket::receive(std::chrono::milliseconds patience) {
    pollfd wait{fd_.get(), POLLIN, 0};
    const int ready = ::poll(&wait, 1, static_cast<int>(patience.count()));
    if (ready == 0 || (ready < 0 && errno == EINTR)) return std::nullopt;

    LocalMessage got;
    got.text.resize(kMaxMessage);
    iovec part{got.text.data(), got.text.size()};
    alignas(cmsghdr) std::array<char, CMSG_SPACE(sizeof(int) * kMaxDescriptors)> control{};
    msghdr message{};
    message.msg_iov = &part;
    message.msg_iovlen = 1;
    message.msg_control = control.data();
    message.msg_controllen = control.size();
    ssize_t size = 0;
    do
        size = ::recvmsg(fd_.get(), &message, MSG_CMSG_CLOEXEC);
    // A peer that closed without reading everything is told as an error, once; what it had said
    // before comes after that.
    while (size < 0 && (errno == EINTR || errno == ECONNRESET));
    if (size < 0)
        return fail(Fault::kUnreachable,
                    fmt::format("the other segue cannot be heard ({})", std::strerror(errno)));
    got.text.resize(static_cast<std::size_t>(size));
    for (cmsghdr* part_of = CMSG_FIRSTHDR(&message); part_of != nullptr;
         part_of = CMSG_NXTHDR(&message, part_of)) {
        if (part_of->cmsg_level != SOL_SOCKET || part_of->cmsg_type != SCM_RIGHTS) continue;
        const std::size_t count = (part_of->cmsg_len - CMSG_LEN(0)) / sizeof(int);
        std::array<int, kMaxDescriptors> fds{};
        std::memcpy(fds.data(), CMSG_DATA(part_of), count * sizeof(int));
        for (std::size_t i = 0; i < count; ++i)
            got.fds.emplace_back(fds[i]);
    }
    if ((message.msg_flags & (MSG_TRUNC | MSG_CTRUNC)) != 0)
        return fail(Fault::kTooLarge,
                    "the message of the other segue did not arrive whole; raise the limit of open "
                    "files (ulimit -n), or stop the old one and start the new one");
    return got;
}

Result<uid_t> LocalSocket::peer_user() const {
    ucred credentials{};
    socklen_t length = sizeof credentials;
    if (::getsockopt(fd_.get(), SOL_SOCKET, SO_PEERCRED, &credentials, &length) != 0)
        return fail(Fault::kIo, fmt::format("cannot tell whose process is at the other end ({})",
                                            std::strerror(errno)));
    return credentials.uid;
}

Result<LocalListener> LocalListener::open(const std::string& path) {
    // A new name that is renamed over the old one: there is no moment without a listener at `path`.
    const std::string fresh = fmt::format("{}.{}", path, ::getpid());
    SEGUE_TRY(place, place_of(fresh));
    Fd fd(::socket(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0));
    if (!fd) return refused("listen at", path, errno);
    ::unlink(fresh.c_str());
    // Before bind: the file is never there with wider rights (Linux takes the socket's own mode).
    ::fchmod(fd.get(), S_IRUSR | S_IWUSR);
    if (::bind(fd.get(), raw(place.address), place.length) != 0)
        return refused("listen at", path, errno);
    struct stat made {};
    if (::listen(fd.get(), kBacklog) != 0 || ::chmod(fresh.c_str(), S_IRUSR | S_IWUSR) != 0 ||
        ::stat(fresh.c_str(), &made) != 0 || std::rename(fresh.c_str(), path.c_str()) != 0) {
        const int error = errno;
        ::unlink(fresh.c_str());
        return refused("listen at", path, error);
    }
    return LocalListener(std::move(fd), path, made.st_dev, made.st_ino);
}

LocalListener::LocalListener(Fd fd, std::string path, dev_t device, ino_t inode)
    : fd_(std::move(fd)), path_(std::move(path)), device_(device), inode_(inode) {
}

LocalListener::~LocalListener() {
    if (!fd_) return;
    struct stat there {};
    if (::stat(path_.c_str(), &there) == 0 && there.st_dev == device_ && there.st_ino == inode_)
        ::unlink(path_.c_str());
}

std::optional<LocalSocket> LocalListener::accept() {
    while (true) {
        const int fd = ::accept4(fd_.get(), nullptr, nullptr, SOCK_CLOEXEC);
        if (fd >= 0) return LocalSocket(Fd(fd));
        if (errno == EINVAL || errno == EBADF) return std::nullopt;  // shut down by stop()
        if (errno == EINTR || errno == ECONNABORTED) continue;
        // No descriptors left: a takeover can wait until there are some.
        pollfd wait{fd_.get(), 0, 0};
        if (::poll(&wait, 1, 200) > 0 && (wait.revents & (POLLHUP | POLLERR)) != 0)
            return std::nullopt;
    }
}

void LocalListener::stop() {
    ::shutdown(fd_.get(), SHUT_RDWR);
}

Result<void> send_datagram(const std::string& address, std::string_view text) {
    SEGUE_TRY(place, place_of(address));
    const Fd fd(::socket(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC, 0));
    if (!fd || ::sendto(fd.get(), text.data(), text.size(), MSG_NOSIGNAL, raw(place.address),
                        place.length) < 0)
        return refused("send to", address, errno);
    return {};
}

}  // namespace segue::net
