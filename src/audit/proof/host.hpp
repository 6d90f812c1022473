/// What runs on this machine, as far as this user may see it: processes, sockets with their owners,
/// units and timetables, what an installation left behind. Read from /proc and a few folders below
/// `root` ("" is the machine; tests give a folder). Reads only.
///
/// What could not be read is named, never taken for empty. Blocking; one thread.
#pragma once

#include <cstdint>
#include <map>
#include <optional>
#include <set>
#include <string>
#include <utility>
#include <vector>

namespace segue::audit {

struct Process {
    int pid = 0;
    std::string program;                 // path of the executable; of argv[0] where that is hidden
    std::vector<std::string> arguments;  // with argv[0]
    std::string network;                 // its network namespace; "" = may not be seen
    bool environment_read = false;
    std::vector<std::string> environment;  // NAMES only: values may be secrets

    std::string name() const;  // last part of the program's path
    /// "1234 (uvicorn)"
    std::string label() const;
};

struct Socket {
    std::string local;   // "127.0.0.1"
    std::string remote;  // of a connection
    std::uint16_t local_port = 0;
    std::uint16_t remote_port = 0;
    bool listening = false;
    std::uint64_t inode = 0;
    std::string network;  // "" = the namespace of this process
};

class Host {
public:
    explicit Host(std::string root = "") : root_(std::move(root)) {}

    /// Without this process itself. `unread`: what could not be looked at, one a line.
    std::vector<Process> processes(std::vector<std::string>& unread) const;
    /// TCP sockets that listen or are connected, in every network namespace of `seen` that can be
    /// entered.
    std::vector<Socket> sockets(const std::vector<Process>& seen,
                                std::vector<std::string>& unread) const;
    /// TCP connections that the kernel's connection tracking has, also those that it only passes on
    /// between containers and those that ended a moment ago (/proc/net/nf_conntrack, for root
    /// alone). Nothing: it does not track, or not for this user.
    std::optional<std::vector<Socket>> tracked() const;
    /// Whose socket it is, by inode; only those that this user may see.
    std::map<std::uint64_t, int> owners(const std::set<std::uint64_t>& inodes) const;

    struct Timetable {
        std::vector<std::string> active;  // enabled units, timers, cron lines, autostart
        std::vector<std::string> left;  // installed, but nothing starts it; programs, user, models
    };
    Timetable timetable(std::vector<std::string>& unread) const;

    const std::string& root() const { return root_; }

private:
    std::string root_;
};

/// A program of Ollama's: the server, its runners, or a shell that starts it. `segue` never is,
/// whatever its arguments are.
bool is_ollama(const Process& process);
bool is_segue(const Process& process);

}  // namespace segue::audit
