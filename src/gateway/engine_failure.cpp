#include "gateway/engine_failure.hpp"

#include <fmt/format.h>

#include <chrono>
#include <string>

namespace segue::gateway {

using Cause = llm::Failure::Cause;

std::optional<engine::EngineFault> fault_of(Cause cause) {
    switch (cause) {
        case Cause::kUnreachable: return engine::EngineFault::kConnect;
        case Cause::kTimeout: return engine::EngineFault::kStall;
        case Cause::kEngineFailed: return engine::EngineFault::kServerError;
        case Cause::kBroken: return engine::EngineFault::kBroken;
        case Cause::kBadRequest:
        case Cause::kUnauthorized:
        case Cause::kForbidden:
        case Cause::kModelNotFound:
        case Cause::kNotFound:
        case Cause::kMethodNotAllowed:
        case Cause::kTooLarge:
        case Cause::kMediaType:
        case Cause::kContextTooLong:
        case Cause::kUnsupported:
        case Cause::kRateLimited:
        case Cause::kQueueFull:
        case Cause::kEngineRefused:
        case Cause::kEngineAuth:
        case Cause::kInternal: return std::nullopt;
    }
    return std::nullopt;
}

engine::EngineFault fault_of(const net::CallError& error, bool answering) {
    using Phase = net::CallError::Phase;
    using Kind = net::CallError::Kind;
    switch (error.phase) {
        case Phase::kResolve:
        case Phase::kConnect:
        case Phase::kTls: return engine::EngineFault::kConnect;
        case Phase::kSend:
        case Phase::kFirstByte:
        case Phase::kHead:
        case Phase::kBody:
        case Phase::kTotal: break;
    }
    if (error.kind == Kind::kTimeout) return engine::EngineFault::kStall;
    if (answering || error.phase == Phase::kBody || error.kind == Kind::kProtocol)
        return engine::EngineFault::kBroken;
    return engine::EngineFault::kConnect;
}

llm::Failure failure_of(const net::CallError& error, const engine::Engine& engine, bool answering) {
    const std::string where =
        fmt::format("engine '{}' at {}", engine.name(), engine.config().origin.to_string());
    using Kind = net::CallError::Kind;
    using Phase = net::CallError::Phase;
    llm::Failure failure;
    if (error.kind == Kind::kTimeout) {
        failure.cause = Cause::kTimeout;
        failure.message = fmt::format("{} did not answer in time ({})", where, error.message);
    } else if (answering || error.phase == Phase::kBody || error.kind == Kind::kProtocol ||
               (error.kind == Kind::kReset && error.phase >= Phase::kSend)) {
        // An engine that took the request was reached, whatever became of it then.
        failure.cause = Cause::kBroken;
        failure.message = fmt::format("the answer of {} broke off ({})", where, error.message);
    } else {
        failure.cause = Cause::kUnreachable;
        failure.message = fmt::format("cannot reach {} ({})", where, error.message);
        failure.retry_after = std::chrono::seconds(1);
    }
    return failure;
}

}  // namespace segue::gateway
