/// The private PostgreSQL: made in the data folder on the first start, run as an unprivileged user
/// on a Unix socket inside its own folder, watched, started anew when it dies, stopped with Segue.
///
///     <folder>/lock       the Segue that owns it (its process id); one at a time
///     <folder>/password   of its user `segue`, for Segue's eyes only
///     <folder>/data       PostgreSQL's own folder; its settings in data/postgresql.conf may be
///     changed <folder>/log        what PostgreSQL says (log.1: before)
///
/// PostgreSQL is started inside its folder and told to work in /proc/self/cwd: so the user it runs
/// as need not be able to walk there (a data folder below /root), and the folder may be moved.
/// (Before PostgreSQL 16 it must be able to.)
/// Segue killed: its keeper process stops PostgreSQL after a few seconds, unless the next Segue is
/// there by then, which goes on with the server as it is.
///
/// Thread: any; one thread of its own. Lifetime: longer than what connects to it.
#pragma once

#include <sys/types.h>

#include <chrono>
#include <condition_variable>
#include <memory>
#include <mutex>
#include <optional>
#include <string>
#include <thread>

#include "base/result.hpp"
#include "store/installation.hpp"
#include "store/lock.hpp"
#include "store/process.hpp"

namespace segue::store {

struct ClusterOptions {
    std::string folder;
    std::string pg_bin;  // SEGUE_PG_BIN; "" = look for one
    std::string user;    // as whom PostgreSQL runs when Segue is root; "" = segue, postgres, nobody
    /// kNone: nothing is synced to the disk (tests).
    enum class Durability : std::uint8_t { kFull, kNone } durability = Durability::kFull;
};

class Cluster {
public:
    /// kOwn: an error (kConflict, with the process id) when another Segue has it. kShare: uses the
    /// one that is running, and takes it over when its owner ends.
    enum class Access : std::uint8_t { kOwn, kShare };
    /// Quick: takes the lock, finds the programs. start() does the rest behind.
    static Result<std::unique_ptr<Cluster>> open(ClusterOptions options, Access access);
    ~Cluster();
    Cluster(const Cluster&) = delete;
    Cluster& operator=(const Cluster&) = delete;

    void start();
    /// Stops PostgreSQL when it is ours, and waits for that.
    void stop();
    /// The same without stopping PostgreSQL: a successor goes on with it.
    void leave();

    enum class State : std::uint8_t { kStarting, kReady, kFailed, kStopped };
    struct Status {
        State state = State::kStarting;
        std::string problem;  // why it is not ready
        pid_t pid = 0;        // of PostgreSQL
        int restarts = 0;
        std::string version;
        std::string bin;
        bool owned = false;
    };
    Status status() const;
    /// libpq's words for connecting, or why that is not possible now (kUnreachable: later).
    Result<std::string> endpoint() const;
    Result<void> wait_ready(std::chrono::milliseconds patience) const;
    /// "host" for PostgreSQL's own programs.
    std::string socket_folder() const;
    const ClusterOptions& options() const { return options_; }

private:
    Cluster(ClusterOptions options, std::optional<User> user, std::optional<OwnerLock> lock);
    Result<void> find_programs();
    Result<void> prepare();  // initdb, password
    Result<void> use_socket(std::string password);
    std::string as_seen_inside(const std::string& folder) const;
    Result<void> initialise(const std::string& password);
    void configure(const std::string& data) const;
    void forget_stale_files() const;
    Result<pid_t> running() const;  // 0: no server
    bool accepts_connections(pid_t pid) const;
    Result<void> launch_server();
    void run(const std::stop_token& stop);
    void supervise(const std::stop_token& stop);
    void watch_as_guest(const std::stop_token& stop);
    void stop_server();
    void reap_keeper(bool wait);
    void set(State state, std::string problem, pid_t pid);
    bool nap(const std::stop_token& stop, std::chrono::milliseconds time) const;
    std::string last_words() const;

    const ClusterOptions options_;
    const std::string data_;
    const std::optional<User> user_;
    std::optional<OwnerLock> lock_;  // absent: a guest
    Installation installation_;
    std::string socket_folder_;
    int socket_handle_ = -1;  // the folder, when its path is too long for a socket
    std::string password_;
    pid_t keeper_ = 0;
    int wake_ = -1;  // an eventfd: time to stop
    mutable std::mutex mutex_;
    mutable std::condition_variable_any changed_;
    Status status_;
    std::jthread thread_;
};

}  // namespace segue::store
