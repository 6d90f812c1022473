/// What systemd (or another manager with its protocol) gives a service and wants to hear of it:
/// listening sockets (LISTEN_FDS) and its state (NOTIFY_SOCKET). Without a manager nothing happens.
///
/// Thread: the daemon's main thread.
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "base/result.hpp"
#include "base/settings.hpp"
#include "net/server.hpp"

namespace segue::serve {

/// The sockets of socket activation; empty when this process was not given any.
Result<std::vector<net::Listener>> activated_listeners(const Environment& environment);

class ServiceManager {
public:
    explicit ServiceManager(const Environment& environment);
    void ready(std::string_view status) const;
    void reloading() const;
    void stopping() const;

private:
    void tell(std::string_view text) const;
    std::string address_;  // "" = nobody wants to know
};

}  // namespace segue::serve
