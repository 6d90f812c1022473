/// One HTTP request over a Unix-domain socket, as Docker's and Podman's API is reached.
///
/// Thread: plain blocking call for command-line tools and control-plane threads.
#pragma once

#include <chrono>
#include <string>

#include "base/result.hpp"
#include "net/client.hpp"

namespace segue::net {

struct LocalFetch {
    std::string socket;  // path of the socket
    std::string path;    // of the request, with query
    std::chrono::milliseconds patience{5'000};
    std::size_t max_body = 32 * 1024 * 1024;
};

/// GET. kNotFound: there is no such socket; kIo: this user may not use it; kUnreachable: nobody
/// answers there.
Result<SimpleResponse> fetch(const LocalFetch& request);

}  // namespace segue::net
