/// A ClientRequest as the bytes of its head.
#pragma once

#include <string>

#include "base/result.hpp"
#include "net/client.hpp"

namespace segue::net {

/// Request line and headers, with the empty line. Host, Content-Length and Connection are ours,
/// whatever the headers say; other headers that speak of the connection itself are left out. Fails
/// on anything that would break the framing: a line break in a value, a space in the path.
Result<std::string> request_head(const ClientRequest& request);

}  // namespace segue::net
