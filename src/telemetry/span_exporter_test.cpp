#include "telemetry/span_exporter.hpp"

#include <gtest/gtest.h>

#include <condition_variable>
#include <deque>
#include <mutex>
#include <thread>

#include "net/server.hpp"

namespace segue::telemetry {
namespace {

using std::chrono::milliseconds;
using std::chrono::seconds;

/// A collector on a thread of its own: answers the statuses that it is given, 200 afterwards.
class Collector final : public net::Application {
public:
    Collector() : loop_(std::move(*net::Loop::open())) {
        listener_.emplace(std::move(*net::Listener::open("127.0.0.1:0")));
        server_.emplace(*loop_, *this, net::ServerLimits{});
        server_->accept_from(listener_->fd());
        thread_ = std::jthread([this] { loop_->run(); });
    }
    ~Collector() override {
        loop_->post([this] {
            server_->close_all();
            loop_->post([this] { loop_->stop(); });
        });
        thread_.join();
        server_.reset();
    }
    TracingConfig config() const {
        TracingConfig config;
        config.origin = *net::parse_origin("http://" + listener_->address(), 80);
        config.delay = milliseconds(20);
        config.headers = {{"api-key", "sesame"}};
        return config;
    }
    void answer_next(std::initializer_list<int> statuses) {
        const std::lock_guard lock(mutex_);
        statuses_.assign(statuses);
    }
    void hold(bool held) {
        const std::lock_guard lock(mutex_);
        held_ = held;
    }
    bool wait_for(std::size_t bodies) {
        std::unique_lock lock(mutex_);
        return changed_.wait_for(lock, seconds(20), [&] { return bodies_.size() >= bodies; });
    }
    std::vector<std::string> bodies() {
        const std::lock_guard lock(mutex_);
        return bodies_;
    }
    net::RequestHead last_head() {
        const std::lock_guard lock(mutex_);
        return head_;
    }

    std::unique_ptr<net::Handler> make_handler(net::Responder& responder) override {
        return std::make_unique<Handler>(*this, responder);
    }
    std::pair<std::string, std::string> render_error(const net::ProtocolError&) override {
        return {};
    }

private:
    struct Handler final : net::Handler {
        Handler(Collector& in, net::Responder& out) : owner(in), responder(out) {}
        void on_head(net::RequestHead head) override {
            const std::lock_guard lock(owner.mutex_);
            owner.head_ = std::move(head);
        }
        void on_body(std::string_view bytes) override { body += bytes; }
        void on_body_end() override {
            int status = 200;
            {
                const std::lock_guard lock(owner.mutex_);
                owner.bodies_.push_back(body);
                owner.changed_.notify_all();
                if (owner.held_) return;
                if (!owner.statuses_.empty()) {
                    status = owner.statuses_.front();
                    owner.statuses_.pop_front();
                }
            }
            responder.respond(status, {{"Retry-After", "0"}}, "{}");
        }
        void on_client_gone() override {}
        Collector& owner;
        net::Responder& responder;
        std::string body;
    };

