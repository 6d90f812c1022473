/// What a name can stand for, as the flow knows it. Values only grow: merging is a union, so rounds
/// end. Plain values.
#pragma once

#include <cstdint>
#include <map>
#include <string>
#include <tuple>
#include <vector>

#include "audit/finding.hpp"

namespace segue::audit {

/// Traits, as bits of Value::traits.
namespace trait {
inline constexpr std::uint32_t kModule = 1;    // an Ollama package, or a part of one
inline constexpr std::uint32_t kMaker = 2;     // a class or factory of a client
inline constexpr std::uint32_t kClient = 4;    // a client object
inline constexpr std::uint32_t kMethod = 8;    // a function that answers with a native reply
inline constexpr std::uint32_t kReply = 16;    // a native reply, or a part of one
inline constexpr std::uint32_t kAddress = 32;  // an address of the server
inline constexpr std::uint32_t kApiBase = 64;  // an address that ends in /api
inline constexpr std::uint32_t kOpenAi = 128;  // an address with /v1: replies are OpenAI's
inline constexpr std::uint32_t kTag = 256;     // a model's name
inline constexpr std::uint32_t kHttp = 512;    // an HTTP client that is bound to an address
inline constexpr std::uint32_t kConnector =
    1024;  // a framework's connector: its replies are the framework's
inline constexpr std::uint32_t kOpenAiClient = 2048;
inline constexpr std::uint32_t kReplyType = 4096;  // the type of a native reply
inline constexpr std::uint32_t kRaw = 8192;        // an HTTP response: its body is the reply
/// What a setting says: where the server is, or which model.
inline constexpr std::uint32_t kSetting = kAddress | kApiBase | kOpenAi | kTag;
}  // namespace trait

struct Value {
    std::uint32_t traits = 0;   // of its own
    std::uint32_t given = 0;    // handed in by some callers: true of their calls, not of all
    std::uint32_t returns = 0;  // traits of what a call gives
    int shape = -1;             // attributes: an instance, an object, a module of the project
    int returns_shape = -1;
    int function = -1;  // a function of the project, for binding its parameters
    FlowStep from;      // where the first trait came from

    bool has(std::uint32_t wanted) const { return ((traits | given) & wanted) != 0; }
    /// Whoever calls.
    bool always(std::uint32_t wanted) const { return (traits & wanted) != 0; }
    /// True when something is new.
    bool merge(const Value& other) {
        const auto before = std::tuple(traits, given, returns, shape, returns_shape, function);
        if (from.path.empty() && (other.traits | other.given | other.returns) != 0)
            from = other.from;
        traits |= other.traits;
        given |= other.given;
        returns |= other.returns;
        if (shape < 0) shape = other.shape;
        if (returns_shape < 0) returns_shape = other.returns_shape;
        if (function < 0) function = other.function;
        return before != std::tuple(traits, given, returns, shape, returns_shape, function);
    }
};

inline bool says_something(const Value& v) {
    return (v.traits | v.given | v.returns) != 0 || v.shape >= 0 || v.returns_shape >= 0 ||
           v.function >= 0;
}
/// Some of the traits of a value, and where they came from.
inline Value inherit(const Value& from, std::uint32_t traits) {
    Value value;
    value.traits = from.traits & traits;
    value.given = from.given & traits;
    value.from = from.from;
    return value;
}

using Names = std::map<std::string, Value, std::less<>>;

}  // namespace segue::audit
