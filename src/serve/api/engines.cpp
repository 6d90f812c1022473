#include "serve/api/engines.hpp"

#include <fmt/format.h>

#include "base/log.hpp"
#include "base/text.hpp"
#include "people/people.hpp"
#include "serve/api/session.hpp"
#include "serve/engines_json.hpp"

namespace segue::serve::api::engines {
namespace {

using EnginePointer = std::shared_ptr<engine::Engine>;

// A probe asks several things, each within the engine's own patience.
constexpr auto kPatience = std::chrono::seconds(15);

Result<EnginePointer> needed(const engine::Registry& registry, const Request& request) {
    const std::string& name = request.parameter("engine");
    if (auto found = registry.find_engine(name)) return found;
    std::vector<std::string> names;
    for (const auto& engine : registry.engines())
        names.push_back(engine->name());
    return fail(Fault::kNotFound, fmt::format("there is no engine '{}'; there are: {}", name,
                                              names.empty() ? "none" : join(names, ", ")));
}

Reply json_text(std::string body) {
    Reply reply;
    reply.body = std::move(body);
    return reply;
}

Reply set_drained(Context& context, const Request& request, bool wanted) {
    const auto snapshot = context.gateway->snapshot();
    SEGUE_API_TRY(engine, needed(*snapshot.registry, request));
    if (engine->set_drained(wanted, context.clock().now(), request.caller.name)) {
        const auto kept =
            wanted ? context.drained->add(engine->name()) : context.drained->remove(engine->name());
        if (!kept) segue::log::warning("this ends when segue ends: {}", kept.error().detail);
        SEGUE_API_TRY_VOID(
            note(context, request, wanted ? "engine.drain" : "engine.resume", engine->name()));
    }
    return json_text(engine_json(*engine, context.clock(), snapshot.admissions.get()));
}

}  // namespace

Reply log(Context& context, const Request& request) {
    SEGUE_API_TRY(engine, needed(*context.gateway->snapshot().registry, request));
    return json_text(engine_log_json(*engine, context.clock()));
}

Reply drain(Context& context, const Request& request) {
    return set_drained(context, request, true);
}

Reply resume(Context& context, const Request& request) {
    return set_drained(context, request, false);
}

Reply probe(Context& context, const Request& request) {
    const auto snapshot = context.gateway->snapshot();
    SEGUE_API_TRY(engine, needed(*snapshot.registry, request));
    if (!snapshot.registry->probe_now(*engine, kPatience))
        return problem(504, "",
                       fmt::format("{} has not said within {} s how it is; its log tells when it "
                                   "has",
                                   engine->name(), kPatience.count()));
    return json_text(engine_json(*engine, context.clock(), snapshot.admissions.get()));
}

}  // namespace segue::serve::api::engines
