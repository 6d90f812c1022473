#include "base/files.hpp"

#include <fcntl.h>
#include <fmt/format.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

#include <array>
#include <cerrno>
#include <cstring>
#include <filesystem>
#include <utility>

namespace segue {
namespace {

/// A descriptor that is closed with the scope.
class Fd {
public:
    explicit Fd(int fd) : fd_(fd) {}
    Fd(const Fd&) = delete;
    Fd& operator=(const Fd&) = delete;
    ~Fd() {
        if (fd_ >= 0) ::close(fd_);
    }
    int get() const { return fd_; }
    explicit operator bool() const { return fd_ >= 0; }

private:
    int fd_;
};

tl::unexpected<Error> refused(std::string_view what, const std::string& path, int error) {
    return fail(error == ENOENT || error == ENOTDIR ? Fault::kNotFound : Fault::kIo,
                fmt::format("cannot {} {} ({}); check the folder, its permissions and the space "
                            "that is left",
                            what, path, std::strerror(error)));
}

std::string folder_of(const std::string& path) {
    const auto parent = std::filesystem::path(path).parent_path();
    return parent.empty() ? std::string(".") : parent.string();
}

/// For the owner only, as XDG's base directory specification wants it: what lies in a data folder
/// is nobody else's business.
Result<void> make_folder(const std::string& folder) {
    std::error_code error;
    if (std::filesystem::is_directory(folder, error)) return {};
    std::filesystem::create_directories(folder_of(folder), error);
    if (error) return refused("make the folder", folder, error.value());
    if (::mkdir(folder.c_str(), 0700) != 0 && errno != EEXIST)
        return refused("make the folder", folder, errno);
    return {};
}

/// Root's own files would shut the service out.
bool give_to_owner_of(const std::string& folder, int fd) {
    if (::geteuid() != 0) return true;
    struct stat status {};
    return ::stat(folder.c_str(), &status) == 0 && ::fchown(fd, status.st_uid, status.st_gid) == 0;
}

bool write_all(int fd, std::string_view text) {
    while (!text.empty()) {
        const ssize_t written = ::write(fd, text.data(), text.size());
        if (written < 0 && errno == EINTR) continue;
        if (written < 0) return false;
        text.remove_prefix(static_cast<std::size_t>(written));
    }
    return true;
}

}  // namespace

Result<std::string> read_file(const std::string& path) {
    const Fd file(::open(path.c_str(), O_RDONLY | O_CLOEXEC));
    if (!file) return refused("read", path, errno);
    std::string text;
    std::array<char, 16 * 1024> piece{};
    while (true) {
        const ssize_t count = ::read(file.get(), piece.data(), piece.size());
        if (count < 0 && errno == EINTR) continue;
        if (count < 0) return refused("read", path, errno);
        if (count == 0) return text;
        text.append(piece.data(), static_cast<std::size_t>(count));
    }
}

Result<void> replace_file(const std::string& path, std::string_view text, FileAccess access) {
    const std::string folder = folder_of(path);
    SEGUE_TRY_VOID(make_folder(folder));
    const std::string fresh = path + ".new";
    ::unlink(fresh.c_str());  // a left-over may have other permissions
    {
        const Fd file(::open(fresh.c_str(), O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC,
                             static_cast<mode_t>(access)));
        if (!file || !give_to_owner_of(folder, file.get()) || !write_all(file.get(), text) ||
            ::fsync(file.get()) != 0) {
            const int error = errno;
            ::unlink(fresh.c_str());
            return refused("write", path, error);
        }
    }
    if (::rename(fresh.c_str(), path.c_str()) != 0) {
        const int error = errno;
        ::unlink(fresh.c_str());
        return refused("write", path, error);
    }
    // Without this a power cut may bring the old name back. Some file systems cannot; the new file
    // is in place all the same.
    const Fd directory(::open(folder.c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC));
    if (directory) (void)::fsync(directory.get());
    return {};
}

Result<FileLock> FileLock::take(const std::string& path) {
    const std::string name = path + ".lock";
    SEGUE_TRY_VOID(make_folder(folder_of(path)));
    const int fd = ::open(name.c_str(), O_RDWR | O_CREAT | O_CLOEXEC, 0600);
    if (fd < 0) return refused("lock", path, errno);
    FileLock lock(fd);
    (void)give_to_owner_of(folder_of(path), fd);
    while (::flock(fd, LOCK_EX) != 0)
        if (errno != EINTR) return refused("lock", path, errno);
    return lock;
}

FileLock::FileLock(FileLock&& other) noexcept : fd_(std::exchange(other.fd_, -1)) {
}

FileLock& FileLock::operator=(FileLock&& other) noexcept {
    std::swap(fd_, other.fd_);
    return *this;
}

FileLock::~FileLock() {
    if (fd_ >= 0) ::close(fd_);
}

}  // namespace segue
