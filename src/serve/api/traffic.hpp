/// Handlers of the traffic over time, from the store's log of observations.
#pragma once

#include <string>

#include "serve/api/context.hpp"
#include "serve/api/reply.hpp"
#include "serve/api/request.hpp"

namespace segue::serve::api::traffic {

Reply get(Context&, const Request&);
Reply events(Context&, const Request&);

/// The newest two points of the last hour's series as a server-sent event; "" when they cannot be
/// had now.
std::string newest(const Context& context);

}  // namespace segue::serve::api::traffic
