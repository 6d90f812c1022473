/// Settings of the gateway itself; a part of the immutable snapshot that each request takes.
#pragma once

#include <chrono>
#include <string>
#include <vector>

#include "llm/target.hpp"

namespace segue::gateway {

struct GatewayConfig {
    llm::Policy policy;
    std::vector<std::string> keys;             // empty = no key is asked for
    std::vector<std::string> allowed_origins;  // patterns with '*', besides Ollama's own list
    bool check_host = true;                    // only on a loopback listener (wire 1.4)
    std::string ollama_version = "0.33.0";     // what /api/version says when no Ollama is behind
    std::size_t max_body_bytes = 64 * 1024 * 1024;
    std::chrono::milliseconds keep_alive{15'000};  // silence before an SSE comment or ping
    int max_attempts = 3;
    bool allow_aliases = true;  // create and copy make names (false: 501)
};

}  // namespace segue::gateway
