/// Runs PostgreSQL's own programs: as another user when Segue is root (PostgreSQL refuses root),
/// and inside a folder that this user need not be able to walk to.
///
/// Thread: any.
#pragma once

#include <sys/types.h>

#include <chrono>
#include <optional>
#include <string>
#include <vector>

#include "base/result.hpp"

namespace segue::store {

/// Whom a child becomes.
struct User {
    uid_t uid = 0;
    gid_t gid = 0;
    std::string name;
};

struct Command {
    std::vector<std::string> arguments;  // the program's path first
    std::optional<User> user;            // absent: as we are
    int folder = -1;                     // descriptor of the working folder; -1: "/"
    std::string input;                   // on standard input
    std::chrono::milliseconds patience{60'000};
};

struct Finished {
    int status = 0;      // exit status; 128 + n: killed by signal n
    std::string output;  // both outputs, at most 64 KiB
};

Result<Finished> run(const Command& command);

/// A server that outlives this call, watched by a keeper: a small child process of ours that
/// ends the server when the lock file is nobody's any more (Segue was killed), and ends when the
/// server does.
struct Launch {
    Command command;
    std::string lock;  // path of the lock file (see lock.hpp)
    int log = -1;      // descriptor for both outputs
};
/// The keeper's process id; the caller reaps it.
Result<pid_t> launch(const Launch& launch);

/// A process that need not be our child ended, or there is none. Gives up after `patience`, or
/// when `wake` can be read. True: it has ended.
bool wait_for_end(pid_t pid, std::chrono::milliseconds patience, int wake = -1);

}  // namespace segue::store
