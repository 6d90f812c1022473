#include "serve/api/people.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <charconv>

#include "base/text.hpp"
#include "base/time_text.hpp"
#include "people/people.hpp"
#include "serve/api/session.hpp"
#include "serve/key_watch.hpp"
#include "serve/observe.hpp"

namespace segue::serve::api::people_routes {
namespace {

using people::Person;
using people::Role;

Result<std::int64_t> number_of(std::string_view text, std::string_view what) {
    std::int64_t value = 0;
    const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), value);
    if (error == std::errc{} && end == text.data() + text.size()) return value;
    return fail(Fault::kNotFound, fmt::format("there is no such {} (any more)", what));
}

Result<Role> role_in(Body& body) {
    const std::string name = body.needed_text("role", 40);
    SEGUE_TRY_VOID(body.problem());
    if (const auto role = people::role_of(name)) return *role;
    std::vector<std::string> names;
    for (const auto& row : people::kRoles)
        names.emplace_back(row.name);
    return fail(Fault::kInvalid,
                fmt::format("there is no role '{}'; there are {}", name, join(names, ", ")));
}

Reply person_reply(int status, const Person& person) {
    return json_reply(status, [&](json::Writer& w) { write_person(w, person); });
}

Reply with_password(int status, const Person& person, const std::string& made) {
    return json_reply(status, [&](json::Writer& w) {
        w.key("person").begin_object();
        write_person(w, person);
        w.end_object().key("password");
        made.empty() ? w.null() : w.string(made);
    });
}

void write_key(json::Writer& w, const gateway::Key& key, const std::optional<WallTime>& last_used) {
    const auto time = [&](std::string_view name, const std::optional<WallTime>& value) {
        w.key(name);
        value ? w.string(rfc3339(*value)) : w.null();
    };
    const auto number = [&](std::string_view name, const std::optional<std::int64_t>& value) {
        w.key(name);
        value ? w.integer(*value) : w.null();
    };
    w.member("id", key.id).member("name", key.name).member("created_at", rfc3339(key.created));
    time("expires_at", key.expires);
    time("last_used_at", last_used);
    w.key("models").begin_array();
    for (const auto& model : key.rules.models)
        w.string(model);
    w.end_array();
    number("requests_per_minute", key.rules.requests_per_minute);
    number("tokens_per_minute", key.rules.tokens_per_minute);
    number("streams", key.rules.streams);
    w.member("priority", gateway::priority_name(key.rules.priority)).member_null("person");
    w.member("revoked", key.revoked.has_value());
}

}  // namespace

Reply list(Context& context, const Request&) {
    SEGUE_API_TRY(people, context.people->list());
    return json_reply(200, [&](json::Writer& w) {
        w.key("people").begin_array();
        for (const auto& person : people) {
            w.begin_object();
            write_person(w, person);
            w.end_object();
        }
        w.end_array();
    });
}

Reply create(Context& context, const Request& request) {
    SEGUE_API_TRY(body, Body::parse(request.body));
    const std::string login = body.needed_text("login", 200);
    const std::string name = body.text("name", 200);
    const std::string given = body.text("password", 1024);
    SEGUE_API_TRY(role, role_in(body));
    std::string made;
    if (given.empty()) {
        SEGUE_API_TRY(password, people::make_password());
        made = std::move(password);
    }
    SEGUE_API_TRY(person, context.people->create(login, name, role, given.empty() ? made : given,
                                                 !made.empty(), actor_of(request)));
    return with_password(201, person, made);
}

Reply change(Context& context, const Request& request) {
    SEGUE_API_TRY(id, number_of(request.parameter("person"), "person"));
    SEGUE_API_TRY(body, Body::parse(request.body));
    people::PersonChange change;
    if (body.has("name")) change.name = body.text("name", 200);
    change.disabled = body.boolean("disabled");
    SEGUE_API_TRY_VOID(body.problem());
    if (body.has("role")) {
        SEGUE_API_TRY(role, role_in(body));
        change.role = role;
    }
    SEGUE_API_TRY(person, context.people->change(id, change, actor_of(request)));
    return person_reply(200, person);
}

Reply remove(Context& context, const Request& request) {
    SEGUE_API_TRY(id, number_of(request.parameter("person"), "person"));
    SEGUE_API_TRY_VOID(context.people->remove(id, actor_of(request)));
    return no_content();
}

Reply reset_password(Context& context, const Request& request) {
    SEGUE_API_TRY(id, number_of(request.parameter("person"), "person"));
    SEGUE_API_TRY(password, people::make_password());
    SEGUE_API_TRY(person, context.people->reset_password(id, password, actor_of(request)));
    return with_password(200, person, password);
}

