/// Who may ask: Origin and Host rules (wire 1.4), and where a key stands in a request.
#pragma once

#include <optional>
#include <string>
#include <string_view>

#include "gateway/config.hpp"
#include "net/http.hpp"

namespace segue::gateway {

/// Ollama's list and the configured patterns.
bool origin_allowed(std::string_view origin, const GatewayConfig& config);
/// The page that Segue itself serves: the origin's host and port are those that the request names.
bool same_origin(std::string_view origin, std::string_view host_header);
/// Somebody who looks with a browser: HTML is asked for by name, not by `*/*`.
bool wants_page(const net::Headers& headers);
/// The DNS-rebinding guard of a loopback listener: addresses of this machine and private ones,
/// localhost, the machine's name,
/// *.localhost, *.local, *.internal.
bool host_allowed(std::string_view host_header);
/// Headers of a preflight answer; headers that were asked for beyond Ollama's list are echoed
/// (wire 4.4).
net::Headers preflight_headers(std::string_view origin, std::string_view asked_headers);
/// `Authorization: Bearer K` or `x-api-key: K`; "" when there is none. A view into `headers`.
std::string_view given_key(const net::Headers& headers);

}  // namespace segue::gateway
