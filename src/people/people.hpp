/// People: accounts, their sessions, and the log of what they did. Every change writes its entry of
/// the log in the same transaction.
///
/// A session is a random cookie of which only SHA-256 is kept. It ends after a week without use or
/// a month after signing in, and gets a new name every quarter of an hour; the old name goes on
/// working until the new one was used (an answer may be lost on its way) and a minute longer
/// (requests overlap).
///
/// Thread: any; everything blocks (the store, password hashes). Lifetime: shorter than the pool's.
#pragma once

#include <chrono>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "base/clock.hpp"
#include "base/result.hpp"
#include "people/backoff.hpp"
#include "people/permission.hpp"
#include "people/secret.hpp"
#include "store/pool.hpp"

namespace segue::people {

struct Person {
    std::int64_t id = 0;
    std::string login;
    std::string name;
    Role role = Role::kUser;
    bool disabled = false;
    bool must_change_password = false;
    bool has_password = false;
    WallTime created{};
    std::optional<WallTime> last_seen;
};

/// Where a request came from, and who made it: for the log.
struct Origin {
    std::string address;
    std::string agent;
};
struct Actor {
    std::int64_t id = 0;  // 0: nobody
    std::string name;
    Origin origin;
};

struct Session {
    Person person;
    std::string csrf;
    std::string cookie;  // "" = the one that was shown goes on; else the session's new name
};

struct ActivityEntry {
    std::int64_t id = 0;
    WallTime at{};
    std::optional<std::int64_t> person;
    std::string name;
    std::string action;
    std::string object;
    std::string detail;  // a JSON object
    std::string address;
};
struct ActivityQuestion {
    std::optional<std::int64_t> before;  // entries older than this one
    std::optional<std::int64_t> person;
    std::string action;  // "" = all; "person." = all that begin so
    int limit = 100;
};

struct PersonChange {
    std::optional<std::string> name;
    std::optional<Role> role;
    std::optional<bool> disabled;
};

class People {
public:
    People(store::Pool& pool, const Clock& clock, Hardness hardness = Hardness::kUsual)
        : pool_(pool), backoff_(pool, clock), hardness_(hardness) {}

    // ---- the first one ----
    /// Nobody is there yet.
    Result<bool> setup_needed();
    /// A token for the link that creates the administrator, good for a day; "" when somebody is
    /// there.
    Result<std::string> make_setup_token();
    Result<Session> set_up(std::string_view token, const std::string& login,
                           const std::string& name, const std::string& password,
                           const Origin& origin);

    // ---- sessions ----
    /// kInvalid: login or password is wrong; which one is not told. kTimeout: too many wrong ones;
    /// see wait().
    Result<Session> sign_in(const std::string& login, const std::string& password,
                            const Origin& origin);
    std::chrono::seconds wait(std::string_view login, std::string_view address) const {
        return backoff_.wait(login, address).value_or(std::chrono::seconds(0));
    }
    /// Somebody whom an identity provider vouches for: found by issuer and subject, made on the
    /// first visit.
    Result<Session> sign_in_as(const std::string& subject, const std::string& login,
                               const std::string& name, const Origin& origin);
    /// Nothing: no such session (any more).
    Result<std::optional<Session>> session(std::string_view cookie);
    Result<void> sign_out(std::string_view cookie, const Actor& actor);
    Result<void> sign_out_everywhere(std::int64_t person, const Actor& actor);
    /// Other sessions end; the one with `cookie` goes on.
    Result<void> change_password(std::int64_t person, const std::string& current,
                                 const std::string& fresh, std::string_view cookie,
                                 const Actor& actor);

    // ---- accounts ----
    Result<std::vector<Person>> list();
    Result<std::optional<Person>> find(std::int64_t id);
    /// `password` "": the person has none yet (signs in elsewhere).
    Result<Person> create(const std::string& login, const std::string& name, Role role,
                          const std::string& password, bool must_change, const Actor& actor);
    /// kConflict when it would leave no administrator.
    Result<Person> change(std::int64_t id, const PersonChange& change, const Actor& actor);
    Result<void> remove(std::int64_t id, const Actor& actor);
    /// Signs the person out everywhere; the new password has to be changed at the next sign-in.
    Result<Person> reset_password(std::int64_t id, const std::string& password, const Actor& actor);

    // ---- what they did ----
    static Result<void> note(store::Connection& connection, const Actor& actor,
                             std::string_view action, std::string_view object,
                             std::string_view detail = "{}");
    Result<void> note(const Actor& actor, std::string_view action, std::string_view object,
                      std::string_view detail = "{}");
    Result<std::vector<ActivityEntry>> activity(const ActivityQuestion& question);

private:
    Result<Session> begin_session(store::Connection& connection, Person person,
                                  const Origin& origin);
    static Result<Person> needed(store::Connection& connection, std::int64_t id);
    static Result<void> keep_an_administrator(store::Connection& connection);

    store::Pool& pool_;
    Backoff backoff_;
    const Hardness hardness_;
};

/// Ok, or what is wrong with it as a name to sign in with.
Result<void> good_login(std::string_view login);

}  // namespace segue::people
