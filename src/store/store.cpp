#include "store/store.hpp"

#include <fmt/format.h>

#include <utility>

#include "base/log.hpp"
#include "base/text.hpp"

namespace segue::store {
namespace {

constexpr std::chrono::milliseconds kFirstRetry{500};
constexpr std::chrono::milliseconds kLongestRetry{15'000};
constexpr std::chrono::milliseconds kLook{100};

std::string schema_path(const std::string& schema) {
    return fmt::format("\"{}\",public", schema);
}

}  // namespace

std::string describe_url(const std::string& url) {
    std::string_view rest = url;
    if (const auto scheme = rest.find("://"); scheme != std::string_view::npos) {
        rest.remove_prefix(scheme + 3);
        rest = rest.substr(0, rest.find('?'));
        if (const auto at = rest.rfind('@'); at != std::string_view::npos)
            rest.remove_prefix(at + 1);
        return std::string(rest);
    }
    std::vector<std::string> kept;
    for (const auto word : split(rest, ' '))
        for (const std::string_view key : {"host=", "port=", "dbname="})
            if (word.starts_with(key)) kept.emplace_back(word);
    return join(kept, " ");
}

Store::Store(StoreOptions options) : options_(std::move(options)) {
    PoolOptions pool;
    pool.endpoint = [this]() -> Result<std::string> {
        {
            const std::lock_guard lock(mutex_);
            if (!schema_ready_) return tl::make_unexpected(problem_);
        }
        return endpoint();
    };
    pool.search_path = schema_path(options_.schema);
    pool.connections = options_.connections;
    pool.faults = options_.faults;
    pool_ = std::make_unique<Pool>(std::move(pool));
}

Result<std::unique_ptr<Store>> Store::open(StoreOptions options) {
    std::unique_ptr<Store> store(new Store(std::move(options)));
    if (store->options_.url.empty()) {
        SEGUE_TRY(cluster, Cluster::open(store->options_.cluster, store->options_.access));
        store->cluster_ = std::move(cluster);
        store->cluster_->start();
    }
    store->start();
    return store;
}

void Store::start() {
    thread_ = std::jthread([this](const std::stop_token& stop) { run(stop); });
}

Store::~Store() {
    stop();
}

void Store::stop() {
    thread_.request_stop();
    thread_ = {};
    if (cluster_) cluster_->stop();
}

void Store::leave() {
    thread_.request_stop();
    thread_ = {};
    if (cluster_) cluster_->leave();
}

Result<std::string> Store::endpoint() const {
    return cluster_ ? cluster_->endpoint() : options_.url;
}

Result<void> Store::bring_up() {
    ConnectOptions options;
    SEGUE_TRY(conninfo, endpoint());
    options.conninfo = std::move(conninfo);
    options.search_path = schema_path(options_.schema);
    options.faults = options_.faults;
    SEGUE_TRY(connection, Connection::open(options));
    SEGUE_TRY(applied, Migrator(*connection, options_.schema).run());
    if (!applied.empty())
        log::info("the database's schema is at {:04} ({} migrations applied)", applied.back(),
                  applied.size());
    const int version = connection->server_version();
    const std::lock_guard lock(mutex_);
    server_ = fmt::format("PostgreSQL {}.{}", version / 10000, version % 10000);
    return {};
}

void Store::run(const std::stop_token& stop) {
    auto retry = kFirstRetry;
    bool told = false;
    const auto nap = [&](std::chrono::milliseconds time) {
        std::unique_lock lock(mutex_);
        changed_.wait_for(lock, stop, time, [&] { return stop.stop_requested(); });
    };
    while (!stop.stop_requested()) {
        // A cluster that is starting is no failure; one that failed tells why by itself.
        if (cluster_ && cluster_->status().state == Cluster::State::kStarting) {
            nap(kLook);
            continue;
        }
        auto up = bring_up();
        if (up) break;
        {
            const std::lock_guard lock(mutex_);
            problem_ = std::move(up).error();
            if (!std::exchange(told, true))
                log::warning("nothing is stored for now: {}", problem_.detail);
        }
        changed_.notify_all();
        nap(retry);
        retry = std::min(retry * 2, kLongestRetry);
    }
    std::vector<std::function<void()>> then;
    {
        const std::lock_guard lock(mutex_);
        if (stop.stop_requested()) return;
        schema_ready_ = true;
        then = std::exchange(then_, {});
        log::info("the store is ready ({}{})", server_,
                  cluster_ ? ", private" : " at " + describe_url(options_.url));
    }
    changed_.notify_all();
    for (const auto& callback : then)
        callback();
}

bool Store::ready() const {
    {
        const std::lock_guard lock(mutex_);
        if (!schema_ready_) return false;
    }
    return !cluster_ || cluster_->status().state == Cluster::State::kReady;
}

Result<void> Store::wait_ready(std::chrono::milliseconds patience) const {
    std::unique_lock lock(mutex_);
    const auto final = [&] { return schema_ready_ || (problem_.fault != Fault::kUnreachable); };
    changed_.wait_for(lock, patience, final);
    if (schema_ready_) return {};
    return tl::make_unexpected(problem_);
}

void Store::when_ready(std::function<void()> then) {
    {
        const std::lock_guard lock(mutex_);
        if (!schema_ready_) {
            then_.push_back(std::move(then));
            return;
        }
    }
    then();
}

Store::Status Store::status() const {
    Status status;
    status.ready = ready();
    status.is_private = cluster_ != nullptr;
    if (cluster_) status.cluster = cluster_->status();
    const std::lock_guard lock(mutex_);
    status.server = server_;
    if (!schema_ready_) status.problem = problem_.detail;
    if (!status.ready && status.cluster && !status.cluster->problem.empty())
        status.problem = status.cluster->problem;
    else if (schema_ready_ && !status.ready)
        status.problem = "the database is starting again";
    return status;
}

}  // namespace segue::store
