/// Without any configuration: engines at their usual addresses, and rehearsal engines where none
/// answers (DESIGN, "Configuration").
#pragma once

#include <cstdint>
#include <memory>
#include <span>

#include "base/result.hpp"
#include "engine/registry.hpp"

namespace segue::serve {

/// Runs two labelled rehearsal engines, one of each wire, on a thread and free ports of their own.
class RehearsalHouse {
public:
    static Result<std::unique_ptr<RehearsalHouse>> start();
    ~RehearsalHouse();
    /// Adds the engines as stand-ins, and a pattern that lets them answer for every model name.
    void add_to(engine::Registry::Options& options) const;

private:
    struct Impl;
    explicit RehearsalHouse(std::unique_ptr<Impl> impl);
    std::unique_ptr<Impl> impl_;
};

/// Adds 127.0.0.1:11434 and :8000 to the options; true when something answers at one of them. A
/// Segue that listens there itself, where Ollama was, is not its own engine: `own_ports`.
bool add_usual_engines(engine::Registry::Options& options, const Clock& clock,
                       std::span<const std::uint16_t> own_ports = {});

}  // namespace segue::serve
