/// Which files are worth a parse. A value of interest begins in few: where Ollama, its port or a
/// model's tag stands. All others matter only when they import such a file, or are imported by one
/// that hands them something, over any number of steps. The rest would be parsed, which takes a
/// hundred times as long as to read it, to find that nothing flows.
///
/// Thread: one drives it; it spreads the work itself. Lives for one follow().
#pragma once

#include <cstdint>
#include <string_view>
#include <vector>

#include "audit/flow/world.hpp"

namespace segue::audit {

/// A value can begin in the file, or nobody can tell.
bool begins_flow(const FlowFile& file, const Model& model);

/// The files of the world that its text may import. Too many is no harm: whatever a pass over the
/// file can resolve must be among them.
std::vector<std::size_t> may_import(const World& world, std::size_t file);

class Reach {
public:
    Reach(const World& world, unsigned threads) : world_(world), threads_(threads) {}

    /// Those that are worth a parse and were not named before; asked when files were added.
    std::vector<std::size_t> more();

private:
    const World& world_;
    unsigned threads_;
    std::vector<std::uint8_t> reached_;  // by file
};

}  // namespace segue::audit
