// What the running gateway tells: SEG201 (engines), SEG202 (the Ollama front), SEG203 (the old
// port).
#include <fmt/format.h>

#include <algorithm>
#include <chrono>
#include <optional>
#include <utility>

#include "audit/proof/part.hpp"
#include "audit/proof/probes.hpp"
#include "base/text.hpp"
#include "evidence/day_chain.hpp"

namespace segue::audit {
namespace {

using evidence::Part;
using evidence::Standing;

std::string day_text(WallTime time) {
    return rfc3339(time).substr(0, 10);
}

struct Window {
    std::string from;                // the first day that counts
    std::vector<std::string> empty;  // whole days without a request
    std::int64_t answered = 0;
    std::int64_t engine = 0;
    std::int64_t front = 0;
    bool covered = false;  // the record reaches back that far
    std::string since;
    evidence::DayChain chain;
};

/// The last `days` whole days and today.
Window window_of(json::Value usage, const ProofOptions& options) {
    Window out;
    const auto today = std::chrono::floor<std::chrono::days>(options.now);
    const auto first = today - std::chrono::days(options.days);
    out.from = day_text(first);
    out.since = usage["since"].string();
    out.covered = !out.since.empty() && (options.days == 0 || out.since.substr(0, 10) < out.from ||
                                         out.since <= rfc3339(first));
    std::set<std::string, std::less<>> busy;
    for (const auto day : usage["days"]) {
        if (day["day"].string() < out.from) continue;
        const auto answered = day["answered"].integer().value_or(0);
        out.answered += answered;
        out.engine += day["ollama_engine"].integer().value_or(0);
        out.front += day["ollama_front"].integer().value_or(0);
        if (answered > 0) busy.emplace(day["day"].string());
    }
    std::vector<evidence::CountedDay> days;
    for (const auto day : usage["days"])
        days.push_back({std::string(day["day"].string()), day["answered"].integer().value_or(0),
                        day["ollama_engine"].integer().value_or(0),
                        day["ollama_front"].integer().value_or(0),
                        std::string(day["seal"].string())});
    out.chain = evidence::check_days(usage["chain_start"].string(), days);
    for (int i = 0; i < std::max(options.days, 1); ++i) {
        const auto day = day_text(first + std::chrono::days(i));
        if (!busy.contains(day)) out.empty.push_back(day);
    }
    return out;
}

std::string how_to_ask(const ProofOptions& options) {
    return options.gateway.empty() ? "segue audit --prove --gateway http://HOST:8484"
                                   : fmt::format("curl -s {}/segue/v1/usage", options.gateway);
}

/// Why the record says nothing of the window; "" when it does.
std::string not_enough(const Window& window, const ProofOptions& options) {
    if (!window.covered)
        return fmt::format(
            "the gateway's record begins at {}, and {} days are wanted; prove it again later",
            window.since.empty() ? "no time (--no-store)" : window.since, options.days);
    if (!window.empty.empty())
        return fmt::format("no request came on {}, so those days say nothing",
                           join(window.empty, ", "));
    return {};
}

/// What the gateway said of its requests.
struct Told {
    json::Parser parser;  // owns what `usage` looks at
    json::Value usage;
    Window window;
};

/// Nothing where there is no record to look at: `out` says why, as far as that is known.
std::optional<Told> ask(const Machine& machine, const ProofOptions& options, Part& out) {
    out.command = how_to_ask(options);
    if (!machine.usage) {
        out.says = machine.usage_why;
        return std::nullopt;
    }
    json::Parser parser;
    const auto usage = parser.parse(*machine.usage);
    if (!usage) return std::nullopt;
    return Told{std::move(parser), *usage, window_of(*usage, options)};
}

}  // namespace

Part gateway_engine_part(const Machine& machine, const ProofOptions& options) {
    Part out = make_part("SEG201", "requests to Ollama engines");
    const auto told = ask(machine, options, out);
    if (!told) return out;
    const Window& window = told->window;
    const auto last = told->usage["last_ollama_engine"];
    if (window.engine > 0) {
        out.standing = Standing::kNotClean;
        out.says = fmt::format("{} of {} requests since {} were sent to an Ollama engine",
                               window.engine, window.answered, window.from);
        out.seen = {
            fmt::format("the last one at {}, to {}", last["at"].string(), last["engine"].string())};
        return out;
    }
    if (window.chain.broken) {
        out.standing = Standing::kNotClean;
        out.says = fmt::format(
            "the gateway's record does not hold: its chain of days breaks at {}; a day was changed "
            "or taken out",
            *window.chain.broken);
        return out;
    }
    if (out.says = not_enough(window, options); !out.says.empty()) return out;
    out.standing = Standing::kClean;
    out.says = fmt::format(
        "none of {} requests since {} was sent to an Ollama engine; the record's "
        "chain of days is whole ({} sealed)",
        window.answered, window.from, window.chain.closed);
    if (last.is_object()) out.seen = {fmt::format("the last one ever at {}", last["at"].string())};
    return out;
}

Part gateway_front_part(const Machine& machine, const ProofOptions& options) {
    Part out = make_part("SEG202", "clients that speak Ollama's API");
    const auto told = ask(machine, options, out);
    if (!told) return out;
    const Window& window = told->window;
    for (const auto caller : told->usage["ollama_callers"]) {
        if (caller["last"].string().substr(0, 10) < window.from) continue;
        const auto key = caller["key"].string();
        out.seen.push_back(fmt::format(
            "{} from {}{}: {} requests, the last at {}",
            caller["agent"].string().empty() ? "a client without a name" : caller["agent"].string(),
            caller["address"].string(), key.empty() ? "" : fmt::format(" with key {}", key),
            caller["requests"].integer().value_or(0), caller["last"].string()));
    }
    if (window.front > 0) {
        const bool allowed = options.claim == ProofClaim::kRuntimeFree;
        out.standing = allowed ? Standing::kClean : Standing::kNotClean;
        out.says =
            fmt::format("{} requests since {} came over Ollama's API{}", window.front, window.from,
                        allowed ? ", which Segue answers: allowed for runtime-free" : "");
        return out;
    }
    if (out.says = not_enough(window, options); !out.says.empty()) return out;
    out.standing = Standing::kClean;
    out.says = fmt::format("none of {} requests since {} came over Ollama's API", window.answered,
                           window.from);
    return out;
}

Part tripwire_part(const Machine& machine, const ProofOptions& options) {
    Part out = make_part("SEG203", "the old address, held by Segue");
    out.command =
        "segue serve --listen 127.0.0.1:11434 for some days, then look at /segue/v1/usage there";
    bool held = false;
    for (const auto& socket : machine.sockets)
        held = held || (socket.listening && socket.network.empty() &&
                        machine.ports.contains(socket.local_port) &&
                        ask_server("127.0.0.1", socket.local_port) == Speaks::kSegue);
    if (!held) {
        out.says = "Segue does not listen on the old port here: whoever still calls it goes unseen";
        return out;
    }
    const Part front = gateway_front_part(machine, options);
    out.standing = front.standing;
    out.says = "Segue holds the old port; " + front.says;
    out.seen = front.seen;
    return out;
}

}  // namespace segue::audit
