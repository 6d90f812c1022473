#include "gateway/keys.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <ostream>

#include "base/clock.hpp"
#include "base/json.hpp"
#include "base/text.hpp"
#include "cli/commands.hpp"
#include "serve/daemon.hpp"

namespace segue::cli {
namespace {

using gateway::Key;

Result<gateway::KeyFile> key_file(const serve::Flags& flags, const Console& console) {
    const auto loaded = serve::load_config(flags, console.environment);
    if (!loaded.issues.empty()) return fail(Fault::kInvalid, serve::describe_issues(loaded.issues));
    return gateway::KeyFile(loaded.config.data_dir);
}

std::string_view standing(const Key& key, WallTime now) {
    return key.revoked ? "revoked" : key.usable(now) ? "good" : "expired";
}

/// "2026-11-23 09:15"
std::string minute(WallTime time) {
    std::string text = rfc3339(time).substr(0, 16);
    std::replace(text.begin(), text.end(), 'T', ' ');
    return text;
}

std::string limits_text(const gateway::KeyRules& rules) {
    std::vector<std::string> parts;
    const auto add = [&](const std::optional<std::int64_t>& value, std::string_view unit) {
        if (value) parts.push_back(fmt::format("{} {}", *value, unit));
    };
    add(rules.requests_per_minute, "requests/min");
    add(rules.tokens_per_minute, "tokens/min");
    add(rules.streams, "streams");
    return parts.empty() ? "none" : join(parts, ", ");
}

void write_key(json::Writer& w, const Key& key, WallTime now) {
    const auto number = [&](std::string_view name, const std::optional<std::int64_t>& value) {
        w.key(name);
        value ? w.integer(*value) : w.null();
    };
    const auto time = [&](std::string_view name, const std::optional<WallTime>& value) {
        w.key(name);
        value ? w.string(rfc3339(*value)) : w.null();
    };
    w.member("id", key.id).member("name", key.name).member("last_four", key.last_four);
    w.member("standing", standing(key, now)).member("created", rfc3339(key.created));
    time("expires", key.expires);
    time("revoked", key.revoked);
    w.key("models").begin_array();
    for (const auto& model : key.rules.models)
        w.string(model);
    w.end_array();
    number("requests_per_minute", key.rules.requests_per_minute);
    number("tokens_per_minute", key.rules.tokens_per_minute);
    number("streams", key.rules.streams);
    w.member("priority", gateway::priority_name(key.rules.priority));
}

Result<std::optional<WallTime>> expiry(const std::string& text, WallTime now) {
    if (text.empty()) return std::optional<WallTime>{};
    const auto duration = parse_duration(text);
    // Much longer ones do not fit a WallTime.
    if (!duration || duration->count() <= 0 || *duration > std::chrono::hours(24 * 365 * 100))
        return fail(Fault::kInvalid,
                    fmt::format("--expires is a time such as 12h or 30d, not '{}'", text));
    return std::optional<WallTime>(now + *duration);
}

}  // namespace

int keys_create_command(const KeyArguments& arguments, Console& console) {
    const WallTime now = SystemClock().wall();
    const auto file = key_file(arguments.flags, console);
    if (!file) return report(console, file.error());
    const auto expires = expiry(arguments.expires, now);
    if (!expires) return report(console, expires.error());
    gateway::KeyRules rules;
    rules.models = arguments.models;
    rules.requests_per_minute = arguments.requests_per_minute;
    rules.tokens_per_minute = arguments.tokens_per_minute;
    rules.streams = arguments.streams;
    rules.priority =
        gateway::parse_priority(arguments.priority).value_or(gateway::Priority::kInteractive);
    const auto made = gateway::make_key(arguments.name, std::move(rules), *expires, now);
    if (!made) return report(console, made.error());
    if (const auto added = file->add(made->key); !added) return report(console, added.error());
    if (console.output == Output::kJson) {
        console.out << json::object([&](json::Writer& w) {
            w.member("key", made->text);
            write_key(w, made->key, now);
        }) << '\n';
    } else {
        // The key alone on standard output: KEY=$(segue keys create --name chat)
        console.out << made->text << '\n';
        console.err << fmt::format("key {} for '{}', in {}: keep it, it is not shown again\n",
                                   made->key.id, made->key.name, file->path());
    }
    return kFine;
}

int keys_list_command(const KeyArguments& arguments, Console& console) {
    const WallTime now = SystemClock().wall();
    const auto file = key_file(arguments.flags, console);
    if (!file) return report(console, file.error());
    auto keys = file->list();
    if (!keys) return report(console, keys.error());
    if (!arguments.all) std::erase_if(*keys, [](const Key& key) { return key.revoked; });
    if (console.output == Output::kJson) {
        console.out << json::object([&](json::Writer& w) {
            w.key("keys").begin_array();
            for (const auto& key : *keys) {
                w.begin_object();
                write_key(w, key, now);
                w.end_object();
            }
            w.end_array();
        }) << '\n';
        return kFine;
    }
    if (keys->empty()) {
        console.out << fmt::format("no keys in {}; make one: segue keys create --name NAME\n",
                                   file->path());
        return kFine;
    }
    std::vector<Row> rows{{"ID", "NAME", "ENDS IN", "STANDING", "CREATED", "EXPIRES", "PRIORITY",
                           "LIMITS", "MODELS"}};
    for (const auto& key : *keys)
        rows.push_back({key.id, key.name, key.last_four, std::string(standing(key, now)),
                        minute(key.created), key.expires ? minute(*key.expires) : "never",
                        std::string(gateway::priority_name(key.rules.priority)),
                        limits_text(key.rules),
                        key.rules.models.empty() ? "all" : join(key.rules.models, ", ")});
    print_table(console, rows, [&](std::size_t column, const std::string& cell) {
        if (column != 3) return cell;
        return cell.starts_with("good") ? console.green(cell) : console.red(cell);
    });
    return kFine;
}

int keys_revoke_command(const KeyArguments& arguments, Console& console) {
    const WallTime now = SystemClock().wall();
    const auto file = key_file(arguments.flags, console);
    if (!file) return report(console, file.error());
    const auto revoked = file->revoke(arguments.who, now);
    if (!revoked) return report(console, revoked.error());
    if (console.output == Output::kJson) {
        console.out << json::object([&](json::Writer& w) { write_key(w, *revoked, now); }) << '\n';
    } else {
        console.out << fmt::format("revoked {} ('{}')\n", revoked->id, revoked->name);
    }
    return kFine;
}

}  // namespace segue::cli
