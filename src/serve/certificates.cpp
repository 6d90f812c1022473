#include "serve/certificates.hpp"

#include <fmt/format.h>
#include <sys/stat.h>

#include <condition_variable>
#include <utility>

#include "base/log.hpp"

namespace segue::serve {
namespace {

constexpr std::int64_t kDay = 24 * 60 * 60;
constexpr std::int64_t kSoon = 14 * kDay;

void warn_of(const net::ServerTls& files, const net::TlsContext& context) {
    struct stat key {};
    if (::stat(files.key.c_str(), &key) == 0 && (key.st_mode & S_IROTH) != 0)
        log::warning("everybody on this machine can read the key {}; chmod 600 {}", files.key,
                     files.key);
    const std::int64_t left = context.expires() - unix_seconds(SystemClock().wall());
    if (left < kSoon)
        log::warning("the certificate {} expires in {} days; renew it", files.certificate,
                     left / kDay);
}

}  // namespace

Certificates::Certificates(net::ServerTls files, Context context)
    : files_(std::move(files)), context_(std::move(context)) {
    seen_ = look();
}

Result<std::unique_ptr<Certificates>> Certificates::open(const net::ServerTls& files) {
    SEGUE_TRY(context, net::TlsContext::serve(files));
    warn_of(files, *context);
    return std::unique_ptr<Certificates>(new Certificates(files, std::move(context)));
}

Certificates::Context Certificates::context() const {
    const std::lock_guard lock(mutex_);
    return context_;
}

// A renewed file may have the same size and, copied with its times, the same date: the inode and
// the time of the change tell too.
std::string Certificates::look() const {
    std::string out;
    for (const auto* file : {&files_.certificate, &files_.key, &files_.client_ca}) {
        struct stat at {};
        if (file->empty() || ::stat(file->c_str(), &at) != 0) {
            out += "-;";
            continue;
        }
        out += fmt::format("{}:{}:{}:{}.{}:{}.{};", at.st_dev, at.st_ino, at.st_size,
                           at.st_mtim.tv_sec, at.st_mtim.tv_nsec, at.st_ctim.tv_sec,
                           at.st_ctim.tv_nsec);
    }
    return out;
}

bool Certificates::read_again() {
    seen_ = look();
    auto fresh = net::TlsContext::serve(files_);
    if (!fresh) {
        log::error("the certificate stays as it was: {}", fresh.error().detail);
        return false;
    }
    warn_of(files_, **fresh);
    context_ = std::move(*fresh);
    if (install_) install_(context_);
    log::info("new connections get the certificate {} as it is now", files_.certificate);
    return true;
}

bool Certificates::reload(const net::ServerTls& files) {
    const std::lock_guard lock(mutex_);
    const net::ServerTls before = std::exchange(files_, files);
    if (read_again()) return true;
    files_ = before;
    seen_ = look();
    return false;
}

void Certificates::watch(Duration interval, Install install) {
    {
        const std::lock_guard lock(mutex_);
        install_ = std::move(install);
    }
    thread_ = std::jthread([this, interval](const std::stop_token& stop) {
        std::condition_variable_any wake;
        std::mutex waiting;
        std::unique_lock sleep(waiting);
        // True when it is time to end.
        while (!wake.wait_for(sleep, stop, interval, [&] { return stop.stop_requested(); })) {
            const std::lock_guard lock(mutex_);
            const std::string now = look();
            // Certificate and key are written one after the other: only what has been the same
            // for one interval is read.
            if (now != seen_ && now == std::exchange(changed_, now)) read_again();
        }
    });
}

}  // namespace segue::serve
