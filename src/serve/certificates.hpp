/// The certificate that the listener shows: read and checked at the start, and again on SIGHUP and
/// when one of its files changes.
///
/// Thread: any; a thread of its own looks at the files. New handshakes use what was read last;
/// connections that are open go on. A bad new certificate leaves the old one in force and says why.
#pragma once

#include <cstdint>
#include <functional>
#include <memory>
#include <mutex>
#include <optional>
#include <string>
#include <thread>

#include "base/clock.hpp"
#include "base/result.hpp"
#include "net/tls.hpp"

namespace segue::serve {

class Certificates {
public:
    using Context = std::shared_ptr<const net::TlsContext>;
    using Install = std::function<void(const Context&)>;

    /// Fails when the files are not good for service now.
    static Result<std::unique_ptr<Certificates>> open(const net::ServerTls& files);
    Certificates(const Certificates&) = delete;
    Certificates& operator=(const Certificates&) = delete;

    Context context() const;
    /// Looks at the files every `interval` and hands a new context to `install`, which must be
    /// callable until this object is gone.
    void watch(Duration interval, Install install);
    /// Reads the files now, `files` from here on; false when the old certificate stays.
    bool reload(const net::ServerTls& files);

private:
    explicit Certificates(net::ServerTls files, Context context);
    /// What tells that a file is another one than before.
    std::string look() const;
    bool read_again();

    mutable std::mutex mutex_;
    net::ServerTls files_;
    Context context_;
    Install install_;
    std::string seen_;     // as the files were when they were read
    std::string changed_;  // as they were at the last look
    std::jthread thread_;  // last: it uses all above
};

}  // namespace segue::serve
