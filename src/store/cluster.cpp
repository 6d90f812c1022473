#include "store/cluster.hpp"

#include <fcntl.h>
#include <fmt/format.h>
#include <pwd.h>
#include <sys/eventfd.h>
#include <sys/random.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include <array>
#include <cerrno>
#include <csignal>
#include <cstdlib>
#include <cstring>
#include <filesystem>
#include <fstream>
#include <utility>
#include <vector>

#include "base/files.hpp"
#include "base/log.hpp"
#include "base/text.hpp"
#include "store/cluster_parts.hpp"

namespace segue::store {
namespace {

namespace fs = std::filesystem;
using std::chrono::milliseconds;

constexpr std::string_view kUser = "segue";
constexpr std::size_t kMaxSocketFolder = 107 - sizeof("/.s.PGSQL.5432");
constexpr milliseconds kLook{50};
constexpr milliseconds kGuestLook{300};
constexpr milliseconds kRetry{5'000};
constexpr milliseconds kFirstPause{200};
constexpr milliseconds kLongestPause{10'000};

/// PostgreSQL refuses root, so root needs somebody else: whose the data is already, who was named,
/// or who is there.
Result<std::optional<User>> choose_user(const ClusterOptions& options) {
    if (::geteuid() != 0) return std::optional<User>{};
    struct stat status {};
    const passwd* entry = nullptr;
    if (::stat((options.folder + "/data").c_str(), &status) == 0 && status.st_uid != 0) {
        entry = ::getpwuid(status.st_uid);
        return std::optional<User>(User{status.st_uid, status.st_gid,
                                        entry ? entry->pw_name : std::to_string(status.st_uid)});
    }
    if (!options.user.empty()) {
        entry = ::getpwnam(options.user.c_str());
        if (!entry || entry->pw_uid == 0)
            return fail(Fault::kInvalid,
                        fmt::format("PostgreSQL cannot run as '{}'{}; name an ordinary user in "
                                    "database_user",
                                    options.user, entry ? ", which is root" : ": no such user"),
                        "store");
    }
    for (const char* name : {"segue", "postgres", "nobody"})
        if (!entry) entry = ::getpwnam(name);
    if (!entry)
        return fail(Fault::kInvalid,
                    "PostgreSQL refuses to run as root, and there is no user segue, postgres or "
                    "nobody; make one and name it in database_user, or start Segue as an ordinary "
                    "user",
                    "store");
    return std::optional<User>(User{entry->pw_uid, entry->pw_gid, entry->pw_name});
}

Result<std::string> make_password() {
    std::array<char, 24> bytes{};
    if (::getrandom(bytes.data(), bytes.size(), 0) != static_cast<ssize_t>(bytes.size()))
        return fail(Fault::kInternal, "the operating system gives no random bytes", "store");
    return hex_encode({bytes.data(), bytes.size()});
}

std::optional<int> major_of(const std::string& data) {
    const auto text = read_file(data + "/PG_VERSION");
    if (!text) return std::nullopt;
    return std::atoi(text->c_str());
}

/// A value of libpq's "key='value'" form.
std::string quote_value(std::string_view value) {
    return "'" + replace_all(replace_all(value, "\\", "\\\\"), "'", "\\'") + "'";
}

bool same_folder(const std::string& a, const std::string& b) {
    struct stat one {};
    struct stat other {};
    return ::stat(a.c_str(), &one) == 0 && ::stat(b.c_str(), &other) == 0 &&
           one.st_dev == other.st_dev && one.st_ino == other.st_ino;
}

}  // namespace

Result<std::unique_ptr<Cluster>> Cluster::open(ClusterOptions options, Access access) {
    std::error_code error;
    // For its own user only; what lies above was made by whoever chose it.
    fs::create_directories(fs::path(options.folder).parent_path(), error);
    if (::mkdir(options.folder.c_str(), 0700) != 0 && errno != EEXIST)
        return refused("make the folder", options.folder);
    options.folder = fs::canonical(options.folder, error).string();
    const std::string path = options.folder + "/lock";
    SEGUE_TRY(lock, OwnerLock::take(path));
    if (!lock && access == Access::kOwn)
        return fail(Fault::kConflict,
                    fmt::format("another segue (pid {}) keeps its data in {}; stop it, give this "
                                "one its own --data-dir, or take over with --takeover",
                                OwnerLock::owner(path), options.folder),
                    "store");
    SEGUE_TRY(user, choose_user(options));
    std::unique_ptr<Cluster> cluster(
        new Cluster(std::move(options), std::move(user), std::move(lock)));
    SEGUE_TRY_VOID(cluster->find_programs());
    return cluster;
}

Cluster::Cluster(ClusterOptions options, std::optional<User> user, std::optional<OwnerLock> lock)
    : options_(std::move(options)),
      data_(options_.folder + "/data"),
      user_(std::move(user)),
      lock_(std::move(lock)),
      wake_(::eventfd(0, EFD_CLOEXEC)) {
    status_.owned = lock_.has_value();
}

Cluster::~Cluster() {
    stop();
    if (socket_handle_ >= 0) ::close(socket_handle_);
    if (wake_ >= 0) ::close(wake_);
}

Result<void> Cluster::find_programs() {
    const auto major = major_of(data_);
    auto found = find_installation(options_.pg_bin, major, user_);
    if (!found && found.error().fault == Fault::kConflict)
        return fail(
            Fault::kConflict,
            fmt::format("{0}; set SEGUE_PG_BIN to the programs of PostgreSQL {1}, or move "
                        "the data: with PostgreSQL {1} run 'segue store psql --dump > "
                        "segue.sql', put {2} aside, start Segue with the other version, and "
                        "run 'segue store psql < segue.sql'",
                        found.error().detail, *major, data_),
            "store");
    if (!found) return tl::make_unexpected(std::move(found).error());
    installation_ = std::move(*found);
    const std::lock_guard guard(mutex_);
    status_.version = installation_.version;
    status_.bin = installation_.bin;
    return {};
}

void Cluster::start() {
    thread_ = std::jthread([this](const std::stop_token& stop) { run(stop); });
}

void Cluster::leave() {
    thread_.request_stop();
    const std::uint64_t one = 1;
    (void)!::write(wake_, &one, sizeof one);
    thread_ = {};
    lock_.reset();
    set(State::kStopped, "Segue has left it to its successor", 0);
}

void Cluster::stop() {
    if (status().state == State::kStopped) return;
    const bool started = thread_.joinable();
    thread_.request_stop();
    const std::uint64_t one = 1;
    (void)!::write(wake_, &one, sizeof one);
    thread_ = {};
    if (started && lock_) stop_server();
    lock_.reset();
    set(State::kStopped, "Segue is stopping", 0);
}

void Cluster::set(State state, std::string problem, pid_t pid) {
    {
        const std::lock_guard guard(mutex_);
        if (status_.problem != problem && state == State::kFailed)
            log::error("the database is not available: {}", problem);
        status_.state = state;
        status_.problem = std::move(problem);
        status_.pid = pid;
        status_.owned = lock_.has_value();
    }
    changed_.notify_all();
}

std::string Cluster::socket_folder() const {
    const std::lock_guard guard(mutex_);
    return socket_folder_;
}

Cluster::Status Cluster::status() const {
    const std::lock_guard guard(mutex_);
    return status_;
}

Result<std::string> Cluster::endpoint() const {
    const std::lock_guard guard(mutex_);
    switch (status_.state) {
        case State::kReady:
            return fmt::format("host={} port=5432 user={} dbname=postgres password={}",
                               quote_value(socket_folder_), kUser, quote_value(password_));
        case State::kStarting:
            return fail(Fault::kUnreachable, "the database is starting; try again in a moment",
                        "store");
        case State::kFailed:
        case State::kStopped: break;
    }
    // Not kUnreachable: nobody should wait for it.
    return fail(Fault::kIo, "the database is not available: " + status_.problem, "store");
}

Result<void> Cluster::wait_ready(milliseconds patience) const {
    std::unique_lock guard(mutex_);
    const bool settled =
        changed_.wait_for(guard, patience, [&] { return status_.state != State::kStarting; });
    if (!settled)
        return fail(Fault::kTimeout,
                    fmt::format("the database did not start within {} s; see {}/log",
                                patience.count() / 1000, options_.folder),
                    "store");
    if (status_.state == State::kReady) return {};
    return fail(Fault::kUnreachable, "the database is not available: " + status_.problem, "store");
}

bool Cluster::nap(const std::stop_token& stop, milliseconds time) const {
    std::unique_lock guard(mutex_);
    changed_.wait_for(guard, stop, time, [&] { return stop.stop_requested(); });
    return !stop.stop_requested();
}

void Cluster::run(const std::stop_token& stop) {
    while (!stop.stop_requested()) {
        if (!lock_) {
            watch_as_guest(stop);
            continue;
        }
        if (auto prepared = prepare(); !prepared) {
            set(State::kFailed, prepared.error().detail, 0);
            if (!nap(stop, kRetry)) return;
            continue;
        }
        supervise(stop);
    }
}

/// Another Segue runs the server: use it, and take over when that one ends.
void Cluster::watch_as_guest(const std::stop_token& stop) {
    auto lock = OwnerLock::take(options_.folder + "/lock");
    if (lock && *lock) {
        lock_ = std::move(*lock);
        log::info("the database is this segue's now");
        return;
    }
    const auto pid = running();
    const auto password = read_file(options_.folder + "/password");
    const bool ready = pid && *pid != 0 && password && accepts_connections(*pid);
    if (ready && password_.empty()) {
        if (auto used = use_socket(std::string(trim(*password))); !used) {
            set(State::kFailed, used.error().detail, 0);
            nap(stop, kRetry);
            return;
        }
    }
    if (ready != (status().state == State::kReady))
        set(ready ? State::kReady : State::kStarting, "", ready ? *pid : 0);
    nap(stop, kGuestLook);
}

Result<void> Cluster::prepare() {
    if (!password_.empty()) return {};
    const std::string file = options_.folder + "/password";
    std::string password;
    if (const auto kept = read_file(file)) {
        password = trim(*kept);
    } else {
        SEGUE_TRY(made, make_password());
        password = std::move(made);
        SEGUE_TRY_VOID(replace_file(file, password + "\n", FileAccess::kOwner));
    }
    if (!major_of(data_)) SEGUE_TRY_VOID(initialise(password));
    return use_socket(std::move(password));
}

Result<void> Cluster::use_socket(std::string password) {
    std::string folder = data_;
    if (folder.size() > kMaxSocketFolder) {
        // Too long for a socket's name; a descriptor of the folder has a short one.
        socket_handle_ = ::open(data_.c_str(), O_PATH | O_DIRECTORY | O_CLOEXEC);
        if (socket_handle_ < 0) return refused("open", data_);
        folder = fmt::format("/proc/{}/fd/{}", ::getpid(), socket_handle_);
    }
    const std::lock_guard guard(mutex_);
    socket_folder_ = std::move(folder);
    password_ = std::move(password);
    return {};
}

/// The server that runs in our folder, whoever started it.
Result<pid_t> Cluster::running() const {
    const auto text = read_file(data_ + "/postmaster.pid");
    if (!text) return pid_t{0};
    const auto pid = static_cast<pid_t>(std::strtol(text->c_str(), nullptr, 10));
    if (pid <= 0 || !same_folder(fmt::format("/proc/{}/cwd", pid), data_)) return pid_t{0};
    return pid;
}

/// PostgreSQL writes "ready" into the last line of the file.
bool Cluster::accepts_connections(pid_t pid) const {
    const auto text = read_file(data_ + "/postmaster.pid");
    return text && std::atoi(text->c_str()) == pid && trim(*text).ends_with("ready");
}

/// One life of the server, from its start (or from finding it running) to its end.
void Cluster::supervise(const std::stop_token& stop) {
    auto pause = kFirstPause;
    while (!stop.stop_requested()) {
        const auto began = std::chrono::steady_clock::now();
        const auto found = running();
        pid_t pid = found ? *found : 0;
        if (pid == 0) {
            if (const auto launched = launch_server(); !launched) {
                set(State::kFailed, launched.error().detail, 0);
                if (!nap(stop, kRetry)) return;
                continue;
            }
        } else {
            log::info("the database runs already (pid {}); going on with it", pid);
        }
        bool ready = false;
        while (!stop.stop_requested() && !ready) {
            if (const auto now = running()) pid = *now;
            ready = pid != 0 && accepts_connections(pid);
            if (ready) break;
            const bool had_keeper = keeper_ != 0;
            reap_keeper(false);
            if (had_keeper && keeper_ == 0) break;  // it ended before it was ready
            if (std::chrono::steady_clock::now() - began > kStartPatience) break;
            nap(stop, kLook);
        }
        if (ready) {
            set(State::kReady, "", pid);
            log::debug("the database is ready (pid {})", pid);
            while (!stop.stop_requested() && !wait_for_end(pid, std::chrono::hours(1), wake_)) {
            }
            if (stop.stop_requested()) return;
            set(State::kStarting, "", 0);
            reap_keeper(true);
            const std::lock_guard guard(mutex_);
            ++status_.restarts;
            log::warning("the database (pid {}) has died; starting it again", pid);
        } else if (!stop.stop_requested()) {
            set(State::kFailed, fmt::format("PostgreSQL does not start: {}", last_words()), 0);
        }
        // One that dies again and again is left alone for longer and longer.
        if (std::chrono::steady_clock::now() - began > std::chrono::seconds(30))
            pause = kFirstPause;
        if (!nap(stop, pause)) return;
        pause = std::min(pause * 2, kLongestPause);
    }
}

}  // namespace segue::store
