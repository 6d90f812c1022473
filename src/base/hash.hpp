/// A fast hash of 64 bits for spreading and comparing, the same on every machine (replicas agree on
/// it). Not for secrets, and not against somebody who looks for collisions.
#pragma once

#include <cstdint>
#include <string_view>

namespace segue {

std::uint64_t hash64(std::string_view bytes, std::uint64_t seed = 0);

}  // namespace segue