Reply sign_out(Context& context, const Request& request) {
    SEGUE_API_TRY(id, number_of(request.parameter("person"), "person"));
    SEGUE_API_TRY_VOID(context.people->sign_out_everywhere(id, actor_of(request)));
    return no_content();
}

Reply list_keys(Context& context, const Request&) {
    SEGUE_API_TRY(keys, context.keys->list());
    SEGUE_API_TRY(uses, context.observer->log().last_uses());
    return json_reply(200, [&](json::Writer& w) {
        w.key("keys").begin_array();
        for (const auto& key : keys) {
            const auto used = uses.find(key.id);
            w.begin_object();
            write_key(w, key, used == uses.end() ? std::nullopt : std::optional(used->second));
            w.end_object();
        }
        w.end_array();
    });
}

Reply create_key(Context& context, const Request& request) {
    constexpr std::int64_t kMost = 1'000'000'000'000;
    SEGUE_API_TRY(body, Body::parse(request.body));
    const std::string name = body.needed_text("name", 64);
    gateway::KeyRules rules;
    rules.models = body.texts("models");
    rules.requests_per_minute = body.integer("requests_per_minute", 1, kMost);
    rules.tokens_per_minute = body.integer("tokens_per_minute", 1, kMost);
    rules.streams = body.integer("streams", 1, kMost);
    const std::string priority = body.text("priority", 20);
    const std::string expires = body.text("expires_at", 40);
    if (const auto known = gateway::parse_priority(priority); known && !priority.empty())
        rules.priority = *known;
    else if (!priority.empty())
        body.complain("priority is interactive or batch");
    std::optional<WallTime> end;
    if (!expires.empty()) {
        end = parse_rfc3339(expires);
        if (!end || *end <= context.clock().wall())
            body.complain("expires_at is a time to come, such as 2027-01-31T12:00:00Z");
    }
    SEGUE_API_TRY_VOID(body.problem());
    SEGUE_API_TRY(made, gateway::make_key(name, std::move(rules), end, context.clock().wall()));
    SEGUE_API_TRY_VOID(context.keys->add(made.key));
    SEGUE_API_TRY_VOID(note(context, request, "key.create", name,
                            json::object([&](json::Writer& w) { w.member("id", made.key.id); })));
    return json_reply(201, [&](json::Writer& w) {
        w.key("key").begin_object();
        write_key(w, made.key, std::nullopt);
        w.end_object().member("secret", made.text);
    });
}

Reply revoke_key(Context& context, const Request& request) {
    const std::string& id = request.parameter("key");
    SEGUE_API_TRY(keys, context.keys->list());
    // By id alone: a name may have been given again.
    if (std::none_of(keys.begin(), keys.end(), [&](const auto& key) { return key.id == id; }))
        return problem(404, "", "there is no such key");
    SEGUE_API_TRY(revoked, context.keys->revoke(id, context.clock().wall()));
    SEGUE_API_TRY_VOID(note(context, request, "key.revoke", revoked.name,
                            json::object([&](json::Writer& w) { w.member("id", revoked.id); })));
    return no_content();
}

Reply activity(Context& context, const Request& request) {
    people::ActivityQuestion question;
    SEGUE_API_TRY(limit, request.query_number("limit", 100, 1, 500));
    question.limit = static_cast<int>(limit);
    for (const auto& [name, into] :
         {std::pair{"before", &question.before}, std::pair{"person", &question.person}}) {
        const auto given = request.query(name);
        if (!given || given->empty()) continue;
        SEGUE_API_TRY(number, number_of(*given, name));
        *into = number;
    }
    question.action = request.query("action").value_or("");
    SEGUE_API_TRY(entries, context.people->activity(question));
    return json_reply(200, [&](json::Writer& w) {
        w.key("entries").begin_array();
        for (const auto& entry : entries) {
            w.begin_object().member("id", std::to_string(entry.id)).member("at", rfc3339(entry.at));
            w.key("person");
            entry.person ? w.string(std::to_string(*entry.person)) : w.null();
            w.member("person_name", entry.name).member("action", entry.action);
            w.member("target", entry.object).member_raw("detail", entry.detail);
            w.member("address", entry.address).end_object();
        }
        w.end_array().key("next");
        const bool more = entries.size() == static_cast<std::size_t>(question.limit);
        more ? w.string(std::to_string(entries.back().id)) : w.null();
    });
}

}  // namespace segue::serve::api::people_routes