    std::unique_ptr<net::Loop> loop_;
    std::optional<net::Listener> listener_;
    std::optional<net::Server> server_;
    std::mutex mutex_;
    std::condition_variable changed_;
    std::deque<int> statuses_;
    std::vector<std::string> bodies_;
    net::RequestHead head_;
    bool held_ = false;
    std::jthread thread_;
};

struct One final : SpanSource {
    explicit One(std::string called) : name(std::move(called)) {}
    void append_to(std::vector<Span>& spans) const override {
        Span span;
        span.trace_id = std::string(32, 'a');
        span.span_id = std::string(16, 'b');
        span.name = name;
        spans.push_back(span);
    }
    std::string name;
};

std::unique_ptr<SpanExporter> exporter(TracingConfig config) {
    return std::move(*SpanExporter::start(std::move(config)));
}

TEST(SpanExporter, SendsBatches) {
    Collector collector;
    const auto tracer = exporter(collector.config());
    tracer->push(std::make_unique<One>("first"));
    tracer->push(std::make_unique<One>("second"));
    ASSERT_TRUE(collector.wait_for(1));
    tracer->stop(seconds(5));
    std::string all;
    for (const auto& body : collector.bodies())
        all += body;
    EXPECT_NE(all.find("\"first\""), std::string::npos);
    EXPECT_NE(all.find("\"second\""), std::string::npos);
    const auto head = collector.last_head();
    EXPECT_EQ(head.method, "POST");
    EXPECT_EQ(head.path, "/v1/traces");
    EXPECT_EQ(head.headers.find("Content-Type"), "application/json");
    EXPECT_EQ(head.headers.find("api-key"), "sesame");
    EXPECT_EQ(tracer->counts().exported, 2U);
}

TEST(SpanExporter, AFullBatchDoesNotWait) {
    Collector collector;
    TracingConfig config = collector.config();
    config.delay = seconds(600);
    config.max_batch = 2;
    const auto tracer = exporter(config);
    for (int i = 0; i < 4; ++i)
        tracer->push(std::make_unique<One>("x"));
    EXPECT_TRUE(collector.wait_for(2));
    tracer->stop(seconds(5));
    EXPECT_EQ(tracer->counts().exported, 4U);
}

TEST(SpanExporter, StopSendsWhatIsThere) {
    Collector collector;
    TracingConfig config = collector.config();
    config.delay = seconds(600);
    const auto tracer = exporter(config);
    tracer->push(std::make_unique<One>("last"));
    tracer->stop(seconds(5));
    ASSERT_EQ(collector.bodies().size(), 1U);
    EXPECT_EQ(tracer->counts().exported, 1U);
    tracer->stop(seconds(5));  // again: nothing happens
}

TEST(SpanExporter, TheQueueHasABound) {
    Collector collector;
    collector.hold(true);
    TracingConfig config = collector.config();
    config.delay = seconds(600);
    config.max_queue = config.max_batch = 8;
    const auto tracer = exporter(config);
    for (int i = 0; i < 8; ++i)
        tracer->push(std::make_unique<One>("x"));
    ASSERT_TRUE(collector.wait_for(1));  // the first batch is under way, and stays there
    for (int i = 0; i < 20; ++i)
        tracer->push(std::make_unique<One>("x"));
    EXPECT_EQ(tracer->counts().queue_full, 12U);
    const auto begun = std::chrono::steady_clock::now();
    tracer->stop(milliseconds(100));
    EXPECT_LT(std::chrono::steady_clock::now() - begun, seconds(5));
    const auto counts = tracer->counts();
    EXPECT_EQ(counts.exported, 0U);
    EXPECT_EQ(counts.failed, 16U) << "the batch under way and the queue";
}

TEST(SpanExporter, TriesAgainWhatMayWorkLater) {
    Collector collector;
    collector.answer_next({503, 429});
    const auto tracer = exporter(collector.config());
    tracer->push(std::make_unique<One>("kept"));
    ASSERT_TRUE(collector.wait_for(3));
    tracer->stop(seconds(5));
    const auto bodies = collector.bodies();
    EXPECT_EQ(bodies[0], bodies[1]);
    EXPECT_EQ(bodies[0], bodies[2]);
    EXPECT_EQ(tracer->counts().exported, 1U);
    EXPECT_EQ(tracer->counts().failed, 0U);
}

TEST(SpanExporter, GivesUpWhatIsRefused) {
    Collector collector;
    collector.answer_next({400});
    const auto tracer = exporter(collector.config());
    tracer->push(std::make_unique<One>("wrong"));
    ASSERT_TRUE(collector.wait_for(1));
    tracer->push(std::make_unique<One>("right"));
    ASSERT_TRUE(collector.wait_for(2));
    tracer->stop(seconds(5));
    EXPECT_EQ(collector.bodies().size(), 2U);
    EXPECT_EQ(tracer->counts().exported, 1U);
    EXPECT_EQ(tracer->counts().failed, 1U);
}

TEST(SpanExporter, ACollectorThatIsNotThereHoldsNobodyUp) {
    TracingConfig config = Collector().config();  // it is gone again
    const auto tracer = exporter(config);
    for (int i = 0; i < 10; ++i)
        tracer->push(std::make_unique<One>("x"));
    std::this_thread::sleep_for(milliseconds(100));
    tracer->stop(seconds(2));
    EXPECT_EQ(tracer->counts().failed, 10U);
}

TEST(SpanExporter, ManyThreadsPushAtOnce) {
    Collector collector;
    TracingConfig config = collector.config();
    config.max_batch = 64;
    config.max_queue = 100'000;
    const auto tracer = exporter(config);
    {
        std::vector<std::jthread> threads;
        for (int t = 0; t < 4; ++t)
            threads.emplace_back([&] {
                for (int i = 0; i < 500; ++i)
                    tracer->push(std::make_unique<One>("x"));
            });
    }
    tracer->stop(seconds(20));
    EXPECT_EQ(tracer->counts().exported, 2'000U);
}

}  // namespace
}  // namespace segue::telemetry
