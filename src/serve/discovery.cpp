#include "serve/discovery.hpp"

#include <algorithm>
#include <array>

#include "engine/probe.hpp"
#include "engine/rehearsal/engine.hpp"

namespace segue::serve {
namespace {

struct Usual {
    std::string_view name;
    llm::Dialect dialect;
    std::uint16_t port;
};
constexpr std::array kUsual{Usual{"vllm", llm::Dialect::kOpenAi, 8000},
                            Usual{"ollama", llm::Dialect::kOllama, 11434}};

}  // namespace

struct RehearsalHouse::Impl {
    std::unique_ptr<engine::RehearsalThread> vllm;
    std::unique_ptr<engine::RehearsalThread> ollama;
};

RehearsalHouse::RehearsalHouse(std::unique_ptr<Impl> impl) : impl_(std::move(impl)) {
}
RehearsalHouse::~RehearsalHouse() = default;

Result<std::unique_ptr<RehearsalHouse>> RehearsalHouse::start() {
    const auto engine = [](llm::Dialect dialect) {
        engine::RehearsalOptions options;
        options.dialect = dialect;
        return engine::RehearsalThread::start(std::move(options), "127.0.0.1:0");
    };
    auto impl = std::make_unique<Impl>();
    SEGUE_TRY(vllm, engine(llm::Dialect::kOpenAi));
    SEGUE_TRY(ollama, engine(llm::Dialect::kOllama));
    impl->vllm = std::move(vllm);
    impl->ollama = std::move(ollama);
    return std::unique_ptr<RehearsalHouse>(new RehearsalHouse(std::move(impl)));
}

void RehearsalHouse::add_to(engine::Registry::Options& options) const {
    engine::ModelConfig any;
    any.name = "*";
    const auto add = [&](std::string_view name, llm::Dialect dialect, const std::string& url,
                         int priority) {
        engine::EngineConfig config;
        config.name = name;
        config.dialect = dialect;
        config.origin = *net::parse_origin(url, 80);
        config.stand_in = true;
        options.engines.push_back(std::move(config));
        any.targets.push_back({std::string(name), "rehearsal", priority});
    };
    add("rehearsal-vllm", llm::Dialect::kOpenAi, impl_->vllm->url(), 0);
    add("rehearsal-ollama", llm::Dialect::kOllama, impl_->ollama->url(), 1);
    options.models.push_back(std::move(any));
}

bool add_usual_engines(engine::Registry::Options& options, const Clock& clock,
                       std::span<const std::uint16_t> own_ports) {
    bool found = false;
    for (const auto& usual : kUsual) {
        if (std::find(own_ports.begin(), own_ports.end(), usual.port) != own_ports.end()) continue;
        engine::EngineConfig config;
        config.name = usual.name;
        config.dialect = usual.dialect;
        config.origin.host = "127.0.0.1";
        config.origin.port = usual.port;
        config.probe_capabilities = false;
        const engine::Engine look(config);
        found = found || engine::probe_engine(look, clock).state == engine::EngineFacts::State::kUp;
        config.probe_capabilities = true;
        options.engines.push_back(std::move(config));
    }
    return found;
}

}  // namespace segue::serve
