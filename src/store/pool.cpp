#include "store/pool.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <thread>

#include "base/check.hpp"

namespace segue::store {
namespace {

constexpr std::chrono::milliseconds kBetweenAttempts{50};
constexpr std::chrono::milliseconds kBackoff{10};

}  // namespace

Lease::Lease(Lease&& other) noexcept
    : pool_(other.pool_), connection_(std::move(other.connection_)) {
}

Lease::~Lease() {
    if (connection_) pool_->give_back(std::move(connection_));
}

Pool::Pool(PoolOptions options) : options_(std::move(options)) {
}

Pool::~Pool() {
    const std::lock_guard lock(mutex_);
    SEGUE_CHECK(open_ == idle_.size());  // a lease would outlive its pool
}

std::size_t Pool::open() const {
    const std::lock_guard lock(mutex_);
    return open_;
}

Result<std::unique_ptr<Connection>> Pool::connect(SteadyTime deadline) {
    while (true) {
        Error problem;
        auto endpoint = options_.endpoint();
        const auto left = std::chrono::duration_cast<std::chrono::milliseconds>(
            deadline - std::chrono::steady_clock::now());
        if (endpoint) {
            ConnectOptions options;
            options.conninfo = std::move(*endpoint);
            options.search_path = options_.search_path;
            options.statement_timeout = options_.statement_timeout;
            options.connect_timeout = std::max(left, std::chrono::milliseconds(100));
            options.faults = options_.faults;
            auto opened = Connection::open(options);
            if (opened) return opened;
            problem = std::move(opened).error();
        } else {
            problem = std::move(endpoint).error();
        }
        if (problem.fault != Fault::kUnreachable ||
            std::chrono::steady_clock::now() + kBetweenAttempts >= deadline)
            return tl::make_unexpected(std::move(problem));
        std::this_thread::sleep_for(kBetweenAttempts);
    }
}

Result<Lease> Pool::acquire(std::chrono::milliseconds patience) {
    const auto deadline = std::chrono::steady_clock::now() + patience;
    std::unique_lock lock(mutex_);
    while (true) {
        while (!idle_.empty()) {
            auto connection = std::move(idle_.back().connection);
            idle_.pop_back();
            lock.unlock();
            const bool good = connection->still_there();
            if (good) return Lease(*this, std::move(connection));
            connection.reset();  // the server has gone meanwhile
            lock.lock();
            --open_;
        }
        if (open_ < options_.connections) break;
        if (freed_.wait_until(lock, deadline) == std::cv_status::timeout && idle_.empty() &&
            open_ >= options_.connections)
            return fail(Fault::kTimeout,
                        fmt::format("all {} connections to the database are in use for {} ms; try "
                                    "again, or raise 'database_connections'",
                                    options_.connections, patience.count()),
                        "store");
    }
    ++open_;
    lock.unlock();
    auto made = connect(deadline);
    if (made) return Lease(*this, std::move(*made));
    lock.lock();
    --open_;
    lock.unlock();
    freed_.notify_one();
    return tl::make_unexpected(std::move(made).error());
}

void Pool::give_back(std::unique_ptr<Connection> connection) {
    const bool good = connection->tidy_up();
    if (!good) connection.reset();
    std::vector<std::unique_ptr<Connection>> closing;
    {
        const std::lock_guard lock(mutex_);
        if (good)
            idle_.push_back({std::move(connection), std::chrono::steady_clock::now()});
        else
            --open_;
        close_idle(closing);
    }
    freed_.notify_one();
}

void Pool::close_idle(std::vector<std::unique_ptr<Connection>>& closing) {
    const auto before = std::chrono::steady_clock::now() - options_.idle;
    while (!idle_.empty() && idle_.front().since < before) {
        closing.push_back(std::move(idle_.front().connection));
        idle_.erase(idle_.begin());
        --open_;
    }
}

bool Pool::can_repeat(std::string_view sqlstate) {
    return sqlstate == "40001" || sqlstate == "40P01";
}

void Pool::pause(int attempt) {
    std::this_thread::sleep_for(kBackoff * (1 << attempt));
}

Result<std::uint64_t> Pool::outcome_known(const Connection& connection,
                                          Result<std::uint64_t> outcome) {
    if (outcome || !connection.broken()) return outcome;
    return fail(outcome.error().fault,
                "the connection to the database was lost while something was being saved, and it "
                "is not known whether it was; look before you do it again",
                "store");
}

}  // namespace segue::store
