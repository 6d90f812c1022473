/// W3C Trace Context, version 00 (https://www.w3.org/TR/trace-context/): the header `traceparent`.
#pragma once

#include <optional>
#include <string>
#include <string_view>

namespace segue::gateway {

/// Views into the header that was read.
struct TraceContext {
    std::string_view trace_id;   // 32 lower-case hex, not all zero
    std::string_view parent_id;  // 16 of them, the caller's span
    std::string_view flags;      // 2 of them
    /// The caller takes the trace itself.
    bool sampled() const;
};

/// Nothing where the header is not as the standard wants it: the trace then begins anew.
std::optional<TraceContext> parse_traceparent(std::string_view header);

std::string traceparent(std::string_view trace_id, std::string_view span_id,
                        std::string_view flags);

}  // namespace segue::gateway
