#include "rag/ingest/sandbox.hpp"

#include <fcntl.h>
#include <fmt/format.h>
#include <seccomp.h>
#include <sys/prctl.h>
#include <sys/resource.h>

#include <array>
#include <cerrno>
#include <csignal>
#include <cstring>
#include <memory>

namespace segue::rag {
namespace {

// A sanitizer maps terabytes of address space that it never touches: no limit of memory then.
#if defined(__SANITIZE_ADDRESS__) || defined(__SANITIZE_THREAD__)
constexpr bool kSanitized = true;
#else
constexpr bool kSanitized = false;
#endif

struct Release {
    void operator()(void* context) const { seccomp_release(context); }
};
using Filter = std::unique_ptr<void, Release>;

bool limit(__rlimit_resource what, rlim_t value) {
    const rlimit both{value, value};
    return setrlimit(what, &both) == 0;
}

// What a parser that has its input needs. Everything else ends the process.
constexpr std::array kParserCalls{SCMP_SYS(read),
                                  SCMP_SYS(write),
                                  SCMP_SYS(readv),
                                  SCMP_SYS(writev),
                                  SCMP_SYS(mmap),
                                  SCMP_SYS(munmap),
                                  SCMP_SYS(mremap),
                                  SCMP_SYS(brk),
                                  SCMP_SYS(madvise),
                                  SCMP_SYS(futex),
                                  SCMP_SYS(exit),
                                  SCMP_SYS(exit_group),
                                  SCMP_SYS(rt_sigreturn),
                                  SCMP_SYS(rt_sigprocmask),
                                  SCMP_SYS(rt_sigaction),
                                  SCMP_SYS(sigaltstack),
                                  SCMP_SYS(clock_gettime),
                                  SCMP_SYS(gettimeofday),
                                  SCMP_SYS(getrandom),
                                  SCMP_SYS(close),
                                  SCMP_SYS(fstat),
                                  SCMP_SYS(newfstatat),
                                  SCMP_SYS(lseek),
                                  SCMP_SYS(getpid),
                                  SCMP_SYS(gettid),
                                  SCMP_SYS(tgkill),
                                  SCMP_SYS(restart_syscall),
                                  SCMP_SYS(poll),
                                  SCMP_SYS(sched_yield),
                                  SCMP_SYS(getcpu),  // mimalloc, where there are several nodes
                                  SCMP_SYS(mprotect)};

// What even a program that may open files for reading must not do.
constexpr std::array kForbiddenToPrograms{SCMP_SYS(socket),
                                          SCMP_SYS(socketpair),
                                          SCMP_SYS(connect),
                                          SCMP_SYS(bind),
                                          SCMP_SYS(listen),
                                          SCMP_SYS(accept),
                                          SCMP_SYS(accept4),
                                          SCMP_SYS(sendto),
                                          SCMP_SYS(sendmsg),
                                          SCMP_SYS(ptrace),
                                          SCMP_SYS(fork),
                                          SCMP_SYS(vfork),
                                          SCMP_SYS(clone3),
                                          SCMP_SYS(kill),
                                          SCMP_SYS(tkill),
                                          SCMP_SYS(mount),
                                          SCMP_SYS(umount2),
                                          SCMP_SYS(unshare),
                                          SCMP_SYS(setns),
                                          SCMP_SYS(bpf),
                                          SCMP_SYS(keyctl),
                                          SCMP_SYS(add_key),
                                          SCMP_SYS(unlink),
                                          SCMP_SYS(unlinkat),
                                          SCMP_SYS(rename),
                                          SCMP_SYS(renameat),
                                          SCMP_SYS(renameat2),
                                          SCMP_SYS(mkdir),
                                          SCMP_SYS(mkdirat),
                                          SCMP_SYS(rmdir),
                                          SCMP_SYS(chmod),
                                          SCMP_SYS(fchmod),
                                          SCMP_SYS(fchmodat),
                                          SCMP_SYS(chown),
                                          SCMP_SYS(fchown),
                                          SCMP_SYS(lchown),
                                          SCMP_SYS(link),
                                          SCMP_SYS(linkat),
                                          SCMP_SYS(symlink),
                                          SCMP_SYS(symlinkat),
                                          SCMP_SYS(creat),
                                          SCMP_SYS(truncate),
                                          SCMP_SYS(mknod),
                                          SCMP_SYS(mknodat),
                                          SCMP_SYS(process_vm_readv),
                                          SCMP_SYS(process_vm_writev),
                                          SCMP_SYS(userfaultfd),
                                          SCMP_SYS(perf_event_open),
                                          SCMP_SYS(io_uring_setup),
                                          SCMP_SYS(openat2)};

Result<void> filter_calls(Sandbox kind) {
    const auto refuse = [](int code) {
        return fail(Fault::kIo,
                    fmt::format("the parser cannot be locked in: {}",
                                std::strerror(-code)));  // NOLINT(concurrency-mt-unsafe)
    };
    const Filter filter(
        seccomp_init(kind == Sandbox::kParser ? SCMP_ACT_KILL_PROCESS : SCMP_ACT_ALLOW));
    if (!filter) return refuse(-ENOMEM);
    int code = 0;
    if (kind == Sandbox::kParser) {
        for (const int call : kParserCalls)
            if (code == 0) code = seccomp_rule_add(filter.get(), SCMP_ACT_ALLOW, call, 0);
        // Standard streams, locales and what memory there is are looked for at times: they find
        // nothing.
        for (const int call :
             {SCMP_SYS(openat), SCMP_SYS(open), SCMP_SYS(access), SCMP_SYS(readlink),
              SCMP_SYS(ioctl), SCMP_SYS(prlimit64), SCMP_SYS(sysinfo), SCMP_SYS(prctl)})
            if (code == 0) code = seccomp_rule_add(filter.get(), SCMP_ACT_ERRNO(EACCES), call, 0);
    } else {
        for (const int call : kForbiddenToPrograms)
            if (code == 0) code = seccomp_rule_add(filter.get(), SCMP_ACT_ERRNO(EPERM), call, 0);
        // Opening for writing, or making a file.
        for (const int flag : {O_WRONLY, O_RDWR, O_CREAT})
            if (code == 0) {
                const auto bit = static_cast<unsigned>(flag);
                code = seccomp_rule_add(filter.get(), SCMP_ACT_ERRNO(EACCES), SCMP_SYS(openat), 1,
                                        SCMP_A2(SCMP_CMP_MASKED_EQ, bit, bit));
            }
    }
    if (code == 0) code = seccomp_load(filter.get());
    // A kernel without filters (EINVAL) still has the limits.
    if (code != 0 && code != -EINVAL && code != -ENOSYS) return refuse(code);
    return {};
}

}  // namespace

Result<void> enter_sandbox(Sandbox kind, std::size_t memory_bytes, std::chrono::seconds time) {
    prctl(PR_SET_PDEATHSIG, SIGKILL);
    const bool limited = (kSanitized || limit(RLIMIT_AS, memory_bytes)) && limit(RLIMIT_CORE, 0) &&
                         limit(RLIMIT_FSIZE, 0) &&
                         limit(RLIMIT_CPU, static_cast<rlim_t>(time.count())) &&
                         limit(RLIMIT_NOFILE, kind == Sandbox::kParser ? 8 : 64);
    if (!limited || prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) != 0)
        return fail(Fault::kIo, "the parser's limits cannot be set");
    return filter_calls(kind);
}

}  // namespace segue::rag
