#include "engine/rehearsal/engine.hpp"

#include <algorithm>
#include <future>
#include <thread>

#include "engine/rehearsal/exchange.hpp"
#include "engine/rehearsal/ollama_writer.hpp"
#include "engine/rehearsal/state.hpp"
#include "engine/rehearsal/vllm_request.hpp"
#include "net/server.hpp"

namespace segue::engine {
namespace {

class RehearsalApplication final : public net::Application {
public:
    explicit RehearsalApplication(rehearsal::EngineState& state) : state_(state) {}
    std::unique_ptr<net::Handler> make_handler(net::Responder& responder) override {
        return std::make_unique<rehearsal::Exchange>(state_, responder);
    }
    std::pair<std::string, std::string> render_error(const net::ProtocolError& error) override {
        if (state_.options.dialect == llm::Dialect::kOllama) {
            return {rehearsal::ollama_error(error.message), "application/json; charset=utf-8"};
        }
        return {rehearsal::vllm_error({error.status,
                                       std::string(rehearsal::vllm_error_type(error.status)),
                                       error.message, ""}),
                "application/json"};
    }

private:
    rehearsal::EngineState& state_;
};

Result<void> check_options(const RehearsalOptions& options) {
    if (options.dialect == llm::Dialect::kAnthropic) {
        return fail(Fault::kInvalid,
                    "a rehearsal engine speaks ollama or openai (vLLM), not anthropic");
    }
    if (options.models.empty())
        return fail(Fault::kInvalid, "a rehearsal engine needs at least one model name");
    if (options.timing.slots == 0)
        return fail(Fault::kInvalid, "a rehearsal engine needs at least one slot");
    if (options.max_model_len < 16)
        return fail(Fault::kInvalid, "max_model_len must be at least 16");
    const auto bad =
        std::find_if(options.models.begin(), options.models.end(),
                     [](const std::string& name) { return !rehearsal::normal_model_name(name); });
    if (options.dialect == llm::Dialect::kOllama && bad != options.models.end()) {
        return fail(Fault::kInvalid, "not a model name that Ollama allows: " + *bad);
    }
    return {};
}

}  // namespace

struct RehearsalEngine::Impl {
    Impl(net::Loop& loop, RehearsalOptions options, net::Listener listener_in)
        : state(loop, std::move(options)),
          application(state),
          listener(std::move(listener_in)),
          server(loop, application, net::ServerLimits{}) {
        server.accept_from(listener.fd());
    }
    ~Impl() {
        server.stop_accepting();
        server.close_all();
    }

    rehearsal::EngineState state;
    RehearsalApplication application;
    net::Listener listener;
    net::Server server;
};

RehearsalEngine::RehearsalEngine() = default;
RehearsalEngine::~RehearsalEngine() = default;

Result<std::unique_ptr<RehearsalEngine>> RehearsalEngine::start(net::Loop& loop,
                                                                RehearsalOptions options,
                                                                std::string_view address) {
    SEGUE_TRY_VOID(check_options(options));
    SEGUE_TRY(listener, net::Listener::open(address));
    std::unique_ptr<RehearsalEngine> out(new RehearsalEngine());
    out->impl_ = std::make_unique<Impl>(loop, std::move(options), std::move(listener));
    return out;
}

const std::string& RehearsalEngine::address() const {
    return impl_->listener.address();
}
std::uint16_t RehearsalEngine::port() const {
    return impl_->listener.port();
}
std::size_t RehearsalEngine::busy() const {
    return impl_->state.slots.running() + impl_->state.slots.waiting();
}

Result<void> run_rehearsal(RehearsalOptions options, std::string_view address, std::stop_token stop,
                           const std::function<void(const std::string& address)>& ready) {
    SEGUE_TRY(loop, net::Loop::open());
    SEGUE_TRY(engine, RehearsalEngine::start(*loop, std::move(options), address));
    // stop() before run() must not be lost: posted, it runs inside the loop.
    const std::stop_callback on_stop(stop,
                                     [&loop = *loop] { loop.post([&loop] { loop.stop(); }); });
    if (ready) ready(engine->address());
    loop->run();
    return {};
}

struct RehearsalThread::Impl {
    std::string address;
    std::jthread thread;
};

RehearsalThread::RehearsalThread() : impl_(std::make_unique<Impl>()) {
}
RehearsalThread::~RehearsalThread() = default;
const std::string& RehearsalThread::address() const {
    return impl_->address;
}
std::string RehearsalThread::url() const {
    return "http://" + impl_->address;
}

Result<std::unique_ptr<RehearsalThread>> RehearsalThread::start(RehearsalOptions options,
                                                                std::string_view address) {
    std::unique_ptr<RehearsalThread> out(new RehearsalThread());
    std::promise<Result<std::string>> started;
    std::future<Result<std::string>> outcome = started.get_future();
    out->impl_->thread =
        std::jthread([options = std::move(options), wanted = std::string(address),
                      promise = std::move(started)](const std::stop_token& stop) mutable {
            bool is_told = false;
            const auto tell = [&](Result<std::string> result) {
                if (!std::exchange(is_told, true)) promise.set_value(std::move(result));
            };
            const Result<void> ran = run_rehearsal(std::move(options), wanted, stop,
                                                   [&](const std::string& bound) { tell(bound); });
            if (!ran) tell(tl::make_unexpected(ran.error()));
        });
    SEGUE_TRY(bound, outcome.get());
    out->impl_->address = std::move(bound);
    return out;
}

}  // namespace segue::engine
