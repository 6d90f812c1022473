// The cluster's server: its data folder made, its process started, seen and stopped.
#include <fcntl.h>
#include <fmt/format.h>
#include <locale.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include <algorithm>
#include <csignal>
#include <filesystem>
#include <fstream>
#include <utility>

#include "base/files.hpp"
#include "base/log.hpp"
#include "base/text.hpp"
#include "store/cluster.hpp"
#include "store/cluster_parts.hpp"

namespace segue::store {
namespace {

namespace fs = std::filesystem;
using std::chrono::milliseconds;

constexpr milliseconds kFastStop{20'000};
constexpr milliseconds kImmediateStop{5'000};
constexpr std::uintmax_t kMaxLog = 8 * 1024 * 1024;

/// Words in other languages than English are lower-cased by the locale; it needs UTF-8.
std::string usable_locale() {
    for (const char* name : {"C.UTF-8", "C.utf8", "en_US.UTF-8"}) {
        const locale_t made = ::newlocale(LC_CTYPE_MASK, name, nullptr);
        if (!made) continue;
        ::freelocale(made);
        return name;
    }
    return "C";
}

/// PostgreSQL's own pages in memory: an eighth of the machine's (or the container's), since a
/// search walks an index of vectors at random. Only what is used is taken.
std::uint64_t buffers_mb() {
    auto bytes = static_cast<std::uint64_t>(std::max(::sysconf(_SC_PHYS_PAGES), 0L)) *
                 static_cast<std::uint64_t>(std::max(::sysconf(_SC_PAGESIZE), 0L));
    std::uint64_t limit = 0;
    if (std::ifstream group("/sys/fs/cgroup/memory.max"); group >> limit)
        bytes = std::min(bytes, limit);
    return std::clamp<std::uint64_t>(bytes / 8 >> 20U, 128, 1024);
}

}  // namespace

/// Before 16 the programs leave their working folder to find themselves, and only come back where
/// their user may walk.
std::string Cluster::as_seen_inside(const std::string& folder) const {
    return installation_.major >= 16 ? "/proc/self/cwd" : folder;
}

/// Beside its place, and renamed when it is whole: what a kill leaves behind is thrown away.
Result<void> Cluster::initialise(const std::string& password) {
    const std::string fresh = data_ + ".new";
    std::error_code error;
    // What lies in it is for its owners only; an old PostgreSQL has to walk through.
    if (user_ && installation_.major < 16) (void)::chmod(options_.folder.c_str(), 0711);
    fs::remove_all(fresh, error);
    if (fs::exists(data_, error) && !fs::is_empty(data_, error))
        return fail(
            Fault::kConflict,
            fmt::format("{} is not a PostgreSQL data folder and not empty; put it aside", data_),
            "store");
    fs::remove(data_, error);
    if (::mkdir(fresh.c_str(), 0700) != 0) return refused("make the folder", fresh);
    if (user_ && ::chown(fresh.c_str(), user_->uid, user_->gid) != 0)
        return refused("give away", fresh);
    Command command;
    const std::string locale = usable_locale();
    command.arguments = {installation_.bin + "/initdb",
                         "-D",
                         as_seen_inside(fresh),
                         "-U",
                         "segue",
                         "--encoding=UTF8",
                         "--locale=" + locale,
                         "-N",
                         "--auth=scram-sha-256",
                         "--pwfile=/dev/stdin"};
    command.user = user_;
    command.folder = ::open(fresh.c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    command.input = password + "\n";
    command.patience = kStartPatience;
    log::info("making the database in {} (PostgreSQL {}, once)", data_, installation_.version);
    auto finished = store::run(command);
    ::close(command.folder);
    if (!finished) return tl::make_unexpected(std::move(finished).error());
    if (finished->status != 0) {
        std::string last;
        for (const auto line : split(finished->output, '\n'))
            if (line.find("rror") != std::string_view::npos ||
                line.find("ould not") != std::string_view::npos)
                last = trim(line);
        return fail(Fault::kIo,
                    fmt::format("the database could not be made in {}: {}; mend that and start "
                                "again (nothing is left half made)",
                                data_, last.empty() ? "initdb failed" : last),
                    "store");
    }
    configure(fresh);
    if (::rename(fresh.c_str(), data_.c_str()) != 0) return refused("rename to", data_);
    return {};
}

/// Once, at the end of the file, so that people may change what they like.
void Cluster::configure(const std::string& data) const {
    std::ofstream file(data + "/postgresql.conf", std::ios::app);
    file << "\n# Segue's own; change what you like, it is written only once.\n"
         << "shared_buffers = " << buffers_mb()
         << "MB\n"
            "max_connections = 60\n"
            "wal_level = minimal\n"
            "max_wal_senders = 0\n"
            "max_wal_size = 512MB\n"
            "jit = off\n"
            "random_page_cost = 1.1\n"
            "autovacuum_vacuum_insert_scale_factor = 0.05\n"
            "log_min_messages = warning\n"
            // Statements and their values are what people wrote.
            "log_min_error_statement = panic\n"
            "log_error_verbosity = terse\n"
            "timezone = UTC\n"
            "log_timezone = UTC\n";
    if (options_.durability == ClusterOptions::Durability::kNone)
        file << "fsync = off\nfull_page_writes = off\n";
}

/// After a power cut the process id in a left-over file may be anybody's by now, and PostgreSQL
/// would not start. We hold the lock and know that no server is here.
void Cluster::forget_stale_files() const {
    for (const char* name : {"/postmaster.pid", "/.s.PGSQL.5432.lock", "/.s.PGSQL.5432"})
        ::unlink((data_ + name).c_str());
}

Result<void> Cluster::launch_server() {
    forget_stale_files();
    const std::string log_path = options_.folder + "/log";
    std::error_code error;
    if (fs::exists(log_path, error) && fs::file_size(log_path, error) > kMaxLog)
        fs::rename(log_path, log_path + ".1", error);
    Launch launch;
    launch.command.arguments = {installation_.bin + "/postgres",
                                "-D",
                                as_seen_inside(data_),
                                "-c",
                                "listen_addresses=",
                                "-c",
                                "unix_socket_directories=.",
                                "-c",
                                "unix_socket_permissions=0700",
                                "-c",
                                "port=5432",
                                "-c",
                                "cluster_name=segue"};
    launch.command.user = user_;
    launch.command.folder = ::open(data_.c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    launch.lock = options_.folder + "/lock";
    launch.log = ::open(log_path.c_str(), O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC, 0600);
    if (launch.command.folder < 0 || launch.log < 0) {
        auto problem = refused("open", launch.log < 0 ? log_path : data_);
        if (launch.command.folder >= 0) ::close(launch.command.folder);
        if (launch.log >= 0) ::close(launch.log);
        return problem;
    }
    auto keeper = store::launch(launch);
    ::close(launch.command.folder);
    ::close(launch.log);
    if (!keeper) return tl::make_unexpected(std::move(keeper).error());
    keeper_ = *keeper;
    return {};
}

void Cluster::reap_keeper(bool wait) {
    if (keeper_ == 0) return;
    if (::waitpid(keeper_, nullptr, wait ? 0 : WNOHANG) != 0) keeper_ = 0;
}

/// What the log says of the last start.
std::string Cluster::last_words() const {
    const auto text = read_file(options_.folder + "/log");
    if (!text) return "it said nothing";
    constexpr std::size_t kEnd = 4096;
    const std::string_view end =
        std::string_view(*text).substr(text->size() > kEnd ? text->size() - kEnd : 0);
    std::string
        setting;  // PostgreSQL names the bad one first, and then only says that there is one
    std::string fatal;
    for (const auto line : split(end, '\n')) {
        for (const std::string_view sign :
             {"invalid value for parameter", "unrecognized configuration", "syntax error in file"})
            if (const auto at = line.find(sign); at != std::string_view::npos)
                setting = fmt::format("{}: ", trim(line.substr(at)));
        for (const std::string_view sign : {"FATAL:", "PANIC:"})
            if (const auto at = line.find(sign); at != std::string_view::npos)
                fatal = trim(line.substr(at + sign.size()));
    }
    return setting + (fatal.empty() ? "see " + options_.folder + "/log" : fatal);
}

void Cluster::stop_server() {
    const auto found = running();
    const pid_t pid = found ? *found : 0;
    if (pid != 0) {
        ::kill(pid, SIGINT);
        if (!wait_for_end(pid, kFastStop)) {
            log::warning("the database does not stop; it is stopped at once and will recover");
            ::kill(pid, SIGQUIT);
            if (!wait_for_end(pid, kImmediateStop)) ::kill(pid, SIGKILL);
        }
    } else if (keeper_ != 0) {
        ::kill(keeper_, SIGTERM);  // still starting
    }
    reap_keeper(true);
}

}  // namespace segue::store
