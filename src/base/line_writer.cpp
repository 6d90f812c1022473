#include "base/line_writer.hpp"

#include <poll.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <utility>

namespace segue::log {
namespace {

// A pipe that says it is writable has room for this much (PIPE_BUF): such a write does not block,
// although the descriptor is a blocking one. O_NONBLOCK is no way: it would be set for everybody
// who shares the terminal or the pipe.
constexpr std::size_t kPiece = 4096;

bool writable(int fd) {
    pollfd wanted{.fd = fd, .events = POLLOUT, .revents = 0};
    return ::poll(&wanted, 1, 0) == 1 && (wanted.revents & POLLOUT) != 0;
}

}  // namespace

bool LineWriter::write(std::string_view line) {
    work_.clear();
    if (inside_line_) work_ += '\n';
    work_ += line;
    work_ += '\n';
    const bool taken = put(work_);
    if (!taken) ++lost_;
    return taken;
}

std::uint64_t LineWriter::take_lost() {
    return std::exchange(lost_, 0);
}

bool LineWriter::put(std::string_view bytes) {
    while (!bytes.empty()) {
        if (!writable(fd_)) return false;
        const auto written = ::write(fd_, bytes.data(), std::min(bytes.size(), kPiece));
        if (written < 0) {
            if (errno == EINTR) continue;
            return false;
        }
        bytes.remove_prefix(static_cast<std::size_t>(written));
        inside_line_ = !bytes.empty();
    }
    return true;
}

}  // namespace segue::log
