/// Handlers that read what the gateway knows: life, versions, engines, models, status. They need
/// no store.
#pragma once

#include "serve/api/context.hpp"
#include "serve/api/reply.hpp"
#include "serve/api/request.hpp"

namespace segue::serve::api::system {

Reply live(Context&, const Request&);
Reply ready(Context&, const Request&);
Reply metrics(Context&, const Request&);
Reply version(Context&, const Request&);
Reply description(Context&, const Request&);
Reply models(Context&, const Request&);
Reply engines(Context&, const Request&);
Reply usage(Context&, const Request&);
Reply status(Context&, const Request&);
Reply settings(Context&, const Request&);

}  // namespace segue::serve::api::system
