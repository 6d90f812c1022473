/// The store of a configuration, for the daemon and for commands that need it.
///
/// Thread: the one that starts the program.
#pragma once

#include <memory>

#include "base/result.hpp"
#include "serve/api/context.hpp"
#include "serve/config.hpp"
#include "store/store.hpp"

namespace segue::serve {

/// Begins to open it; see store::Store::open. With kShare the private database of a running segue
/// is used, or started for as long as the store lives: for commands, and for a successor. kNotFound
/// when the configuration wants none.
Result<std::unique_ptr<store::Store>> open_store(const Config& config,
                                                 store::Cluster::Access access);
/// The same for commands: by the flags, and ready.
Result<std::unique_ptr<store::Store>> open_ready_store(const Flags& flags,
                                                       const Environment& environment);

/// As people need to know it. Null: none, because of `why` ("" = the configuration wants none).
api::StoreState store_state(const store::Store* store, const std::string& why);

}  // namespace segue::serve
