/// Names to addresses, off the loop: getaddrinfo blocks, so helper threads call it.
///
/// Thread: resolve() and cancel() from any thread; answers arrive on the asker's loop. One resolver
/// serves the whole process (Resolver::shared), so that all workers use one cache and a name server
/// that hangs cannot hold up a worker's shutdown.
#pragma once

#include <sys/socket.h>

#include <condition_variable>
#include <cstddef>
#include <cstdint>
#include <deque>
#include <functional>
#include <map>
#include <mutex>
#include <optional>
#include <stop_token>
#include <string>
#include <thread>
#include <vector>

#include "base/clock.hpp"
#include "base/result.hpp"
#include "net/loop.hpp"

namespace segue::net {

/// An IPv4 or IPv6 address, without a port.
struct Address {
    sockaddr_storage storage{};
    socklen_t length = 0;
    void set_port(std::uint16_t port);
    int family() const { return storage.ss_family; }
    std::string to_string() const;  // "127.0.0.1", "::1"
};

/// "127.0.0.1", "::1"; nothing for a name.
std::optional<Address> parse_address(const std::string& text);

using Addresses = Result<std::vector<Address>>;

/// Asks the system; blocks.
Addresses lookup_host(const std::string& host);

class Resolver {
public:
    using Lookup = std::function<Addresses(const std::string& host)>;
    using Callback = std::function<void(Addresses)>;
    struct Options {
        Duration keep = std::chrono::seconds(5);  // how long a found name is remembered
        std::size_t max_threads = 4;              // one name that hangs does not hold up the others
        std::size_t max_names = 256;              // remembered; beyond it the memory is emptied
    };

    Resolver();
    Resolver(Lookup lookup, const Clock& clock, Options options);
    /// Waits for lookups under way.
    ~Resolver();
    Resolver(const Resolver&) = delete;
    Resolver& operator=(const Resolver&) = delete;

    static Resolver& shared();

    /// `done` is posted to `loop`, never called at once. Two askers of one name share one lookup.
    std::uint64_t resolve(const std::string& host, Loop& loop, Callback done);
    /// After it nothing is posted for this number any more; what was posted already still arrives.
    /// Must be called before the loop goes.
    void cancel(std::uint64_t ticket);

private:
    struct Waiter {
        std::uint64_t ticket;
        Loop* loop;
        Callback done;
    };
    struct Remembered {
        std::vector<Address> addresses;
        TimePoint expires;
    };
    void work(const std::stop_token& stop);
    void answer(const std::string& host, const Addresses& found);

    Lookup lookup_;
    const Clock& clock_;
    Options options_;
    std::mutex mutex_;
    std::condition_variable_any wake_;
    std::map<std::string, std::vector<Waiter>> waiting_;  // by name: queued or being looked up
    std::deque<std::string> queue_;
    std::map<std::string, Remembered> remembered_;
    std::uint64_t next_ticket_ = 1;
    std::size_t idle_threads_ = 0;
    std::vector<std::jthread> threads_;  // last: joined before the rest goes
};

}  // namespace segue::net
