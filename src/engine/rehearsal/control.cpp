/// The switchboard of a rehearsal engine: faults, what it was sent, how it stands. Not part of
/// either wire.
#include <fmt/format.h>

#include "base/json.hpp"
#include "base/text.hpp"
#include "engine/rehearsal/exchange.hpp"

namespace segue::engine::rehearsal {
namespace {

constexpr std::string_view kJson = "application/json";

std::string problem(std::string_view detail) {
    return json::object([&](json::Writer& w) { w.member("error", detail); });
}

void serve_faults(Exchange& exchange) {
    Faults& faults = exchange.state().faults;
    const std::string& method = exchange.head().method;
    if (method == "DELETE") {
        faults.replace({});
    } else if (method == "POST" || method == "PUT") {
        json::Parser parser;
        const auto value = parser.parse(exchange.body());
        if (!value)
            return exchange.send(400, kJson,
                                 problem("the body is no JSON: " + value.error().reason));
        auto set = read_fault_set(*value);
        if (!set) return exchange.send(400, kJson, problem(set.error().detail));
        faults.replace(std::move(*set));
    } else if (method != "GET") {
        return exchange.send(405, kJson, problem("use GET, POST or DELETE"));
    }
    exchange.send(
        200, kJson, json::object([&](json::Writer& w) {
            w.member_raw("faults", write_fault_set(faults.set())).member("hits", faults.hits());
        }));
}

void write_seen(const SeenRequest& request, json::Writer& w) {
    w.begin_object();
    w.member("method", request.head.method).member("path", request.head.path);
    w.member("target", request.head.target);
    w.key("headers").begin_object();
    for (const auto& [name, value] : request.head.headers.entries())
        w.member(to_lower(name), value);
    w.end_object();
    w.member("body", request.body);
    if (json::is_valid(request.body)) {
        w.member_raw("json", request.body);
    } else {
        w.member_null("json");
    }
    w.end_object();
}

void serve_requests(Exchange& exchange) {
    EngineState& state = exchange.state();
    if (exchange.head().method == "DELETE") state.seen.clear();
    exchange.send(200, kJson, json::object([&](json::Writer& w) {
                      w.member("total", state.metrics.requests).key("requests").begin_array();
                      for (const SeenRequest& request : state.seen)
                          write_seen(request, w);
                      w.end_array();
                  }));
}

void serve_state(Exchange& exchange) {
    const EngineState& state = exchange.state();
    exchange.send(200, kJson, json::object([&](json::Writer& w) {
                      w.member("engine", kLabel).member("name", state.options.name);
                      w.member("wire",
                               state.options.dialect == llm::Dialect::kOllama ? "ollama" : "vllm");
                      w.member("running", state.slots.running());
                      w.member("waiting", state.slots.waiting());
                      w.member("aborted", state.metrics.aborted);
                      w.member("finished", state.metrics.stopped + state.metrics.cut);
                      w.member("failed", state.metrics.failed);
                      w.member("refused", state.metrics.refused);
                      w.member("requests", state.metrics.requests);
                      w.member("kv_cache_usage", state.cache_usage());
                  }));
}

}  // namespace

void serve_control(Exchange& exchange) {
    const std::string& path = exchange.head().path;
    if (path == "/rehearsal/faults") return serve_faults(exchange);
    if (path == "/rehearsal/requests") return serve_requests(exchange);
    if (path == "/rehearsal/state") return serve_state(exchange);
    exchange.send(404, kJson,
                  problem(fmt::format("no {}; there are /rehearsal/faults, /rehearsal/requests and "
                                      "/rehearsal/state",
                                      path)));
}

}  // namespace segue::engine::rehearsal
