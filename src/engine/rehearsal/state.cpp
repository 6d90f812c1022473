#include "engine/rehearsal/state.hpp"

#include <algorithm>

namespace segue::engine::rehearsal {

namespace {
constexpr std::size_t kLongestKeptBody = 1024 * 1024;
constexpr std::int64_t kBlockTokens = 16;
}  // namespace

EngineState::EngineState(net::Loop& loop_in, RehearsalOptions options_in)
    : loop(loop_in),
      options(std::move(options_in)),
      models(options.models, clock.wall()),
      faults(options.faults, options.seed),
      pace(options.timing, options.seed + 1),
      slots(options.timing.slots, options.timing.queue_limit),
      random(options.seed + 2) {
}

void EngineState::remember(const net::RequestHead& head, const std::string& body) {
    ++metrics.requests;
    if (options.kept_requests == 0) return;
    while (seen.size() >= options.kept_requests)
        seen.pop_front();
    seen.push_back({head, body.substr(0, kLongestKeptBody)});
}

std::string EngineState::hex(std::size_t digits) {
    std::string out;
    while (out.size() < digits)
        out += "0123456789abcdef"[random.below(16)];
    return out;
}

std::string EngineState::alphanumeric(std::size_t length) {
    std::string out;
    while (out.size() < length)
        out += "abcdefghijklmnopqrstuvwxyz0123456789"[random.below(36)];
    return out;
}

std::int64_t EngineState::cache_blocks() const {
    // Room for as many full-length requests as there are slots: what vLLM calls maximum
    // concurrency.
    return std::max<std::int64_t>(
        1, options.max_model_len * static_cast<std::int64_t>(options.timing.slots) / kBlockTokens);
}

double EngineState::cache_usage() const {
    const double room = static_cast<double>(cache_blocks() * kBlockTokens);
    return std::min(1.0, static_cast<double>(metrics.cached_tokens) / room);
}

}  // namespace segue::engine::rehearsal

namespace segue::engine {

RehearsalOptions tiny_rehearsal(llm::Dialect dialect) {
    RehearsalOptions out;
    out.dialect = dialect;
    out.name = "tiny";
    out.models = {"segue-tiny"};
    out.skill = rehearsal::Skill::kTiny;
    out.timing = rehearsal::instant_profile();
    out.max_model_len = 1024;
    out.embeds = false;
    out.parser_trap = true;
    return out;
}

}  // namespace segue::engine
