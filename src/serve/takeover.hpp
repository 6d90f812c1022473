/// Upgrade without dropping a stream: a new process takes the listening sockets over from the
/// running one. They meet at a socket in the data folder that only their own user may open; each
/// message is one JSON object (protocol 1):
///
///     new → old  {"takeover":1,"version":"0.2.0","pid":4711}
///     old → new  {"takeover":1,"version":"0.1.0","pid":4242,"activated":false}, and the
///     descriptors new → old  {"accepting":true}     both accept for a moment old → new
///     {"draining":true}      the old one has stopped accepting
///
/// Either side may say {"error":"…"} instead. Until the old one heard "accepting" it goes on as if
/// nothing had happened, whatever becomes of the new one. Afterwards the connection stays open
/// until the old process ends: that is how the new one learns of it.
///
/// Thread: TakeoverServer has one of its own; Takeover belongs to the thread that starts the
/// daemon.
#pragma once

#include <sys/types.h>

#include <atomic>
#include <chrono>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <thread>
#include <vector>

#include "base/result.hpp"
#include "net/local_socket.hpp"
#include "net/server.hpp"

namespace segue::serve {

/// Where the processes of one data folder meet.
std::string takeover_path(const std::string& data_dir);

/// Starts this program anew, as it was started, with --takeover: from the file that has its name
/// now.
Result<pid_t> spawn_successor();

/// What the old process has to give.
struct Inheritance {
    std::vector<net::Listener> listeners;
    bool activated = false;  // a service manager opened them; the configuration did not name them
    std::string version;     // of the old process
    pid_t pid = 0;
};

/// The new process's side.
class Takeover {
public:
    /// Asks the segue that listens at `path`; nothing when nobody does.
    static Result<std::optional<Takeover>> begin(const std::string& path);
    Inheritance& inheritance() { return inheritance_; }

    enum class End : std::uint8_t { kDraining, kDied };
    /// To be called when this process accepts connections. An error: the old one goes on and this
    /// process must not.
    Result<End> complete();
    /// Blocks until the old process has ended, or `stop`.
    void wait_for_end(const std::stop_token& stop);

private:
    Takeover(net::LocalSocket socket, Inheritance inheritance)
        : socket_(std::move(socket)), inheritance_(std::move(inheritance)) {}
    net::LocalSocket socket_;
    Inheritance inheritance_;
};

/// The running process's side: waits for a successor.
class TakeoverServer {
public:
    struct Options {
        std::string path;
        uid_t user = 0;  // whose processes may ask
        std::vector<int> listeners;
        bool activated = false;
        /// All three are called on the server's thread. A successor accepts: stop accepting before
        /// this returns; it died while it was told: accept again; it knows: drain.
        std::function<void()> stop_accepting;
        std::function<void()> accept_again;
        std::function<void()> handed_over;
        /// How long a successor may take from its request to accepting.
        std::chrono::milliseconds patience{60'000};
    };
    static Result<std::unique_ptr<TakeoverServer>> start(Options options);
    ~TakeoverServer();
    TakeoverServer(const TakeoverServer&) = delete;
    TakeoverServer& operator=(const TakeoverServer&) = delete;

    /// A successor has the listening sockets. Stays true.
    bool handed_over() const { return handed_over_.load(); }
    /// No takeover from now on; the connection to a successor stays open.
    void stop();

private:
    TakeoverServer(Options options, net::LocalListener listener);
    void run(const std::stop_token& stop);
    Result<void> serve(net::LocalSocket& peer, const std::stop_token& stop);

    Options options_;
    net::LocalListener listener_;
    std::atomic<bool> handed_over_{false};
    std::optional<net::LocalSocket> successor_;
    std::jthread thread_;
};

}  // namespace segue::serve
