#include "net/loop.hpp"

#include <sys/epoll.h>
#include <sys/eventfd.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <atomic>
#include <cerrno>
#include <cstring>
#include <mutex>
#include <utility>
#include <vector>

#include "base/check.hpp"
#include "net/timer_heap.hpp"

namespace segue::net {
namespace {

constexpr int kMaxEvents = 256;

// Level-triggered. An interest of nothing still hears of errors, but only once (EPOLLONESHOT): a
// paused watcher that does not read would otherwise be called without end for a connection that was
// reset.
std::uint32_t epoll_mask(Ready interest) {
    switch (interest) {
        case Ready::kNone: return EPOLLONESHOT;
        case Ready::kRead: return EPOLLIN;
        case Ready::kWrite: return EPOLLOUT;
        case Ready::kReadWrite: return EPOLLIN | EPOLLOUT;
    }
    return 0;
}

int wait_milliseconds(Duration left) {
    if (left <= Duration::zero()) return 0;
    const auto rounded = std::chrono::ceil<std::chrono::milliseconds>(left).count();
    return static_cast<int>(std::min<std::int64_t>(rounded, 60'000));
}

}  // namespace

struct Loop::Impl {
    struct Watched {
        Watcher* watcher = nullptr;
        // Counts up whenever the descriptor is unwatched: events fetched earlier in the round carry
        // the old number.
        std::uint32_t generation = 1;
        Ready interest = Ready::kNone;
    };

    int epoll_fd = -1;
    int wake_fd = -1;
    std::vector<Watched> watched;  // by descriptor
    TimerHeap timers;
    std::vector<Task> deferred;
    std::vector<Task> batch;  // empty outside run_batch(); keeps its room from round to round

    std::mutex posted_mutex;
    std::vector<Task> posted;
    bool woken = false;  // in this round: only then something was posted
    std::atomic<bool> stopping{false};

    void wake() const {
        const std::uint64_t one = 1;
        // Fails only when the counter is full, and then the loop is awake anyway.
        [[maybe_unused]] const auto written = ::write(wake_fd, &one, sizeof one);
    }

    std::uint64_t tag(int fd) const {
        const auto index = static_cast<std::uint32_t>(fd);
        return (static_cast<std::uint64_t>(watched[index].generation) << 32U) | index;
    }

    Watched& at(int fd) {
        SEGUE_CHECK(fd >= 0 && static_cast<std::size_t>(fd) < watched.size());
        return watched[static_cast<std::size_t>(fd)];
    }

    void dispatch(const epoll_event& event) {
        const auto fd = static_cast<int>(event.data.u64 & 0xffff'ffffU);
        if (fd == wake_fd) {
            std::uint64_t count = 0;
            [[maybe_unused]] const auto got = ::read(wake_fd, &count, sizeof count);
            woken = true;
            return;
        }
        const Watched& entry = watched[static_cast<std::size_t>(fd)];
        if (entry.watcher == nullptr || tag(fd) != event.data.u64) return;
        const bool failed = (event.events & (EPOLLERR | EPOLLHUP)) != 0;
        const bool readable = failed || (event.events & EPOLLIN) != 0;
        const bool writable = failed || (event.events & EPOLLOUT) != 0;
        entry.watcher->on_ready(readable, writable);
    }

    void run_posted() {
        if (!std::exchange(woken, false)) return;
        {
            const std::lock_guard lock(posted_mutex);
            batch.swap(posted);
        }
        run_batch();
    }

    // One batch a round: a task that defers itself again lets sockets have their turn in between.
    void run_deferred() {
        batch.swap(deferred);
        run_batch();
    }

    // Each task goes as soon as it was called: what it holds may be the last of something.
    void run_batch() {
        for (Task& task : batch)
            Task(std::move(task))();
        batch.clear();
    }
};

Loop::Loop() : impl_(std::make_unique<Impl>()), now_(std::chrono::steady_clock::now()) {
}

Result<std::unique_ptr<Loop>> Loop::open() {
    std::unique_ptr<Loop> loop(new Loop());
    Impl& impl = *loop->impl_;
    impl.epoll_fd = ::epoll_create1(EPOLL_CLOEXEC);
    impl.wake_fd = ::eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
    if (impl.epoll_fd < 0 || impl.wake_fd < 0) {
        return fail(Fault::kIo, std::string("cannot make an event loop (") + std::strerror(errno) +
                                    "); raise the limit of open files (ulimit -n)");
    }
    epoll_event event{};
    event.events = EPOLLIN;
    event.data.u64 = static_cast<std::uint64_t>(impl.wake_fd);
    SEGUE_CHECK(::epoll_ctl(impl.epoll_fd, EPOLL_CTL_ADD, impl.wake_fd, &event) == 0);
    return loop;
}

Loop::~Loop() {
    // Tasks that never ran are destroyed while the loop still works: what they own may cancel
    // timers or unwatch.
    for (int round = 0; round < 8; ++round) {
        std::vector<Task> dropped = std::exchange(impl_->deferred, {});
        {
            const std::lock_guard lock(impl_->posted_mutex);
            for (auto& task : impl_->posted)
                dropped.push_back(std::move(task));
            impl_->posted.clear();
        }
        if (dropped.empty()) break;
    }
    if (impl_->epoll_fd >= 0) ::close(impl_->epoll_fd);
    if (impl_->wake_fd >= 0) ::close(impl_->wake_fd);
}

void Loop::run() {
    Impl& impl = *impl_;
    std::array<epoll_event, kMaxEvents> events;
    do {
        int timeout = -1;
        if (!impl.deferred.empty()) {
            timeout = 0;
        } else if (const auto next = impl.timers.next_deadline()) {
            timeout = wait_milliseconds(*next - fresh_now());
        }
        const int count = ::epoll_wait(impl.epoll_fd, events.data(), kMaxEvents, timeout);
        SEGUE_CHECK(count >= 0 || errno == EINTR);
        now_ = std::chrono::steady_clock::now();
        for (int i = 0; i < count; ++i)
            impl.dispatch(events[static_cast<std::size_t>(i)]);
        impl.run_posted();
        const TimePoint due = now_;
        const std::uint64_t mark = impl.timers.mark();
        while (auto action = impl.timers.pop_due(due, mark))
            action();
        impl.run_deferred();
    } while (!impl.stopping.exchange(false));
}

void Loop::stop() {
    impl_->stopping.store(true);
    impl_->wake();
}

void Loop::post(Task task) {
    bool first = false;
    {
        const std::lock_guard lock(impl_->posted_mutex);
        first = impl_->posted.empty();
        impl_->posted.push_back(std::move(task));
    }
    if (first) impl_->wake();
}

void Loop::watch(int fd, Ready interest, Watcher& watcher) {
    SEGUE_CHECK(fd >= 0);
    const auto index = static_cast<std::size_t>(fd);
    if (index >= impl_->watched.size()) impl_->watched.resize(std::max(index + 1, std::size_t{64}));
    Impl::Watched& entry = impl_->watched[index];
    SEGUE_CHECK(entry.watcher == nullptr);
    entry.watcher = &watcher;
    entry.interest = interest;
    epoll_event event{};
    event.events = epoll_mask(interest);
    event.data.u64 = impl_->tag(fd);
    SEGUE_CHECK(::epoll_ctl(impl_->epoll_fd, EPOLL_CTL_ADD, fd, &event) == 0);
}

void Loop::change(int fd, Ready interest) {
    Impl::Watched& entry = impl_->at(fd);
    SEGUE_CHECK(entry.watcher != nullptr);
    if (entry.interest == interest) return;
    entry.interest = interest;
    epoll_event event{};
    event.events = epoll_mask(interest);
    event.data.u64 = impl_->tag(fd);
    SEGUE_CHECK(::epoll_ctl(impl_->epoll_fd, EPOLL_CTL_MOD, fd, &event) == 0);
}

void Loop::unwatch(int fd) {
    Impl::Watched& entry = impl_->at(fd);
    if (entry.watcher == nullptr) return;
    entry.watcher = nullptr;
    ++entry.generation;
    // Already gone when the descriptor was closed first.
    ::epoll_ctl(impl_->epoll_fd, EPOLL_CTL_DEL, fd, nullptr);
}

TimerId Loop::after(Duration delay, Task action) {
    return impl_->timers.add(fresh_now() + delay, std::move(action));
}

void Loop::cancel(TimerId& timer) {
    // Cleared first: destroying the action may destroy what holds the handle.
    impl_->timers.cancel(std::exchange(timer, TimerId{}));
}

void Loop::defer(Task action) {
    impl_->deferred.push_back(std::move(action));
}

TimePoint Loop::fresh_now() {
    now_ = std::chrono::steady_clock::now();
    return now_;
}

}  // namespace segue::net
