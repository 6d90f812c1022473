/// /segue/v1/collections, /segue/v1/documents, /segue/v1/search: handlers of the rows in
/// routes.cpp. Who may not read a collection is told that it does not exist.
///
/// Thread: crew threads.
#pragma once

#include "serve/api/context.hpp"
#include "serve/api/reply.hpp"
#include "serve/api/request.hpp"

namespace segue::serve::api::documents {

Reply list_collections(Context& context, const Request& request);
Reply create_collection(Context& context, const Request& request);
Reply get_collection(Context& context, const Request& request);
Reply change_collection(Context& context, const Request& request);
Reply delete_collection(Context& context, const Request& request);
Reply list(Context& context, const Request& request);
Reply add(Context& context, const Request& request);
Reply get(Context& context, const Request& request);
Reply remove(Context& context, const Request& request);
Reply text(Context& context, const Request& request);
Reply retry(Context& context, const Request& request);
Reply search(Context& context, const Request& request);

}  // namespace segue::serve::api::documents
