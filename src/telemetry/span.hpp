/// A span as OpenTelemetry means it: one named piece of work with a beginning, an end and
/// attributes. Prompts, answers and keys are never among them.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <variant>
#include <vector>

#include "base/clock.hpp"

namespace segue::telemetry {

using AttributeValue = std::variant<std::string, std::int64_t, double, std::vector<std::string>>;
struct Attribute {
    std::string_view name;  // a literal
    AttributeValue value;
};

struct Span {
    /// The numbers are OTLP's.
    enum class Kind : std::uint8_t { kInternal = 1, kServer = 2, kClient = 3 };
    std::string trace_id;   // 32 hex
    std::string span_id;    // 16 hex
    std::string parent_id;  // "" = the trace begins here
    std::string trace_state;
    bool remote_parent = false;
    std::string name;
    Kind kind = Kind::kInternal;
    WallTime start{};
    WallTime end{};
    std::vector<Attribute> attributes;
    bool failed = false;
    std::string error;  // what a person is told; only when failed
};

/// Something finished that can tell its spans. It is asked on the exporter's thread: what made it
/// only hands over what it knows.
class SpanSource {
public:
    virtual ~SpanSource() = default;
    virtual void append_to(std::vector<Span>& spans) const = 0;
};

}  // namespace segue::telemetry
