/// Handlers of people, API keys and the log of activity.
///
/// Thread: crew threads.
#pragma once

#include "serve/api/context.hpp"
#include "serve/api/reply.hpp"
#include "serve/api/request.hpp"

namespace segue::serve::api::people_routes {

Reply list(Context&, const Request&);
Reply create(Context&, const Request&);
Reply change(Context&, const Request&);
Reply remove(Context&, const Request&);
Reply reset_password(Context&, const Request&);
Reply sign_out(Context&, const Request&);

Reply list_keys(Context&, const Request&);
Reply create_key(Context&, const Request&);
Reply revoke_key(Context&, const Request&);

Reply activity(Context&, const Request&);

}  // namespace segue::serve::api::people_routes
