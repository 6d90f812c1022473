/// `segue serve`: puts the parts together, owns threads, signals, reload and the graceful stop.
#pragma once

#include <functional>
#include <iosfwd>
#include <memory>
#include <string>

#include "base/result.hpp"
#include "serve/config.hpp"

namespace segue::serve {

struct ServeOptions {
    Flags flags;
    Environment environment;
    std::string port_file;  // gets "127.0.0.1:PORT\n" when ready, a line a socket; "" = none
    enum class Start : std::uint8_t { kAlone, kTakeover } start = Start::kAlone;
};

/// Runs until SIGTERM or SIGINT, or until a successor took over; SIGHUP reloads, SIGUSR2 starts a
/// successor. `banner` is told in plain lines what was started. Ok = a graceful stop. The calling
/// thread's signal mask is changed: call it from main.
Result<void> serve(ServeOptions options, std::ostream& banner);

/// Every issue on a line of its own, then what to do next.
std::string describe_issues(const std::vector<SettingIssue>& issues);

}  // namespace segue::serve
