/// Handlers of who is asking: signing in and out, the first administrator, one's own password. And
/// the Authority, which tells the host whose session a cookie is.
///
/// Thread: crew threads.
#pragma once

#include "people/people.hpp"
#include "serve/api/context.hpp"
#include "serve/api/reply.hpp"
#include "serve/api/request.hpp"

namespace segue::serve::api {

class PeopleAuthority final : public Authority {
public:
    explicit PeopleAuthority(people::People& people) : people_(people) {}
    Result<Caller> person(const Request& request) override;

private:
    people::People& people_;
};

/// The value of Set-Cookie; "" ends the session in the browser.
std::string session_cookie(const Context& context, std::string_view value);
/// Who does it, for the log.
people::Actor actor_of(const Request& request);
/// An entry of the activity log. Those who may read the log may not read everything: `object` and
/// `detail` name what was changed, never what is in it.
Result<void> note(Context& context, const Request& request, std::string_view action,
                  std::string_view object, std::string_view detail = "{}");
people::Origin origin_of(const Request& request);
void write_person(json::Writer& w, const people::Person& person);

namespace session {

Reply get(Context&, const Request&);
Reply sign_in(Context&, const Request&);
Reply sign_out(Context&, const Request&);
Reply sign_out_everywhere(Context&, const Request&);
Reply change_password(Context&, const Request&);
Reply set_up(Context&, const Request&);
Reply begin_oidc(Context&, const Request&);
/// Always a way back to the page, with the problem in words when there is one.
Reply finish_oidc(Context&, const Request&);

}  // namespace session
}  // namespace segue::serve::api
