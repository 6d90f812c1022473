/// Segue's own stand-in for an engine: the real wire of Ollama or of vLLM, scripted latency and
/// faults, answers taken word for word from the passages in the prompt; always labelled "rehearsal"
/// (model details, lists, a header on every answer).
///
/// Beside the wire it serves /rehearsal/faults (GET, POST, DELETE), /rehearsal/requests (GET,
/// DELETE) and /rehearsal/state. Everything of one engine lives on one loop.
#pragma once

#include <functional>
#include <memory>
#include <stop_token>
#include <string>
#include <string_view>

#include "base/result.hpp"
#include "engine/rehearsal/options.hpp"
#include "net/loop.hpp"

namespace segue::engine {

class RehearsalEngine {
public:
    /// Listens on `address` ("127.0.0.1:0" takes a free port) and serves on `loop`, which must
    /// outlive the engine. On the loop's thread, or before it runs; destroyed there, too.
    static Result<std::unique_ptr<RehearsalEngine>> start(net::Loop& loop, RehearsalOptions options,
                                                          std::string_view address);
    ~RehearsalEngine();
    RehearsalEngine(const RehearsalEngine&) = delete;
    RehearsalEngine& operator=(const RehearsalEngine&) = delete;

    /// "127.0.0.1:43117", as bound.
    const std::string& address() const;
    std::uint16_t port() const;
    /// Answers that run or wait; on the loop's thread.
    std::size_t busy() const;

private:
    RehearsalEngine();
    struct Impl;
    std::unique_ptr<Impl> impl_;
};

/// Runs one engine on the calling thread, with its own loop, until `stop` is requested. `ready` is
/// told the address.
Result<void> run_rehearsal(RehearsalOptions options, std::string_view address, std::stop_token stop,
                           const std::function<void(const std::string& address)>& ready = {});

/// An engine with a thread of its own: for `segue serve` where no engine answers, and for tests.
class RehearsalThread {
public:
    static Result<std::unique_ptr<RehearsalThread>> start(RehearsalOptions options,
                                                          std::string_view address);
    ~RehearsalThread();
    RehearsalThread(const RehearsalThread&) = delete;
    RehearsalThread& operator=(const RehearsalThread&) = delete;
    const std::string& address() const;
    /// "http://127.0.0.1:43117"
    std::string url() const;

private:
    RehearsalThread();
    struct Impl;
    std::unique_ptr<Impl> impl_;
};

}  // namespace segue::engine
