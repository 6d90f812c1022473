/// Who owns a private cluster: one process holds the lock file until it ends, however it ends. Its
/// process id is inside. (An open file description lock: threads and forked children of the owner
/// do not confuse it.)
///
/// Thread: any.
#pragma once

#include <sys/types.h>

#include <optional>
#include <string>

#include "base/result.hpp"

namespace segue::store {

/// Somebody else than this descriptor holds the lock. Safe after fork().
bool is_locked(int fd);

class OwnerLock {
public:
    /// Nothing: another process has it; see owner().
    static Result<std::optional<OwnerLock>> take(const std::string& path);
    /// The process id in the file; 0 when it cannot be read.
    static pid_t owner(const std::string& path);
    OwnerLock(OwnerLock&& other) noexcept;
    OwnerLock& operator=(OwnerLock&& other) noexcept;
    ~OwnerLock();

private:
    explicit OwnerLock(int fd) : fd_(fd) {}
    int fd_;
};

}  // namespace segue::store
