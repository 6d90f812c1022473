/// Stop strings that Segue matches itself, beyond the four that vLLM takes (wire 3.1).
#pragma once

#include <memory>
#include <string>
#include <vector>

#include "llm/session.hpp"

namespace segue::llm {

/// Cuts each choice's text at the first of `stops`: the stop string and everything behind it go
/// away, Finished (kStop, with the string) takes their place. Text that may be the beginning of a
/// stop string is held back until that is clear. satisfied() once as many choices have ended as
/// were asked for.
std::unique_ptr<EventFilter> make_stop_matcher(std::vector<std::string> stops,
                                               std::uint32_t choices = 1);

}  // namespace segue::llm
