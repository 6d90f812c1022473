#include "gateway/keys.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <filesystem>
#include <ostream>

#include "base/clock.hpp"
#include "base/json.hpp"
#include "base/text.hpp"
#include "cli/commands.hpp"
#include "gateway/key_table.hpp"
#include "people/people.hpp"
#include "serve/daemon.hpp"
#include "serve/store_house.hpp"

namespace segue::cli {
namespace {

using gateway::Key;

/// Where keys are kept: in the store, with a copy in the data folder, or in that alone.
class KeyPlace {
public:
    static Result<KeyPlace> open(const serve::Flags& flags, Console& console) {
        const auto loaded = serve::load_config(flags, console.environment);
        if (!loaded.issues.empty())
            return fail(Fault::kInvalid, serve::describe_issues(loaded.issues));
        const serve::Config& config = loaded.config;
        KeyPlace place{gateway::KeyFile(config.data_dir)};
        using Kind = serve::DatabaseConfig::Kind;
        std::error_code ignored;
        // The first segue serve makes the private one, and takes the file's keys over.
        const bool none = config.database.kind == Kind::kNone ||
                          (config.database.kind == Kind::kPrivate &&
                           !std::filesystem::exists(config.data_dir + "/postgres/data", ignored));
        if (none) return place;
        auto store = serve::open_ready_store(flags, console.environment);
        if (store) {
            place.store_ = std::move(*store);
            place.table_ = std::make_unique<gateway::KeyTable>(place.store_->pool());
            SEGUE_TRY(agreed, place.table_->agree_with(place.file_));
            (void)agreed;
            return place;
        }
        console.err << fmt::format(
            "the store cannot be reached ({}); {} is used, and goes into the store when it is "
            "there\n",
            store.error().detail, place.file_.path());
        return place;
    }

    std::string name() const { return table_ ? "the store" : file_.path(); }
    Result<std::vector<Key>> list() const { return table_ ? table_->list() : file_.list(); }
    Result<void> add(const Key& key) const {
        if (!table_) return file_.add(key);
        SEGUE_TRY_VOID(table_->add(key));
        return done("key.create", key);
    }
    Result<Key> revoke(std::string_view who, WallTime now) const {
        if (!table_) return file_.revoke(who, now);
        SEGUE_TRY(key, table_->revoke(who, now));
        SEGUE_TRY_VOID(done("key.revoke", key));
        return key;
    }

private:
    explicit KeyPlace(gateway::KeyFile file) : file_(std::move(file)) {}
    Result<void> done(std::string_view action, const Key& key) const {
        const SystemClock clock;
        people::Actor actor;
        actor.name = "command line";
        SEGUE_TRY_VOID(people::People(store_->pool(), clock)
                           .note(actor, action, key.name,
                                 json::object([&](json::Writer& w) { w.member("id", key.id); })));
        SEGUE_TRY(agreed, table_->agree_with(file_));
        (void)agreed;
        return {};
    }
    gateway::KeyFile file_;
    std::unique_ptr<store::Store> store_;
    std::unique_ptr<gateway::KeyTable> table_;
};

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
    const auto place = KeyPlace::open(arguments.flags, console);
    if (!place) return report(console, place.error());
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
    if (const auto added = place->add(made->key); !added) return report(console, added.error());
    if (console.output == Output::kJson) {
        console.out << json::object([&](json::Writer& w) {
            w.member("key", made->text);
            write_key(w, made->key, now);
        }) << '\n';
    } else {
        // The key alone on standard output: KEY=$(segue keys create --name chat)
        console.out << made->text << '\n';
        console.err << fmt::format("key {} for '{}', in {}: keep it, it is not shown again\n",
                                   made->key.id, made->key.name, place->name());
    }
    return kFine;
}

int keys_list_command(const KeyArguments& arguments, Console& console) {
    const WallTime now = SystemClock().wall();
    const auto place = KeyPlace::open(arguments.flags, console);
    if (!place) return report(console, place.error());
    auto keys = place->list();
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
                                   place->name());
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
    const auto place = KeyPlace::open(arguments.flags, console);
    if (!place) return report(console, place.error());
    const auto revoked = place->revoke(arguments.who, now);
    if (!revoked) return report(console, revoked.error());
    if (console.output == Output::kJson) {
        console.out << json::object([&](json::Writer& w) { write_key(w, *revoked, now); }) << '\n';
    } else {
        console.out << fmt::format("revoked {} ('{}')\n", revoked->id, revoked->name);
    }
    return kFine;
}

}  // namespace segue::cli
