#include "store/lock.hpp"

#include <fcntl.h>
#include <fmt/format.h>
#include <unistd.h>

#include <cerrno>
#include <cstdlib>
#include <cstring>
#include <utility>

#include "base/files.hpp"

namespace segue::store {
namespace {

struct flock whole_file(short type) {
    struct flock lock {};
    lock.l_type = type;
    lock.l_whence = SEEK_SET;
    return lock;
}

}  // namespace

bool is_locked(int fd) {
    struct flock lock = whole_file(F_WRLCK);
    return ::fcntl(fd, F_OFD_GETLK, &lock) == 0 && lock.l_type != F_UNLCK;
}

Result<std::optional<OwnerLock>> OwnerLock::take(const std::string& path) {
    const int fd = ::open(path.c_str(), O_RDWR | O_CREAT | O_CLOEXEC, 0600);
    if (fd < 0)
        return fail(Fault::kIo,
                    fmt::format("cannot open {} ({}); check the folder and its permissions", path,
                                std::strerror(errno)),
                    "store");
    OwnerLock mine(fd);
    struct flock lock = whole_file(F_WRLCK);
    if (::fcntl(fd, F_OFD_SETLK, &lock) != 0) {
        if (errno == EAGAIN || errno == EACCES) return std::optional<OwnerLock>{};
        return fail(
            Fault::kIo,
            fmt::format("cannot lock {} ({}); the data folder must be on a file system with "
                        "locks",
                        path, std::strerror(errno)),
            "store");
    }
    const std::string text = fmt::format("{}\n", ::getpid());
    if (::ftruncate(fd, 0) != 0 ||
        ::pwrite(fd, text.data(), text.size(), 0) != static_cast<ssize_t>(text.size()))
        return fail(Fault::kIo,
                    fmt::format("cannot write {} ({}); make room", path, std::strerror(errno)),
                    "store");
    return std::optional<OwnerLock>(std::move(mine));
}

pid_t OwnerLock::owner(const std::string& path) {
    const auto text = read_file(path);
    return text ? static_cast<pid_t>(std::strtol(text->c_str(), nullptr, 10)) : 0;
}

OwnerLock::OwnerLock(OwnerLock&& other) noexcept : fd_(std::exchange(other.fd_, -1)) {
}
OwnerLock& OwnerLock::operator=(OwnerLock&& other) noexcept {
    std::swap(fd_, other.fd_);
    return *this;
}
OwnerLock::~OwnerLock() {
    if (fd_ >= 0) ::close(fd_);
}

}  // namespace segue::store
