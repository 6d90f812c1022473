#include <fmt/format.h>

#include "base/json.hpp"
#include "people/people.hpp"
#include "people/rows.hpp"

namespace segue::people {
namespace {

using store::Bytes;

constexpr std::string_view kWeekOrMonth =
    "least(now() + interval '7 days', created + interval '30 days')";
constexpr std::string_view kLockSetup = "SELECT pg_advisory_xact_lock(hashtext('segue set-up'))";
constexpr std::size_t kCookieBytes = 32;
// Older ones are no cookie of ours: no hash, no query.
constexpr std::size_t kCookieLength = 43;
constexpr std::size_t kMostAgent = 300;

Bytes id_of(std::string_view token) {
    return {token_hash(token)};
}

tl::unexpected<Error> wrong_password() {
    return fail(Fault::kInvalid, "that name and password do not belong together; try again",
                "people");
}

}  // namespace

Result<bool> People::setup_needed() {
    SEGUE_TRY(row, pool_.one<bool>("SELECT NOT EXISTS (SELECT 1 FROM person)"));
    return std::get<0>(*row);
}

Result<std::string> People::make_setup_token() {
    return pool_.transaction([&](store::Connection& connection) -> Result<std::string> {
        SEGUE_TRY(cleaned,
                  connection.execute("DELETE FROM invitation WHERE created < now() - interval "
                                     "'1 day' OR EXISTS (SELECT 1 FROM person)"));
        (void)cleaned;
        SEGUE_TRY(nobody, connection.one<bool>("SELECT NOT EXISTS (SELECT 1 FROM person)"));
        if (!std::get<0>(*nobody)) return std::string();
        SEGUE_TRY(token, make_token());
        SEGUE_TRY(kept,
                  connection.execute("INSERT INTO invitation (id) VALUES ($1)", id_of(token)));
        (void)kept;
        return token;
    });
}

Result<Session> People::set_up(std::string_view token, const std::string& login,
                               const std::string& name, const std::string& password,
                               const Origin& origin) {
    SEGUE_TRY_VOID(good_login(login));
    SEGUE_TRY_VOID(good_password(password, login));
    SEGUE_TRY(hash, hash_password(password, hardness_));
    return pool_.transaction([&](store::Connection& connection) -> Result<Session> {
        SEGUE_TRY(locked, connection.execute(kLockSetup));
        (void)locked;
        SEGUE_TRY(found,
                  connection.one<std::int64_t>(
                      "SELECT 1 FROM invitation WHERE id = $1 AND created > now() - interval "
                      "'1 day' AND NOT EXISTS (SELECT 1 FROM person)",
                      id_of(token)));
        if (!found)
            return fail(Fault::kNotFound,
                        "this link does not work (any more): it is good for one day and for one "
                        "administrator; segue serve prints a new one when it starts and nobody is "
                        "there yet",
                        "people");
        SEGUE_TRY(made, connection.one<std::int64_t>(
                            "INSERT INTO person (name, full_name, role, password) VALUES ($1, $2, "
                            "'admin', $3) RETURNING id",
                            login, name, hash));
        SEGUE_TRY(used, connection.execute("DELETE FROM invitation"));
        (void)used;
        SEGUE_TRY(person, needed(connection, std::get<0>(*made)));
        SEGUE_TRY_VOID(note(connection, {person.id, login, origin}, "person.create", login,
                            R"({"role":"admin","by":"one-time link"})"));
        return begin_session(connection, std::move(person), origin);
    });
}

Result<Session> People::begin_session(store::Connection& connection, Person person,
                                      const Origin& origin) {
    SEGUE_TRY(cookie, make_token(kCookieBytes));
    SEGUE_TRY(csrf, make_token(24));
    SEGUE_TRY(
        kept,
        connection.execute(
            "INSERT INTO session (id, person, csrf, expires, peer, agent) VALUES ($1, $2, "
            "$3, now() + interval '7 days', $4, $5)",
            id_of(cookie), person.id, csrf, origin.address, origin.agent.substr(0, kMostAgent)));
    SEGUE_TRY(seen,
              connection.execute("UPDATE person SET last_seen = now() WHERE id = $1", person.id));
    // What has ended is swept out by those who come.
    SEGUE_TRY(swept, connection.execute("DELETE FROM session WHERE expires < now()"));
    (void)kept, (void)seen, (void)swept;
    SEGUE_TRY_VOID(
        note(connection, {person.id, person.login, origin}, "session.begin", person.login));
    return Session{std::move(person), std::move(csrf), std::move(cookie)};
}

Result<Session> People::sign_in(const std::string& login, const std::string& password,
                                const Origin& origin) {
    SEGUE_TRY(wait, backoff_.wait(login, origin.address));
    if (wait.count() > 0)
        return fail(Fault::kTimeout,
                    fmt::format("too many wrong passwords; try again in {} s", wait.count()),
                    "people");
    using Known = std::tuple<std::int64_t, std::optional<std::string>, bool>;
    SEGUE_TRY(row, (pool_.one<std::int64_t, std::optional<std::string>, bool>(
                       "SELECT id, password, disabled IS NOT NULL FROM person WHERE lower(name) = "
                       "lower($1)",
                       login)));
    const auto [id, hash, disabled] = row.value_or(Known{0, std::nullopt, false});
    const bool right = check_password(hash.value_or(""), password, hardness_);
    if (!right || disabled) {
        SEGUE_TRY_VOID(backoff_.wrong(login, origin.address));
        // Only who is there is noted: the log must not fill with what robots try.
        if (row) SEGUE_TRY_VOID(note({0, "", origin}, "session.refused", login));
        if (right)
            return fail(Fault::kInvalid,
                        "this account is disabled; an administrator can enable it again", "people");
        return wrong_password();
    }
    SEGUE_TRY_VOID(backoff_.right(login, origin.address));
    std::optional<std::string> stronger;
    if (is_weak(*hash, hardness_)) {
        SEGUE_TRY(made, hash_password(password, hardness_));
        stronger = std::move(made);
    }
    return pool_.transaction([&, who = id](store::Connection& connection) -> Result<Session> {
        if (stronger) {
            SEGUE_TRY(kept, connection.execute("UPDATE person SET password = $2 WHERE id = $1", who,
                                               *stronger));
            (void)kept;
        }
        SEGUE_TRY(person, needed(connection, who));
        return begin_session(connection, std::move(person), origin);
    });
}

Result<Session> People::sign_in_as(const std::string& subject, const std::string& login,
                                   const std::string& name, const Origin& origin) {
    SEGUE_TRY_VOID(good_login(login));
    return pool_.transaction([&](store::Connection& connection) -> Result<Session> {
        SEGUE_TRY(known, query_person(connection, "WHERE subject = $1 FOR UPDATE", subject));
        if (!known) {
            SEGUE_TRY(made,
                      connection.one<std::int64_t>(
                          "INSERT INTO person (name, full_name, role, subject) VALUES ($1, $2, "
                          "'user', $3) ON CONFLICT (lower(name)) DO NOTHING RETURNING id",
                          login, name, subject));
            // Never joined by name: a provider where anybody may choose a name would open every
            // account.
            if (!made)
                return fail(Fault::kConflict,
                            fmt::format("somebody with a password signs in as '{}' already; an "
                                        "administrator can delete that account or give you another "
                                        "name",
                                        login),
                            "people");
            SEGUE_TRY(person, needed(connection, std::get<0>(*made)));
            SEGUE_TRY_VOID(note(connection, {person.id, login, origin}, "person.create", login,
                                R"({"role":"user","by":"OpenID Connect"})"));
            known = std::move(person);
        }
        if (known->disabled)
            return fail(Fault::kInvalid,
                        "this account is disabled; an administrator can enable it again", "people");
        return begin_session(connection, std::move(*known), origin);
    });
}

Result<std::optional<Session>> People::session(std::string_view cookie) {
    using Found = std::optional<Session>;
    if (cookie.size() != kCookieLength) return Found{};
    const Bytes id = id_of(cookie);
    // One query for the usual case; what is due is told by the database's clock.
    SEGUE_TRY(row,
              (pool_.one<std::int64_t, std::string, bool, bool, bool>(
                  "SELECT s.person, s.csrf, s.seen < now() - interval '1 minute', s.rotated < "
                  "now() - interval '15 minutes', EXISTS (SELECT 1 FROM session o WHERE "
                  "o.replaced_by = s.id AND o.expires > now() + interval '1 minute') FROM session "
                  "s JOIN person p ON p.id = s.person WHERE s.id = $1 AND s.expires > now() AND "
                  "p.disabled IS NULL",
                  id)));
    if (!row) return Found{};
    const auto& [who, csrf, is_stale, is_old, is_new_name] = *row;
    std::string fresh;
    if (is_old) {
        SEGUE_TRY(made, make_token(kCookieBytes));
        fresh = std::move(made);
    }
    if (is_stale || is_old || is_new_name) {
        const auto kept = pool_.transaction([&](store::Connection& connection) -> Result<int> {
            if (is_stale) {
                SEGUE_TRY(seen,
                          connection.execute(
                              fmt::format("UPDATE session SET seen = now(), expires = CASE WHEN "
                                          "replaced_by IS NULL THEN {} ELSE expires END WHERE id "
                                          "= $1",
                                          kWeekOrMonth),
                              id));
                SEGUE_TRY(person_seen,
                          connection.execute("UPDATE person SET last_seen = now() WHERE id = "
                                             "(SELECT person FROM session WHERE id = $1)",
                                             id));
                (void)seen, (void)person_seen;
            }
            if (is_new_name) {
                SEGUE_TRY(ended,
                          connection.execute("UPDATE session SET expires = now() + interval '1 "
                                             "minute' WHERE replaced_by = $1",
                                             id));
                (void)ended;
            }
            if (is_old) {
                // A new name that never arrived is forgotten.
                SEGUE_TRY(unused,
                          connection.execute(
                              "DELETE FROM session WHERE id = (SELECT replaced_by FROM session "
                              "WHERE id = $1)",
                              id));
                SEGUE_TRY(made,
                          connection.execute(
                              "INSERT INTO session (id, person, csrf, created, expires, peer, "
                              "agent) SELECT $2, person, csrf, created, expires, peer, agent FROM "
                              "session WHERE id = $1",
                              id, id_of(fresh)));
                SEGUE_TRY(named,
                          connection.execute("UPDATE session SET replaced_by = $2, rotated = "
                                             "now() WHERE id = $1",
                                             id, id_of(fresh)));
                (void)unused, (void)made, (void)named;
            }
            return 0;
        });
        // The session is good all the same; its name is not changed this time.
        if (!kept) fresh.clear();
    }
    SEGUE_TRY(person, find(who));
    if (!person) return Found{};
    return Found(Session{std::move(*person), csrf, std::move(fresh)});
}

Result<void> People::sign_out(std::string_view cookie, const Actor& actor) {
    const auto done = pool_.transaction([&](store::Connection& connection) -> Result<int> {
        // Its older names too.
        SEGUE_TRY(ended, connection.execute("DELETE FROM session WHERE id = $1 OR replaced_by = $1",
                                            id_of(cookie)));
        (void)ended;
        SEGUE_TRY_VOID(note(connection, actor, "session.end", actor.name));
        return 0;
    });
    if (!done) return tl::make_unexpected(done.error());
    return {};
}

Result<void> People::sign_out_everywhere(std::int64_t person, const Actor& actor) {
    const auto done = pool_.transaction([&](store::Connection& connection) -> Result<int> {
        SEGUE_TRY(who, needed(connection, person));
        SEGUE_TRY(ended, connection.execute("DELETE FROM session WHERE person = $1", person));
        SEGUE_TRY_VOID(note(connection, actor, "session.end_all", who.login,
                            json::object([&](auto& w) { w.member("sessions", ended); })));
        return 0;
    });
    if (!done) return tl::make_unexpected(done.error());
    return {};
}

Result<void> People::change_password(std::int64_t person, const std::string& current,
                                     const std::string& fresh, std::string_view cookie,
                                     const Actor& actor) {
    SEGUE_TRY(wait, backoff_.wait(actor.name, actor.origin.address));
    if (wait.count() > 0)
        return fail(Fault::kTimeout,
                    fmt::format("too many wrong passwords; try again in {} s", wait.count()),
                    "people");
    SEGUE_TRY(row, (pool_.one<std::string, std::optional<std::string>>(
                       "SELECT name, password FROM person WHERE id = $1", person)));
    if (!row) return fail(Fault::kNotFound, "there is no such person (any more)", "people");
    const auto& [login, hash] = *row;
    if (!check_password(hash.value_or(""), current, hardness_)) {
        SEGUE_TRY_VOID(backoff_.wrong(actor.name, actor.origin.address));
        return fail(Fault::kInvalid, "the current password is not right", "people");
    }
    SEGUE_TRY_VOID(good_password(fresh, login));
    if (fresh == current)
        return fail(Fault::kInvalid, "that is the password you have; choose another one", "people");
    SEGUE_TRY(made, hash_password(fresh, hardness_));
    const auto done =
        pool_.transaction([&, name = login](store::Connection& connection) -> Result<int> {
            SEGUE_TRY(kept,
                      connection.execute("UPDATE person SET password = $2, must_change_password = "
                                         "false WHERE id = $1",
                                         person, made));
            SEGUE_TRY(ended,
                      connection.execute("DELETE FROM session WHERE person = $1 AND id <> $2",
                                         person, id_of(cookie)));
            (void)kept, (void)ended;
            SEGUE_TRY_VOID(note(connection, actor, "person.change_password", name));
            return 0;
        });
    if (!done) return tl::make_unexpected(done.error());
    return {};
}

}  // namespace segue::people
