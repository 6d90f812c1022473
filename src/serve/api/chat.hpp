/// Handlers of conversations, messages and presets: read a request, call src/chat, write the
/// answer.
#pragma once

#include "serve/api/context.hpp"
#include "serve/api/reply.hpp"
#include "serve/api/request.hpp"

namespace segue::serve::api::conversations {

Reply list(Context&, const Request&);
Reply create(Context&, const Request&);
Reply get(Context&, const Request&);
Reply change(Context&, const Request&);
Reply remove(Context&, const Request&);
Reply messages(Context&, const Request&);
Reply ask(Context&, const Request&);
Reply export_one(Context&, const Request&);
Reply share(Context&, const Request&);
Reply unshare(Context&, const Request&);
Reply shared(Context&, const Request&);
Reply add_file(Context&, const Request&);
Reply remove_file(Context&, const Request&);

}  // namespace segue::serve::api::conversations

namespace segue::serve::api::messages {

Reply get(Context&, const Request&);
Reply events(Context&, const Request&);
Reply regenerate(Context&, const Request&);
Reply go_on(Context&, const Request&);
Reply stop(Context&, const Request&);
Reply give_feedback(Context&, const Request&);
Reply withdraw_feedback(Context&, const Request&);

}  // namespace segue::serve::api::messages

namespace segue::serve::api::presets {

Reply list(Context&, const Request&);
Reply create(Context&, const Request&);
Reply remove(Context&, const Request&);

}  // namespace segue::serve::api::presets
