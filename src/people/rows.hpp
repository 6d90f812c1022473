/// How a row of the table person becomes a Person; inside src/people only.
#pragma once

#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "people/people.hpp"
#include "store/connection.hpp"

namespace segue::people {

inline constexpr std::string_view kPersonColumns =
    "id, name, full_name, role, disabled IS NOT NULL, must_change_password, password IS NOT NULL, "
    "created, last_seen";

/// `rest` comes after FROM person.
template <store::Bindable... P>
Result<std::vector<Person>> query_people(store::Connection& connection, std::string_view rest,
                                         const P&... parameters) {
    const std::string sql =
        "SELECT " + std::string(kPersonColumns) + " FROM person " + std::string(rest);
    SEGUE_TRY(rows,
              (connection.query<std::int64_t, std::string, std::string, std::string, bool, bool,
                                bool, WallTime, std::optional<WallTime>>(sql, parameters...)));
    std::vector<Person> out;
    for (auto& [id, login, name, role, disabled, must_change, has_password, created, seen] : rows)
        out.push_back({id, std::move(login), std::move(name), role_of(role).value_or(Role::kUser),
                       disabled, must_change, has_password, created, seen});
    return out;
}

template <store::Bindable... P>
Result<std::optional<Person>> query_person(store::Connection& connection, std::string_view rest,
                                           const P&... parameters) {
    SEGUE_TRY(people, query_people(connection, rest, parameters...));
    if (people.empty()) return std::optional<Person>{};
    return std::optional<Person>(std::move(people.front()));
}

}  // namespace segue::people
