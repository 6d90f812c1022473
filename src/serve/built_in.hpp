/// Segue's own documentation, which lies inside the program, as the first collection of a store:
/// everybody may read it, and the page is useful at once.
///
/// Thread: blocks; one of the control plane's.
#pragma once

#include <stop_token>
#include <string>

#include "base/result.hpp"
#include "store/pool.hpp"

namespace segue::serve {

/// The collection's name in addresses.
inline constexpr std::string_view kOwnDocuments = "segue";

struct BuiltInOutcome {
    std::size_t documents = 0;
    std::size_t fresh = 0;  // passages that were not there before
};

/// Makes the collection, adds what is new or changed, takes out what is gone. A collection that
/// somebody deleted comes back with the next start; one of that name that is not Segue's own is
/// left alone. Asked to stop, it leaves the rest for the next start.
Result<BuiltInOutcome> load_own_documents(store::Pool& pool, const std::stop_token& stop);

}  // namespace segue::serve
