/// Lines to a descriptor that never hold up the writer: what cannot be taken now is dropped and
/// counted.
///
/// Workers write their access lines themselves. Behind standard error there may be a pipe that
/// nobody reads any more, a stopped terminal or a full disk; each of them may cost log lines, none
/// may cost requests.
///
/// Thread: one at a time (the log's sink holds a mutex). The descriptor is not owned.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>

namespace segue::log {

class LineWriter {
public:
    explicit LineWriter(int fd) : fd_(fd) {}
    /// `line` without its end. True: all of it was taken.
    bool write(std::string_view line);
    /// Lines lost since the last call.
    std::uint64_t take_lost();

private:
    bool put(std::string_view bytes);

    int fd_;
    bool inside_line_ = false;  // a line was taken only in part: the next one begins with its end
    std::uint64_t lost_ = 0;
    std::string work_;
};

}  // namespace segue::log
