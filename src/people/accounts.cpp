#include <fmt/format.h>

#include <algorithm>

#include "base/json.hpp"
#include "base/text.hpp"
#include "people/people.hpp"
#include "people/rows.hpp"

namespace segue::people {
namespace {

constexpr std::size_t kMostLogin = 200;
// Two administrators who demote each other at once must not both succeed.
constexpr std::string_view kLockAdministrators =
    "SELECT pg_advisory_xact_lock(hashtext('segue administrators'))";

std::string object_of(const Person& person) {
    return person.login;
}

}  // namespace

Result<void> good_login(std::string_view login) {
    const bool plain = std::all_of(login.begin(), login.end(), [](char c) {
        return static_cast<unsigned char>(c) > ' ' && c != '\x7f';
    });
    if (!login.empty() && login.size() <= kMostLogin && plain && is_valid_utf8(login)) return {};
    return fail(Fault::kInvalid,
                fmt::format("a name to sign in with has 1 to {} bytes and no spaces; an e-mail "
                            "address is a good one",
                            kMostLogin),
                "people");
}

Result<Person> People::needed(store::Connection& connection, std::int64_t id) {
    SEGUE_TRY(row, query_person(connection, "WHERE id = $1 FOR UPDATE", id));
    if (!row) return fail(Fault::kNotFound, "there is no such person (any more)", "people");
    return std::move(*row);
}

Result<void> People::keep_an_administrator(store::Connection& connection) {
    SEGUE_TRY(count, connection.one<std::int64_t>(
                         "SELECT count(*) FROM person WHERE role = 'admin' AND disabled IS NULL"));
    if (std::get<0>(*count) > 0) return {};
    return fail(Fault::kConflict,
                "nobody would be an administrator any more; make somebody else one first",
                "people");
}

Result<std::vector<Person>> People::list() {
    return pool_.read(
        [](store::Connection& c) { return query_people(c, "ORDER BY lower(name), id"); });
}

Result<std::optional<Person>> People::find(std::int64_t id) {
    return pool_.read([&](store::Connection& c) { return query_person(c, "WHERE id = $1", id); });
}

Result<Person> People::create(const std::string& login, const std::string& name, Role role,
                              const std::string& password, bool must_change, const Actor& actor) {
    SEGUE_TRY_VOID(good_login(login));
    std::optional<std::string> hash;
    if (!password.empty()) {
        SEGUE_TRY_VOID(good_password(password, login));
        SEGUE_TRY(made, hash_password(password, hardness_));
        hash = std::move(made);
    }
    return pool_.transaction([&](store::Connection& connection) -> Result<Person> {
        SEGUE_TRY(made, connection.one<std::int64_t>(
                            "INSERT INTO person (name, full_name, role, password, "
                            "must_change_password) VALUES ($1, $2, $3, $4, $5) ON CONFLICT "
                            "(lower(name)) DO NOTHING RETURNING id",
                            login, name, role_name(role), hash, must_change));
        if (!made)
            return fail(Fault::kConflict,
                        fmt::format("somebody signs in as '{}' already; take another name", login),
                        "people");
        SEGUE_TRY_VOID(note(connection, actor, "person.create", login,
                            json::object([&](auto& w) { w.member("role", role_name(role)); })));
        return needed(connection, std::get<0>(*made));
    });
}

Result<Person> People::change(std::int64_t id, const PersonChange& change, const Actor& actor) {
    return pool_.transaction([&](store::Connection& connection) -> Result<Person> {
        SEGUE_TRY(locked, connection.execute(kLockAdministrators));
        (void)locked;
        SEGUE_TRY(before, needed(connection, id));
        std::optional<std::string> role;
        if (change.role) role = role_name(*change.role);
        SEGUE_TRY(changed, connection.execute(
                               "UPDATE person SET full_name = coalesce($2, full_name), role = "
                               "coalesce($3, role), disabled = CASE WHEN $4::boolean IS NULL THEN "
                               "disabled WHEN $4 THEN coalesce(disabled, now()) END WHERE id = $1",
                               id, change.name, role, change.disabled));
        (void)changed;
        SEGUE_TRY_VOID(keep_an_administrator(connection));
        if (change.disabled.value_or(false)) {
            SEGUE_TRY(ended, connection.execute("DELETE FROM session WHERE person = $1", id));
            (void)ended;
        }
        SEGUE_TRY_VOID(
            note(connection, actor, "person.change", object_of(before), json::object([&](auto& w) {
                     if (change.name) w.member("name", *change.name);
                     if (role)
                         w.member("role", *role).member("role_before", role_name(before.role));
                     if (change.disabled) w.member("disabled", *change.disabled);
                 })));
        return needed(connection, id);
    });
}

Result<void> People::remove(std::int64_t id, const Actor& actor) {
    const auto done = pool_.transaction([&](store::Connection& connection) -> Result<int> {
        SEGUE_TRY(locked, connection.execute(kLockAdministrators));
        (void)locked;
        SEGUE_TRY(person, needed(connection, id));
        SEGUE_TRY(removed, connection.execute("DELETE FROM person WHERE id = $1", id));
        (void)removed;
        SEGUE_TRY_VOID(keep_an_administrator(connection));
        // Before the row is gone for good the log still names it.
        Actor noted = actor;
        if (noted.id == id) noted.id = 0;
        SEGUE_TRY_VOID(note(connection, noted, "person.delete", object_of(person)));
        return 0;
    });
    if (!done) return tl::make_unexpected(done.error());
    return {};
}

Result<Person> People::reset_password(std::int64_t id, const std::string& password,
                                      const Actor& actor) {
    SEGUE_TRY(hash, hash_password(password, hardness_));
    return pool_.transaction([&](store::Connection& connection) -> Result<Person> {
        SEGUE_TRY(person, needed(connection, id));
        SEGUE_TRY(changed, connection.execute("UPDATE person SET password = $2, "
                                              "must_change_password = true WHERE id = $1",
                                              id, hash));
        SEGUE_TRY(ended, connection.execute("DELETE FROM session WHERE person = $1", id));
        (void)changed, (void)ended;
        SEGUE_TRY_VOID(note(connection, actor, "person.reset_password", object_of(person)));
        return needed(connection, id);
    });
}

Result<void> People::note(store::Connection& connection, const Actor& actor,
                          std::string_view action, std::string_view object,
                          std::string_view detail) {
    const std::optional<std::int64_t> who =
        actor.id == 0 ? std::nullopt : std::optional<std::int64_t>(actor.id);
    SEGUE_TRY(noted,
              connection.execute(
                  "INSERT INTO activity (person, name, action, object, detail, address) VALUES "
                  "($1, $2, $3, $4, $5, $6)",
                  who, actor.name, action, object, detail, actor.origin.address));
    (void)noted;
    return {};
}

Result<void> People::note(const Actor& actor, std::string_view action, std::string_view object,
                          std::string_view detail) {
    SEGUE_TRY(lease, pool_.acquire());
    return note(*lease, actor, action, object, detail);
}

Result<std::vector<ActivityEntry>> People::activity(const ActivityQuestion& question) {
    // "person." is everything that begins so; a plain name is itself.
    const std::string like =
        question.action.ends_with('.')
            ? replace_all(replace_all(question.action, "_", "\\_"), "%", "\\%") + "%"
            : question.action;
    SEGUE_TRY(
        rows,
        (pool_.query<std::int64_t, WallTime, std::optional<std::int64_t>, std::string, std::string,
                     std::string, std::string, std::string>(
            "SELECT id, at, person, name, action, object, detail, address FROM activity WHERE "
            "($1::bigint IS NULL OR id < $1) AND ($2::bigint IS NULL OR person = $2) AND ($3 = "
            "'' OR action LIKE $3) ORDER BY id DESC LIMIT $4",
            question.before, question.person, like, question.limit)));
    std::vector<ActivityEntry> out;
    for (auto& [id, at, person, name, action, object, detail, address] : rows)
        out.push_back({id, at, person, std::move(name), std::move(action), std::move(object),
                       std::move(detail), std::move(address)});
    return out;
}

}  // namespace segue::people
