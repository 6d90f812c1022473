#include <fmt/format.h>

#include <algorithm>
#include <ostream>

#include "base/json.hpp"
#include "cli/commands.hpp"
#include "evidence/signing.hpp"
#include "serve/daemon.hpp"

namespace segue::cli {
namespace {

using evidence::KeyFacts;

Result<evidence::SigningKeys> keys_of(const SigningArguments& arguments, const Console& console) {
    const auto loaded = serve::load_config(arguments.flags, console.environment);
    if (!loaded.issues.empty()) return fail(Fault::kInvalid, serve::describe_issues(loaded.issues));
    return evidence::SigningKeys(loaded.config.data_dir);
}

void write_key(json::Writer& w, const KeyFacts& key) {
    w.member("id", key.id).member("name", key.name).member("created", key.created);
    w.member("public_key", key.key.text());
}

}  // namespace

int signing_create_command(const SigningArguments& arguments, Console& console) {
    const auto keys = keys_of(arguments, console);
    if (!keys) return report(console, keys.error());
    const auto made = keys->create(arguments.name, SystemClock().wall());
    if (!made) return report(console, made.error());
    if (console.output == Output::kJson) {
        console.out << json::object([&](json::Writer& w) { write_key(w, *made); }) << '\n';
    } else {
        // The public key alone on standard output: it is what others need.
        console.out << made->key.text() << '\n';
        console.err << fmt::format(
            "signing key {} ('{}') is in {}; give the public key above to those who check\n",
            made->id, made->name, keys->folder());
    }
    return kFine;
}

int signing_list_command(const SigningArguments& arguments, Console& console) {
    const auto keys = keys_of(arguments, console);
    if (!keys) return report(console, keys.error());
    const auto known = keys->list();
    if (!known) return report(console, known.error());
    if (console.output == Output::kJson) {
        console.out << json::object([&](json::Writer& w) {
            w.key("keys").begin_array();
            for (const auto& key : *known) {
                w.begin_object();
                write_key(w, key);
                w.end_object();
            }
            w.end_array();
        }) << '\n';
        return kFine;
    }
    if (known->empty()) {
        console.out << fmt::format(
            "no signing keys in {}; make one: segue keys signing create --name NAME\n",
            keys->folder());
        return kFine;
    }
    std::vector<Row> rows{{"ID", "NAME", "CREATED", "PUBLIC KEY"}};
    for (const auto& key : *known) {
        std::string created = key.created.substr(0, 16);
        std::replace(created.begin(), created.end(), 'T', ' ');
        rows.push_back({key.id, key.name, std::move(created), key.key.text()});
    }
    print_table(console, rows);
    return kFine;
}

int signing_show_command(const SigningArguments& arguments, Console& console) {
    const auto keys = keys_of(arguments, console);
    if (!keys) return report(console, keys.error());
    const auto key = keys->open(arguments.who);
    if (!key) return report(console, key.error());
    if (console.output == Output::kJson)
        console.out << json::object([&](json::Writer& w) { write_key(w, key->facts); }) << '\n';
    else
        console.out << key->facts.key.text() << '\n';
    return kFine;
}

}  // namespace segue::cli
