#include "telemetry/span_exporter.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <atomic>
#include <charconv>
#include <mutex>
#include <thread>
#include <utility>
#include <vector>

#include "base/json.hpp"
#include "base/log.hpp"

namespace segue::telemetry {
namespace {

using std::chrono::milliseconds;

constexpr int kMaxTries = 5;
constexpr milliseconds kFirstRetry{1'000};  // doubles; the specification wants it exponential
constexpr milliseconds kLongestRetry{30'000};
constexpr std::size_t kMaxAnswer = 64 * 1024;

/// Statuses after which the specification wants the same batch again.
bool is_retryable(int status) {
    return status == 429 || status == 502 || status == 503 || status == 504;
}

std::optional<milliseconds> retry_after(const net::Headers& headers) {
    const auto text = headers.find("Retry-After");
    if (!text) return std::nullopt;
    int seconds = 0;
    const auto [end, error] = std::from_chars(text->data(), text->data() + text->size(), seconds);
    if (error != std::errc{} || seconds < 0) return std::nullopt;
    return std::min<milliseconds>(std::chrono::seconds(seconds), kLongestRetry);
}

}  // namespace

struct SpanExporter::Impl final : net::ResponseHandler {
    Impl(TracingConfig settings, std::unique_ptr<net::Loop> own_loop)
        : config(std::move(settings)),
          loop(std::move(own_loop)),
          // Longer than the time between two batches: the connection is used again.
          client(*loop, {.idle_timeout = config.delay * 2 + milliseconds(1'000)}) {
        if (!config.ca_file.empty()) {
            net::TlsOptions options;
            options.ca_file = config.ca_file;
            tls = std::make_shared<const net::TlsOptions>(std::move(options));
        }
    }

    const TracingConfig config;
    std::mutex mutex;
    std::vector<std::unique_ptr<const SpanSource>> queue;
    bool wake_posted = false;
    std::atomic<std::uint64_t> exported{0};
    std::atomic<std::uint64_t> queue_full{0};
    std::atomic<std::uint64_t> failed{0};

    // From here on the exporter's thread only.
    std::unique_ptr<net::Loop> loop;
    net::Client client;
    std::shared_ptr<const net::TlsOptions> tls;
    net::TimerId tick;
    net::TimerId retry;
    net::TimerId limit;
    net::CallId call;
    std::string body;       // of the batch under way
    std::size_t batch = 0;  // sources in it; 0 = none is under way
    int tries = 0;
    int status = 0;
    std::string answer;
    std::optional<milliseconds> asked_to_wait;
    bool collector_answers = true;
    bool stopping = false;
    std::jthread thread;

    void wait_for_tick() {
        tick = loop->after(config.delay, [this] {
            next_batch();
            wait_for_tick();
        });
    }

    void next_batch() {
        if (batch > 0) return;
        std::vector<std::unique_ptr<const SpanSource>> sources;
        {
            const std::lock_guard lock(mutex);
            wake_posted = false;
            const std::size_t count = std::min(queue.size(), config.max_batch);
            const auto end = queue.begin() + static_cast<std::ptrdiff_t>(count);
            std::move(queue.begin(), end, std::back_inserter(sources));
            queue.erase(queue.begin(), end);
        }
        if (sources.empty()) {
            if (stopping) end();
            return;
        }
        std::vector<Span> spans;
        for (const auto& source : sources)
            source->append_to(spans);
        batch = sources.size();
        tries = 0;
        body = otlp_json(config, spans);
        send();
    }

    void send() {
        ++tries;
        status = 0;
        answer.clear();
        asked_to_wait.reset();
        net::ClientRequest request;
        request.origin = config.origin;
        request.method = "POST";
        request.path = config.path;
        request.tls = tls;
        request.headers.add("User-Agent", "segue/" SEGUE_VERSION);
        for (const auto& [name, value] : config.headers)
            request.headers.set(name, value);
        request.headers.set("Content-Type", "application/json");
        request.body = body;
        request.deadlines.connect = config.timeout;
        request.deadlines.total = config.timeout;
        call = client.start(std::move(request), *this);
    }

    void on_head(const net::ResponseHead& head) override {
        status = head.status;
        asked_to_wait = retry_after(head.headers);
    }
    void on_body(std::string_view bytes) override {
        if (answer.size() < kMaxAnswer) answer.append(bytes.substr(0, kMaxAnswer));
    }
    void on_end() override {
        call = {};
        if (status >= 200 && status < 300) return taken();
        const std::string why = fmt::format("status {}", status);
        is_retryable(status) ? again(why) : lost(why);
    }
    void on_error(const net::CallError& error) override {
        call = {};
        again(error.message);
    }

    void taken() {
        json::Parser parser;
        if (const auto root = parser.parse(answer)) {
            const json::Value rejected = (*root)["partialSuccess"]["rejectedSpans"];
            const std::string count(rejected.is_string() ? rejected.string() : rejected.raw());
            if (!count.empty() && count != "0")
                log::warning("the trace collector took a batch but for {} spans: {}", count,
                             (*root)["partialSuccess"]["errorMessage"].string("no reason given"));
        }
        if (!std::exchange(collector_answers, true))
            log::info("traces are sent to {} again", config.origin.to_string());
        exported += batch;
        finish_batch();
    }

    void again(const std::string& why) {
        // At the end there is no time to wait: one try a batch.
        if (tries >= kMaxTries || stopping) return lost(why);
        complain(why);
        const auto backoff = std::min(kFirstRetry * (1 << (tries - 1)), kLongestRetry);
        retry = loop->after(asked_to_wait.value_or(backoff), [this] {
            retry = {};
            send();
        });
    }

    void lost(const std::string& why) {
        complain(why);
        failed += batch;
        finish_batch();
    }

    /// Once, until it works again: a collector that is away for a night must not fill the log.
    void complain(const std::string& why) {
        if (!std::exchange(collector_answers, false)) return;
        log::warning(
            "traces cannot be sent to {}{} ({}); requests go on, spans will be lost (metric "
            "segue_traces_total)",
            config.origin.to_string(), config.path, why);
    }

    void finish_batch() {
        batch = 0;
        body.clear();
        bool more = stopping;
        {
            const std::lock_guard lock(mutex);
            more = more || queue.size() >= config.max_batch;
        }
        if (more) loop->defer([this] { next_batch(); });
    }

    void begin_stop(milliseconds time) {
        stopping = true;
        loop->cancel(tick);
        limit = loop->after(time, [this] { end(); });
        if (retry) {
            loop->cancel(retry);
            send();
        } else {
            next_batch();
        }
    }

    void end() {
        client.cancel(call);
        for (auto* timer : {&tick, &retry, &limit})
            loop->cancel(*timer);
        failed += std::exchange(batch, 0);
        {
            const std::lock_guard lock(mutex);
            failed += queue.size();
            queue.clear();
        }
        loop->stop();
    }
};

SpanExporter::SpanExporter(std::unique_ptr<Impl> impl) : impl_(std::move(impl)) {
}

Result<std::unique_ptr<SpanExporter>> SpanExporter::start(TracingConfig config) {
    SEGUE_TRY(loop, net::Loop::open());
    auto impl = std::make_unique<Impl>(std::move(config), std::move(loop));
    impl->queue.reserve(impl->config.max_batch);
    impl->thread = std::jthread([raw = impl.get()] {
        raw->wait_for_tick();
        raw->loop->run();
    });
    return std::unique_ptr<SpanExporter>(new SpanExporter(std::move(impl)));
}

SpanExporter::~SpanExporter() {
    stop(milliseconds(0));
}

bool SpanExporter::takes(std::string_view trace_id, std::optional<bool> parent_sampled) const {
    return impl_->config.sampler.takes(trace_id, parent_sampled);
}

void SpanExporter::push(std::unique_ptr<const SpanSource> source) {
    {
        const std::lock_guard lock(impl_->mutex);
        if (impl_->queue.size() >= impl_->config.max_queue) {
            ++impl_->queue_full;
            return;
        }
        impl_->queue.push_back(std::move(source));
        if (impl_->queue.size() < impl_->config.max_batch || impl_->wake_posted) return;
        impl_->wake_posted = true;
    }
    impl_->loop->post([impl = impl_.get()] { impl->next_batch(); });
}

SpanExporter::Counts SpanExporter::counts() const {
    return {impl_->exported.load(), impl_->queue_full.load(), impl_->failed.load()};
}

void SpanExporter::stop(milliseconds limit) {
    if (!impl_->thread.joinable()) return;
    impl_->loop->post([impl = impl_.get(), limit] { impl->begin_stop(limit); });
    impl_->thread.join();
}

}  // namespace segue::telemetry
