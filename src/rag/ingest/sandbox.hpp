/// Takes away from this process what a parser does not need.
///
/// Thread: the only one.
#pragma once

#include <chrono>
#include <cstddef>

#include "base/result.hpp"

namespace segue::rag {

enum class Sandbox : unsigned char {
    kParser,   // computes on what it was given: read, write, memory, time
    kProgram,  // one more program may be started (pdftotext): files may be read, nothing else
};

/// Limits of memory, processor time, files, processes; no new privileges; a filter of system calls
/// (where the kernel has one). Cannot be undone.
Result<void> enter_sandbox(Sandbox kind, std::size_t memory_bytes, std::chrono::seconds time);

}  // namespace segue::rag
