/// Whole small files: read one; replace one so that after a crash or on a full disk it is the old
/// or the new, never half; and a lock between processes that change the same one.
///
/// Thread: any. Nothing is kept but what FileLock holds.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>

#include "base/result.hpp"

namespace segue {

/// kNotFound when there is no such file, kIo when it cannot be read.
Result<std::string> read_file(const std::string& path);

/// Who may read a file that is written.
enum class FileAccess : std::uint32_t { kEverybody = 0644, kOwner = 0600 };

/// Writes beside the file, syncs, renames, syncs the folder (made for the owner only when it is
/// missing). Run by root, the file belongs to the folder's owner: what `sudo segue …` writes the
/// service must be able to read.
Result<void> replace_file(const std::string& path, std::string_view text, FileAccess access);

/// Held while one process reads, changes and replaces `path`; another one waits. Given back with
/// the object, or by the kernel when the process dies.
class FileLock {
public:
    /// Locks `path` + ".lock".
    static Result<FileLock> take(const std::string& path);
    FileLock(FileLock&& other) noexcept;
    FileLock& operator=(FileLock&& other) noexcept;
    ~FileLock();

private:
    explicit FileLock(int fd) : fd_(fd) {}
    int fd_ = -1;
};

}  // namespace segue
