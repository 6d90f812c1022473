#include "serve/api/session.hpp"

#include <fmt/format.h>

#include <cstdlib>

#include "people/oidc.hpp"

namespace segue::serve::api {
namespace {

// As long as a session lives; the server ends it earlier when it is not used.
constexpr int kMaxAge = 30 * 24 * 3600;

void write_session(json::Writer& w, Context& context, const people::Person* person,
                   const Permissions& permissions, std::string_view csrf, bool setup_needed) {
    w.key("person");
    if (person) {
        w.begin_object();
        write_person(w, *person);
        w.end_object();
    } else {
        w.null();
    }
    w.key("permissions").begin_array();
    for (const auto& [permission, name] : kPermissionNames)
        if (permission == Permission::kAnybody ||
            permissions.test(static_cast<std::size_t>(permission)))
            w.string(name);
    w.end_array().member("csrf", csrf).member("setup_needed", setup_needed);
    w.key("sign_in").begin_array();
    if (context.people) w.string("password");
    if (context.people && context.oidc) w.string("oidc");
    w.end_array().key("oidc_name");
    context.oidc ? w.string(context.oidc->config().name) : w.null();
    const StoreState state = context.store_state();
    w.key("store").begin_object().member("state", state_name(state.state)).key("detail");
    state.detail.empty() ? w.null() : w.string(state.detail);
    w.end_object();
}

/// The session that has just begun.
Reply begun(Context& context, int status, const people::Session& session) {
    Reply reply = json_reply(status, [&](json::Writer& w) {
        write_session(w, context, &session.person, people::row_of(session.person.role).may,
                      session.csrf, false);
    });
    reply.headers.add("Set-Cookie", session_cookie(context, session.cookie));
    return reply;
}

/// 429 with the time to wait.
Reply too_many(std::chrono::seconds wait) {
    Reply reply;
    reply.status = 429;
    reply.content_type = "application/problem+json";
    reply.body = json::object([&](json::Writer& w) {
        w.member("type", "/problems/too-many-tries").member("title", "Too Many Requests");
        w.member("status", 429);
        w.member("detail",
                 fmt::format("too many wrong passwords; try again in {} s", wait.count()));
        w.member("retry_after_s", wait.count());
    });
    reply.headers.add("Retry-After", std::to_string(wait.count()));
    return reply;
}

}  // namespace

people::Origin origin_of(const Request& request) {
    const std::string& peer = request.head.peer;
    return {peer.substr(0, peer.rfind(':')),
            std::string(request.head.headers.find("User-Agent").value_or(""))};
}

people::Actor actor_of(const Request& request) {
    people::Actor actor;
    if (request.caller.is_person()) actor.id = std::atoll(request.caller.id.c_str());
    actor.name = request.caller.name;
    actor.origin = origin_of(request);
    return actor;
}

Result<void> note(Context& context, const Request& request, std::string_view action,
                  std::string_view object, std::string_view detail) {
    return context.people->note(actor_of(request), action, object, detail);
}

std::string session_cookie(const Context& context, std::string_view value) {
    return fmt::format("{}={}; Path=/; HttpOnly; SameSite=Lax; Max-Age={}{}", kSessionCookie, value,
                       value.empty() ? 0 : kMaxAge, context.secure_cookies ? "; Secure" : "");
}

void write_person(json::Writer& w, const people::Person& person) {
    w.member("id", std::to_string(person.id)).member("login", person.login);
    w.member("name", person.name).member("role", people::role_name(person.role));
    w.member("disabled", person.disabled);
    w.member("must_change_password", person.must_change_password);
    w.member("created_at", rfc3339(person.created)).key("last_seen_at");
    person.last_seen ? w.string(rfc3339(*person.last_seen)) : w.null();
}

Result<Caller> PeopleAuthority::person(const Request& request) {
    SEGUE_TRY(found, people_.session(request.cookie(kSessionCookie)));
    Caller caller;
    if (!found) return caller;
    caller.kind = Caller::Kind::kPerson;
    caller.id = std::to_string(found->person.id);
    caller.name = found->person.login;
    caller.role = people::role_name(found->person.role);
    caller.csrf = found->csrf;
    caller.cookie = found->cookie;
    caller.permissions = people::row_of(found->person.role).may;
    caller.must_change_password = found->person.must_change_password;
    return caller;
}

namespace session {

Reply get(Context& context, const Request& request) {
    std::optional<people::Person> person;
    bool setup_needed = false;
    if (context.people && context.store_state().state == StoreState::State::kReady) {
        if (request.caller.is_person()) {
            SEGUE_API_TRY(found, context.people->find(std::atoll(request.caller.id.c_str())));
            person = std::move(found);
        } else {
            SEGUE_API_TRY(needed, context.people->setup_needed());
            setup_needed = needed;
        }
    }
    return json_reply(200, [&](json::Writer& w) {
        write_session(w, context, person ? &*person : nullptr, request.caller.permissions,
                      request.caller.csrf, setup_needed);
    });
}

Reply sign_in(Context& context, const Request& request) {
    SEGUE_API_TRY(body, Body::parse(request.body));
    const std::string login = body.needed_text("login", 200);
    const std::string password = body.needed_text("password", 1024);
    SEGUE_API_TRY_VOID(body.problem());
    const auto origin = origin_of(request);
    const auto session = context.people->sign_in(login, password, origin);
    if (session) return begun(context, 200, *session);
    const auto wait = context.people->wait(login, origin.address);
    if (session.error().fault == Fault::kTimeout && wait.count() > 0) return too_many(wait);
    if (session.error().fault == Fault::kInvalid)
        return problem(401, "", session.error().detail, "/problems/wrong-password");
    return problem(session.error());
}

Reply sign_out(Context& context, const Request& request) {
    SEGUE_API_TRY_VOID(context.people->sign_out(request.cookie(kSessionCookie), actor_of(request)));
    Reply reply = no_content();
    reply.headers.add("Set-Cookie", session_cookie(context, ""));
    return reply;
}

Reply sign_out_everywhere(Context& context, const Request& request) {
    const auto actor = actor_of(request);
    SEGUE_API_TRY_VOID(context.people->sign_out_everywhere(actor.id, actor));
    Reply reply = no_content();
    reply.headers.add("Set-Cookie", session_cookie(context, ""));
    return reply;
}

Reply change_password(Context& context, const Request& request) {
    SEGUE_API_TRY(body, Body::parse(request.body));
    const std::string current = body.needed_text("current", 1024);
    const std::string fresh = body.needed_text("password", 1024);
    SEGUE_API_TRY_VOID(body.problem());
    const auto actor = actor_of(request);
    const auto changed = context.people->change_password(actor.id, current, fresh,
                                                         request.cookie(kSessionCookie), actor);
    if (changed) return no_content();
    const auto wait = context.people->wait(actor.name, actor.origin.address);
    if (changed.error().fault == Fault::kTimeout && wait.count() > 0) return too_many(wait);
    return problem(changed.error());
}

Reply set_up(Context& context, const Request& request) {
    SEGUE_API_TRY(body, Body::parse(request.body));
    const std::string token = body.needed_text("token", 200);
    const std::string login = body.needed_text("login", 200);
    const std::string name = body.text("name", 200);
    const std::string password = body.needed_text("password", 1024);
    SEGUE_API_TRY_VOID(body.problem());
    SEGUE_API_TRY(session,
                  context.people->set_up(token, login, name, password, origin_of(request)));
    return begun(context, 201, session);
}

namespace {

constexpr std::string_view kAttempt = "segue_oidc";
constexpr std::string_view kAttemptPath = "/segue/v1/session/oidc";

std::string attempt_cookie(const Context& context, std::string_view value) {
    return fmt::format("{}={}; Path={}; HttpOnly; SameSite=Lax; Max-Age={}{}", kAttempt, value,
                       kAttemptPath, value.empty() ? 0 : 600,
                       context.secure_cookies ? "; Secure" : "");
}

/// The callback as this browser reaches it. Providers answer only to addresses that were
/// registered with them, so a made-up Host leads nowhere.
std::string callback_of(const Context& context, const Request& request) {
    const std::string& named = context.oidc->config().redirect_url;
    if (!named.empty()) return named;
    return fmt::format("{}://{}{}/callback", context.secure_cookies ? "https" : "http",
                       request.head.headers.find("Host").value_or("localhost"), kAttemptPath);
}

Reply redirect(std::string url) {
    Reply reply;
    reply.status = 302;
    reply.content_type = "text/plain";
    reply.headers.add("Location", std::move(url));
    reply.headers.add("Cache-Control", "no-store");
    return reply;
}

Reply not_configured() {
    return problem(404, "",
                   "signing in with OpenID Connect is not set up; an administrator sets "
                   "SEGUE_OIDC_ISSUER and SEGUE_OIDC_CLIENT_ID");
}

}  // namespace

Reply begin_oidc(Context& context, const Request& request) {
    if (!context.oidc) return not_configured();
    const auto begun = context.oidc->begin(callback_of(context, request),
                                           request.query("return_to").value_or("/"));
    if (!begun)
        return redirect("/ui/sign-in?problem=" + people::percent_encode(begun.error().detail));
    Reply reply = redirect(begun->url);
    reply.headers.add("Set-Cookie", attempt_cookie(context, begun->cookie));
    return reply;
}

Reply finish_oidc(Context& context, const Request& request) {
    if (!context.oidc) return not_configured();
    const auto finish = [&]() -> Result<Reply> {
        if (const auto word = request.query("error"); word && !word->empty())
            return fail(
                Fault::kInvalid,
                fmt::format("the identity provider did not let you in ({})", word->substr(0, 60)));
        SEGUE_TRY(end, context.oidc->finish(
                           callback_of(context, request), request.query("code").value_or(""),
                           request.query("state").value_or(""), request.cookie(kAttempt)));
        SEGUE_TRY(session, context.people->sign_in_as(end.identity.subject, end.identity.login,
                                                      end.identity.name, origin_of(request)));
        Reply reply = redirect(end.return_to);
        reply.headers.add("Set-Cookie", session_cookie(context, session.cookie));
        return reply;
    };
    auto outcome = finish();
    Reply reply =
        outcome ? std::move(*outcome)
                : redirect("/ui/sign-in?problem=" + people::percent_encode(outcome.error().detail));
    reply.headers.add("Set-Cookie", attempt_cookie(context, ""));
    return reply;
}

}  // namespace session
}  // namespace segue::serve::api
