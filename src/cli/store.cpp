#include "store/store.hpp"

#include <fmt/format.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cerrno>
#include <csignal>
#include <cstdlib>
#include <ostream>

#include "base/json.hpp"
#include "cli/commands.hpp"
#include "serve/store_house.hpp"
#include "store/check.hpp"

namespace segue::cli {
namespace {

using store::Store;

Result<std::vector<store::AppliedMigration>> applied(Store& store) {
    SEGUE_TRY(lease, store.pool().acquire());
    return store::Migrator(*lease, store.options().schema).applied();
}

std::string megabytes(std::int64_t bytes) {
    return fmt::format("{:.1f} MB", static_cast<double>(bytes) / 1e6);
}

}  // namespace

int store_status_command(const StoreArguments& arguments, Console& console) {
    const auto opened = serve::open_ready_store(arguments.flags, console.environment);
    if (!opened) return report(console, opened.error());
    Store& store = **opened;
    const auto status = store.status();
    const auto migrations = applied(store);
    if (!migrations) return report(console, migrations.error());
    const auto size = store.pool().one<std::int64_t, std::string>(
        "SELECT pg_database_size(current_database()), coalesce((SELECT extversion FROM "
        "pg_extension "
        "WHERE extname = 'vector'), '')");
    if (!size) return report(console, size.error());
    const auto& [bytes, vector] = **size;
    const int schema = migrations->empty() ? 0 : migrations->back().number;
    const std::string where = status.is_private ? store.cluster()->options().folder
                                                : store::describe_url(store.options().url);
    // The one that this command started itself stops with it.
    const bool running = !status.cluster || !status.cluster->owned;
    if (console.output == Output::kJson) {
        console.out << json::object([&](json::Writer& w) {
            w.member("kind", status.is_private ? "private" : "external").member("where", where);
            w.member("server", status.server).member("pgvector", vector);
            w.member("in_use", running).member("schema", schema);
            w.member("migrations", migrations->size()).member("bytes", bytes);
            if (status.cluster) w.member("programs", status.cluster->bin);
        }) << '\n';
        return kFine;
    }
    console.out << fmt::format("{} {} in {}{}\n", status.is_private ? "private" : "external",
                               status.server, where,
                               running ? "" : " (no segue runs; started for this command)");
    if (status.cluster) console.out << fmt::format("programs: {}\n", status.cluster->bin);
    console.out << fmt::format("pgvector {}, schema {:04} ({} migrations), {}\n", vector, schema,
                               migrations->size(), megabytes(bytes));
    return kFine;
}

/// Opening the store has applied what was missing; this says what there is.
int store_migrate_command(const StoreArguments& arguments, Console& console) {
    const auto opened = serve::open_ready_store(arguments.flags, console.environment);
    if (!opened) return report(console, opened.error());
    const auto migrations = applied(**opened);
    if (!migrations) return report(console, migrations.error());
    if (console.output == Output::kJson) {
        console.out << json::object([&](json::Writer& w) {
            w.key("migrations").begin_array();
            for (const auto& one : *migrations) {
                w.begin_object().member("number", one.number).member("name", one.name);
                w.member("applied", rfc3339(one.when)).member("version", one.version).end_object();
            }
            w.end_array();
        }) << '\n';
        return kFine;
    }
    std::vector<Row> rows{{"NUMBER", "NAME", "APPLIED", "BY"}};
    for (const auto& one : *migrations)
        rows.push_back({fmt::format("{:04}", one.number), one.name, rfc3339(one.when).substr(0, 19),
                        "segue " + one.version});
    print_table(console, rows);
    return kFine;
}

int store_check_command(const StoreArguments& arguments, Console& console) {
    const auto opened = serve::open_ready_store(arguments.flags, console.environment);
    if (!opened) return report(console, opened.error());
    const auto checks = store::check((*opened)->pool(), (*opened)->options().schema);
    if (!checks) return report(console, checks.error());
    bool good = true;
    for (const auto& one : *checks)
        good = good && one.problem.empty();
    if (console.output == Output::kJson) {
        console.out << json::object([&](json::Writer& w) {
            w.member("good", good).key("checks").begin_array();
            for (const auto& one : *checks) {
                w.begin_object().member("what", one.what).member("good", one.problem.empty());
                w.member("detail", one.problem.empty() ? one.found : one.problem).end_object();
            }
            w.end_array();
        }) << '\n';
        return good ? kFine : kNo;
    }
    for (const auto& one : *checks)
        console.out << fmt::format(
            "{} {}: {}\n", one.problem.empty() ? console.green("good") : console.red("bad "),
            one.what, one.problem.empty() ? one.found : one.problem);
    return good ? kFine : kNo;
}

int store_psql_command(const StoreArguments& arguments, Console& console) {
    const auto opened = serve::open_ready_store(arguments.flags, console.environment);
    if (!opened) return report(console, opened.error());
    Store& store = **opened;
    const std::string name = arguments.dump ? "pg_dump" : "psql";
    // psql and pg_dump take a connection string as their database; the password goes by the
    // environment, where other users cannot see it.
    const auto endpoint = store.endpoint();
    if (!endpoint) return report(console, endpoint.error());
    std::vector<std::string> words;
    const auto status = store.status();
    words.push_back(status.cluster &&
                            ::access((status.cluster->bin + "/" + name).c_str(), X_OK) == 0
                        ? status.cluster->bin + "/" + name
                        : name);
    std::vector<std::string> variables{
        fmt::format("PGOPTIONS=-c search_path={},public", store.options().schema)};
    if (status.is_private) {
        const auto& password = *endpoint;
        const std::size_t at = password.find(" password='");
        std::string secret = password.substr(at + 11);
        secret.pop_back();
        variables.push_back("PGPASSWORD=" + secret);
        words.push_back("-d");
        words.push_back(password.substr(0, at));
    } else {
        words.push_back("-d");
        words.push_back(store.options().url);
    }
    words.insert(words.end(), arguments.words.begin(), arguments.words.end());
    std::vector<char*> argv;
    for (auto& word : words)
        argv.push_back(word.data());
    argv.push_back(nullptr);
    // The shell's own keys (Ctrl-C ends a query) must not end us before it.
    std::signal(SIGINT, SIG_IGN);
    const pid_t child = ::fork();
    if (child < 0) return report(console, {Fault::kIo, "cannot start psql: no more processes"});
    if (child == 0) {
        std::signal(SIGINT, SIG_DFL);
        for (auto& variable : variables)
            ::putenv(variable.data());
        ::execvp(argv[0], argv.data());
        ::_exit(127);
    }
    int ended = 0;
    while (::waitpid(child, &ended, 0) < 0 && errno == EINTR) {
    }
    if (WIFEXITED(ended) && WEXITSTATUS(ended) == 127)
        return report(console, {Fault::kNotFound,
                                fmt::format("there is no {}; install postgresql-client, or set "
                                            "SEGUE_PG_BIN to a folder that has it",
                                            name)});
    return WIFEXITED(ended) ? WEXITSTATUS(ended) : kInternal;
}

}  // namespace segue::cli
