#include "serve/api/system.hpp"

#include <fmt/format.h>

#include "serve/engines_json.hpp"
#include "serve/openapi.hpp"

namespace segue::serve::api {

std::string_view state_name(StoreState::State state) {
    switch (state) {
        case StoreState::State::kOff: return "off";
        case StoreState::State::kStarting: return "starting";
        case StoreState::State::kReady: return "ready";
        case StoreState::State::kUnavailable: return "unavailable";
    }
    return "unavailable";
}

namespace system {
namespace {

using engine::EngineFacts;

/// What is asked for where nobody names a model: the configured one, else the first that answers.
std::string default_model(const engine::Registry& registry) {
    if (!registry.options().default_model.empty()) return registry.options().default_model;
    const auto models = registry.client_models();
    for (const auto& model : models)
        if (registry.resolve(model.name).healthy) return model.name;
    return models.empty() ? "" : models.front().name;
}

Reply json_text(std::string body) {
    Reply reply;
    reply.body = std::move(body);
    return reply;
}

/// Who answers, who does not and since when, as one would say it.
std::string sentence(const std::vector<std::shared_ptr<engine::Engine>>& engines,
                     const engine::Engine* answering, WallTime now) {
    std::string out;
    for (const auto& engine : engines) {
        const auto facts = engine->facts();
        if (engine->drained()) {
            out += fmt::format("{} is drained: it gets no new requests. ", engine->name());
            continue;
        }
        if (facts->state == EngineFacts::State::kUp) continue;
        out += fmt::format("{} does not answer{}. ", engine->name(),
                           facts->problem.empty() ? "" : " (" + facts->problem + ")");
    }
    (void)now;
    if (!answering)
        return out + (engines.empty() ? "No engine is configured: name one in segue.yaml."
                                      : "No model answers now; documents can still be searched.");
    const auto facts = answering->facts();
    if (facts->rehearsal)
        return out + "A rehearsal engine answers: it quotes passages, it is not a model.";
    return out + fmt::format("Answers come from {}.", answering->name());
}

}  // namespace

Reply live(Context&, const Request&) {
    return json_text(R"({"status":"alive"})");
}

Reply ready(Context& context, const Request&) {
    std::string_view why;
    if (context.draining.load(std::memory_order_relaxed)) {
        why = "draining";
    } else {
        bool up = false;
        for (const auto& engine : context.gateway->snapshot().registry->engines())
            up = up || engine->facts()->state == EngineFacts::State::kUp;
        if (!up) why = "no engine is up";
    }
    return json_reply(why.empty() ? 200 : 503, [&](json::Writer& w) {
        w.member("status", why.empty() ? std::string_view("ready") : why);
    });
}

Reply metrics(Context& context, const Request&) {
    Reply reply;
    reply.content_type = "text/plain; version=0.0.4; charset=utf-8";
    reply.body = context.gateway->metrics().render();
    return reply;
}

Reply version(Context&, const Request&) {
    return json_reply(200, [](json::Writer& w) { w.member("version", SEGUE_VERSION); });
}

Reply description(Context&, const Request&) {
    return json_text(std::string(openapi_document()));
}

Reply models(Context& context, const Request&) {
    return json_text(models_json(*context.gateway->snapshot().registry));
}

Reply engines(Context& context, const Request&) {
    const auto snapshot = context.gateway->snapshot();
    return json_text(engines_json(*snapshot.registry, context.clock(), SeenFrom::kGateway,
                                  snapshot.admissions.get()));
}

Reply usage(Context& context, const Request&) {
    return json_text(context.gateway->usage().total().to_json());
}

Reply status(Context& context, const Request&) {
    const auto snapshot = context.gateway->snapshot();
    const auto& engines = snapshot.registry->engines();
    std::int64_t up = 0;
    for (const auto& engine : engines)
        up += engine->facts()->state == EngineFacts::State::kUp ? 1 : 0;
    const std::string model = default_model(*snapshot.registry);
    const auto resolution = snapshot.registry->resolve(model);
    const engine::Engine* answering = nullptr;
    if (resolution.kind == engine::Resolution::Kind::kFound && resolution.healthy &&
        !resolution.candidates.empty())
        answering = resolution.candidates.front().engine.get();
    const StoreState store = context.store_state();
    return json_reply(200, [&](json::Writer& w) {
        w.member("version", SEGUE_VERSION).member("at", rfc3339(context.clock().wall()));
        w.member("uptime_s",
                 std::chrono::duration<double>(context.clock().now() - context.started).count());
        w.key("store").begin_object().member("state", state_name(store.state)).key("detail");
        store.detail.empty() ? w.null() : w.string(store.detail);
        w.end_object().key("answering");
        if (answering) {
            const auto facts = answering->facts();
            w.begin_object().member("engine", answering->name()).member("engine_kind", facts->kind);
            w.member("model", model).member("rehearsal", facts->rehearsal).end_object();
        } else {
            w.null();
        }
        w.member("engines_up", up).member("engines", engines.size());
        w.member("sentence", sentence(engines, answering, context.clock().wall()));
    });
}

Reply settings(Context& context, const Request&) {
    const auto text = context.settings.load();
    return json_text(text ? *text : R"({"settings":[],"file":null})");
}

}  // namespace system
}  // namespace segue::serve::api
