#include "serve/service_manager.hpp"

#include <fmt/format.h>
#include <unistd.h>

#include <charconv>
#include <chrono>

#include "base/log.hpp"
#include "net/local_socket.hpp"

namespace segue::serve {
namespace {

constexpr int kFirstDescriptor = 3;  // sd_listen_fds(3)

std::optional<int> number(const std::optional<std::string>& text) {
    if (!text) return std::nullopt;
    int value = 0;
    const char* end = text->data() + text->size();
    const auto [stop, error] = std::from_chars(text->data(), end, value);
    if (error != std::errc{} || stop != end) return std::nullopt;
    return value;
}

}  // namespace

Result<std::vector<net::Listener>> activated_listeners(const Environment& environment) {
    std::vector<net::Listener> listeners;
    // The variables may be a parent's: they count only for the process that they name.
    if (number(environment("LISTEN_PID")) != static_cast<int>(::getpid())) return listeners;
    const int count = number(environment("LISTEN_FDS")).value_or(0);
    for (int fd = kFirstDescriptor; fd < kFirstDescriptor + count; ++fd) {
        SEGUE_TRY(listener, net::Listener::inherit(fd));
        listeners.push_back(std::move(listener));
    }
    return listeners;
}

ServiceManager::ServiceManager(const Environment& environment)
    : address_(environment("NOTIFY_SOCKET").value_or("")) {
}

void ServiceManager::ready(std::string_view status) const {
    // The main process is named: after a takeover inside the service it is another one.
    tell(fmt::format("READY=1\nMAINPID={}\nSTATUS={}", ::getpid(), status));
}

void ServiceManager::reloading() const {
    const auto now = std::chrono::steady_clock::now().time_since_epoch();
    tell(fmt::format("RELOADING=1\nMONOTONIC_USEC={}",
                     std::chrono::duration_cast<std::chrono::microseconds>(now).count()));
}

void ServiceManager::stopping() const {
    tell("STOPPING=1\nSTATUS=draining");
}

void ServiceManager::tell(std::string_view text) const {
    if (address_.empty()) return;
    if (const auto told = net::send_datagram(address_, text); !told)
        log::warning("the service manager is not told: {}", told.error().detail);
}

}  // namespace segue::serve
