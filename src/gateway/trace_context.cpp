#include "gateway/trace_context.hpp"

#include <algorithm>
#include <charconv>

#include "base/text.hpp"

namespace segue::gateway {
namespace {

bool is_hex(std::string_view text, std::size_t size) {
    return text.size() == size && std::all_of(text.begin(), text.end(), [](char c) {
               return (c >= '0' && c <= '9') || (c >= 'a' && c <= 'f');
           });
}

bool is_zero(std::string_view text) {
    return text.find_first_not_of('0') == std::string_view::npos;
}

}  // namespace

bool TraceContext::sampled() const {
    unsigned bits = 0;
    std::from_chars(flags.data(), flags.data() + flags.size(), bits, 16);
    return (bits & 1U) != 0;
}

std::optional<TraceContext> parse_traceparent(std::string_view header) {
    const auto parts = split(header, '-');
    // Later versions may have more parts.
    if (parts.size() < 4 || parts[0].size() != 2 || parts[0] == "ff") return std::nullopt;
    const TraceContext found{parts[1], parts[2], parts[3]};
    if (!is_hex(found.trace_id, 32) || !is_hex(found.parent_id, 16) || !is_hex(found.flags, 2) ||
        is_zero(found.trace_id) || is_zero(found.parent_id))
        return std::nullopt;
    return found;
}

std::string traceparent(std::string_view trace_id, std::string_view span_id,
                        std::string_view flags) {
    std::string out;
    out.reserve(55);
    out.append("00-").append(trace_id).append("-").append(span_id).append("-").append(flags);
    return out;
}

}  // namespace segue::gateway
