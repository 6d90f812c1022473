#include "store/process.hpp"

#include <fcntl.h>
#include <fmt/format.h>
#include <grp.h>
#include <poll.h>
#include <sys/prctl.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <csignal>
#include <cstring>

#include "store/lock.hpp"

namespace segue::store {
namespace {

using SteadyClock = std::chrono::steady_clock;
constexpr std::size_t kMaxOutput = 64 * 1024;
constexpr int kCannotStart = 127;
// How long the lock may be nobody's: a successor takes it within this time.
constexpr int kOwnerlessSeconds = 3;
constexpr int kFastStopSeconds = 20;

/// Everything that the child needs, made before fork(): behind it only what is safe in a signal
/// handler may be called, since other threads may hold any lock.
struct Prepared {
    std::vector<char*> arguments;
    std::array<char*, 4> environment{};
    std::optional<User> user;
    int folder = -1;
};

Prepared prepare(const Command& command) {
    static char path[] = "PATH=/usr/local/bin:/usr/bin:/bin";
    static char language[] = "LC_MESSAGES=C";
    static char zone[] = "TZ=UTC";
    Prepared prepared;
    for (const auto& argument : command.arguments)
        prepared.arguments.push_back(const_cast<char*>(argument.c_str()));
    prepared.arguments.push_back(nullptr);
    prepared.environment = {path, language, zone, nullptr};
    prepared.user = command.user;
    prepared.folder = command.folder;
    return prepared;
}

void close_from(int first) {
    if (::syscall(SYS_close_range, first, ~0U, 0) == 0) return;
    for (int fd = first; fd < 65536; ++fd)
        ::close(fd);
}

void forget_signals() {
    for (int signal = 1; signal < 32; ++signal)
        ::signal(signal, SIG_DFL);
    sigset_t none;
    sigemptyset(&none);
    sigprocmask(SIG_SETMASK, &none, nullptr);
}

/// The last steps of a child; standard streams are in place. `folder` is entered while we still
/// may. With a keeper the child stops when that one dies.
[[noreturn]] void become(const Prepared& prepared, int folder, pid_t keeper) {
    forget_signals();
    if (folder >= 0 ? ::fchdir(folder) != 0 : ::chdir("/") != 0) ::_exit(kCannotStart);
    close_from(3);
    if (prepared.user) {
        const User& user = *prepared.user;
        if (::setgroups(0, nullptr) != 0 || ::setgid(user.gid) != 0 || ::setuid(user.uid) != 0)
            ::_exit(kCannotStart);
    }
    // After setuid, which forgets it.
    if (keeper != 0) ::prctl(PR_SET_PDEATHSIG, SIGINT);
    if (keeper != 0 && ::getppid() != keeper) ::_exit(kCannotStart);
    ::umask(077);
    ::execve(prepared.arguments[0], prepared.arguments.data(), prepared.environment.data());
    ::_exit(kCannotStart);
}

/// Runs in the keeper, a child of a program with threads: no allocation, no locks.
[[noreturn]] void keep(const Prepared& server, const char* lock_path, int log) {
    ::setsid();
    ::prctl(PR_SET_NAME, "segue-keeper");
    ::dup2(log, STDOUT_FILENO);
    ::dup2(log, STDERR_FILENO);
    const int nothing = ::open("/dev/null", O_RDWR);
    if (nothing >= 0) ::dup2(nothing, STDIN_FILENO);
    // The server's folder stays open for the server alone; Segue's sockets and lock do not.
    const int folder = server.folder >= 0 ? ::fcntl(server.folder, F_DUPFD, 3) : -1;
    for (int fd = 3; fd < 256; ++fd)
        if (fd != folder) ::close(fd);
    if (folder < 256) close_from(256);

    forget_signals();
    const pid_t keeper = ::getpid();
    const pid_t child = ::fork();
    if (child < 0) ::_exit(kCannotStart);
    if (child == 0) become(server, folder, keeper);
    if (folder >= 0) ::close(folder);
    const int lock = ::open(lock_path, O_RDWR | O_CLOEXEC);
    sigset_t ended;
    sigemptyset(&ended);
    sigaddset(&ended, SIGCHLD);
    sigprocmask(SIG_BLOCK, &ended, nullptr);
    int ownerless = 0;
    while (true) {
        int status = 0;
        if (::waitpid(child, &status, WNOHANG) == child)
            ::_exit(WIFEXITED(status) ? WEXITSTATUS(status) : 128 + WTERMSIG(status));
        const timespec second{1, 0};
        ::sigtimedwait(&ended, nullptr, &second);
        ownerless = lock >= 0 && is_locked(lock) ? 0 : ownerless + 1;
        if (ownerless == kOwnerlessSeconds) ::kill(child, SIGINT);
        if (ownerless == kOwnerlessSeconds + kFastStopSeconds) ::kill(child, SIGQUIT);
    }
}

tl::unexpected<Error> cannot_start(const Command& command, int error) {
    return fail(Fault::kIo,
                fmt::format("cannot start {} ({})", command.arguments[0], std::strerror(error)),
                "store");
}

class Pipe {
public:
    Pipe() {
        if (::pipe2(ends_.data(), O_CLOEXEC) != 0) ends_ = {-1, -1};
    }
    ~Pipe() {
        close(0);
        close(1);
    }
    Pipe(const Pipe&) = delete;
    Pipe& operator=(const Pipe&) = delete;
    int operator[](std::size_t end) const { return ends_[end]; }
    void close(std::size_t end) {
        if (ends_[end] >= 0) ::close(ends_[end]);
        ends_[end] = -1;
    }

private:
    std::array<int, 2> ends_{-1, -1};
};

}  // namespace

Result<Finished> run(const Command& command) {
    const Prepared prepared = prepare(command);
    Pipe input;
    Pipe output;
    if (input[0] < 0 || output[0] < 0) return cannot_start(command, errno);
    // Programs open /dev/stdin by its name again: the pipe must be theirs.
    if (command.user) (void)!::fchown(input[0], command.user->uid, command.user->gid);
    const pid_t child = ::fork();
    if (child < 0) return cannot_start(command, errno);
    if (child == 0) {
        ::dup2(input[0], STDIN_FILENO);
        ::dup2(output[1], STDOUT_FILENO);
        ::dup2(output[1], STDERR_FILENO);
        become(prepared, prepared.folder, 0);
    }
    output.close(1);
    // Small: it fits the pipe. Our reading end stays open meanwhile, or a child that died early
    // would cost us a SIGPIPE.
    (void)!::write(input[1], command.input.data(), command.input.size());
    input.close(0);
    input.close(1);
    Finished finished;
    const auto deadline = SteadyClock::now() + command.patience;
    std::array<char, 4096> piece{};
    while (true) {
        const auto left =
            std::chrono::ceil<std::chrono::milliseconds>(deadline - SteadyClock::now()).count();
        pollfd entry{output[0], POLLIN, 0};
        const int ready = left <= 0 ? 0 : ::poll(&entry, 1, static_cast<int>(left));
        if (ready < 0 && errno == EINTR) continue;
        if (ready <= 0) {
            ::kill(child, SIGKILL);
            ::waitpid(child, nullptr, 0);
            return fail(Fault::kTimeout,
                        fmt::format("{} did not end within {} s", command.arguments[0],
                                    command.patience.count() / 1000),
                        "store");
        }
        const ssize_t count = ::read(output[0], piece.data(), piece.size());
        if (count < 0 && errno == EINTR) continue;
        if (count <= 0) break;
        const std::size_t room = kMaxOutput - finished.output.size();
        finished.output.append(piece.data(), std::min(room, static_cast<std::size_t>(count)));
    }
    int status = 0;
    while (::waitpid(child, &status, 0) < 0 && errno == EINTR) {
    }
    finished.status = WIFEXITED(status) ? WEXITSTATUS(status) : 128 + WTERMSIG(status);
    return finished;
}

Result<pid_t> launch(const Launch& launch) {
    const Prepared prepared = prepare(launch.command);
    const pid_t keeper = ::fork();
    if (keeper < 0) return cannot_start(launch.command, errno);
    if (keeper == 0) keep(prepared, launch.lock.c_str(), launch.log);
    return keeper;
}

bool wait_for_end(pid_t pid, std::chrono::milliseconds patience, int wake) {
    const auto deadline = SteadyClock::now() + patience;
    const int handle = static_cast<int>(::syscall(SYS_pidfd_open, pid, 0));
    if (handle < 0 && errno == ESRCH) return true;
    bool ended = false;
    while (true) {
        auto left =
            std::chrono::ceil<std::chrono::milliseconds>(deadline - SteadyClock::now()).count();
        if (left <= 0) break;
        // A kernel without pidfd_open is asked again and again.
        if (handle < 0) left = std::min<std::int64_t>(left, 200);
        std::array<pollfd, 2> entries{pollfd{handle, POLLIN, 0}, pollfd{wake, POLLIN, 0}};
        const int ready = ::poll(entries.data(), entries.size(),
                                 static_cast<int>(std::min<std::int64_t>(left, 3'600'000)));
        if (ready < 0 && errno != EINTR) break;
        ended = handle >= 0 ? ready > 0 && entries[0].revents != 0 : ::kill(pid, 0) != 0;
        if (ended || (ready > 0 && entries[1].revents != 0)) break;
    }
    if (handle >= 0) ::close(handle);
    return ended;
}

}  // namespace segue::store
