/// What went wrong with a call to an engine, in two views: what the breaker is told of the engine,
/// and what the client is told of its request. Pure functions.
#pragma once

#include <optional>

#include "engine/breaker.hpp"
#include "engine/engine.hpp"
#include "llm/failure.hpp"
#include "net/client.hpp"

namespace segue::gateway {

/// What a failure says of the engine; nothing when it refused a request that is wrong, or is busy.
std::optional<engine::EngineFault> fault_of(llm::Failure::Cause cause);

/// A call that broke before a connection stood says something else than one that fell silent.
/// `answering`: the engine's answer had begun.
engine::EngineFault fault_of(const net::CallError& error, bool answering);

/// The same for the client, naming the engine and where it is.
llm::Failure failure_of(const net::CallError& error, const engine::Engine& engine, bool answering);

}  // namespace segue::gateway
