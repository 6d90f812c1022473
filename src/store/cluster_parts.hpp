/// What cluster.cpp and cluster_server.cpp share; private to them.
///
/// Thread: pure functions and constants.
#pragma once

#include <fmt/format.h>

#include <cerrno>
#include <chrono>
#include <cstring>
#include <string>
#include <string_view>

#include "base/result.hpp"

namespace segue::store {

// Recovery after a kill replays what was written since the last checkpoint.
inline constexpr std::chrono::milliseconds kStartPatience{300'000};

/// By errno.
inline tl::unexpected<Error> refused(std::string_view what, const std::string& path) {
    return fail(Fault::kIo,
                fmt::format("cannot {} {} ({}); check the folder, its permissions and the space "
                            "that is left",
                            what, path, std::strerror(errno)),
                "store");
}

}  // namespace segue::store
