#include "gateway/local_openai.hpp"

#include <fmt/format.h>

#include "base/json.hpp"
#include "base/text.hpp"
#include "gateway/model_cards.hpp"
#include "gateway/retriever.hpp"

namespace segue::gateway {
namespace {

/// The name as configured or listed by the engine: what OpenAI clients send back.
std::string_view id_of(const engine::ClientModel& model) {
    return model.shown;
}

void write_openai(json::Writer& w, const Snapshot& snapshot, const engine::ClientModel& model) {
    const auto resolution = resolve_shown(*snapshot.registry, model.name);
    w.begin_object().member("id", id_of(model)).member("object", "model");
    w.member("created", unix_seconds(model.first_seen)).member("owned_by", "segue");
    if (!resolution.candidates.empty() && resolution.candidates.front().target.max_model_len)
        w.member("max_model_len", *resolution.candidates.front().target.max_model_len);
    w.end_object();
}

void write_anthropic(json::Writer& w, const engine::ClientModel& model) {
    w.begin_object()
        .member("type", "model")
        .member("id", id_of(model))
        .member("display_name", id_of(model));
    w.member("created_at", rfc3339(model.first_seen)).end_object();
}

}  // namespace

LocalAnswer openai_models(const Snapshot& snapshot, const KeyHolder* caller,
                          const std::vector<std::string>& collections, bool anthropic) {
    const auto models = visible_models(*snapshot.registry, caller, collections);
    return {200, "application/json", json::object([&](json::Writer& w) {
                if (!anthropic) w.member("object", "list");
                w.key("data").begin_array();
                for (const auto& model : models) {
                    anthropic ? write_anthropic(w, model) : write_openai(w, snapshot, model);
                }
                w.end_array();
                if (!anthropic) return;
                w.member("has_more", false).key("first_id");
                models.empty() ? w.null() : w.string(id_of(models.front()));
                w.key("last_id");
                models.empty() ? w.null() : w.string(id_of(models.back()));
            })};
}

llm::Outcome<LocalAnswer> openai_model(const Snapshot& snapshot, const KeyHolder* caller,
                                       std::string_view id, bool anthropic) {
    const auto collection = collection_in(*snapshot.registry, id);
    const std::string_view plain = collection ? std::string_view(collection->model) : id;
    const auto resolution = snapshot.registry->resolve(plain);
    std::string names;
    for (auto& model : visible_models(*snapshot.registry, caller)) {
        names += (names.empty() ? "" : ", ") + model.shown;
        if (model.shown != plain && model.name != resolution.client_name()) continue;
        if (collection) model.name = model.shown = id;
        LocalAnswer answer;
        json::Writer writer(answer.body);
        anthropic ? write_anthropic(writer, model) : write_openai(writer, snapshot, model);
        return answer;
    }
    llm::Failure failure{llm::Failure::Cause::kModelNotFound,
                         fmt::format("The model '{}' does not exist. Available: {}", id,
                                     names.empty() ? "none" : names)};
    failure.param = "model";
    return tl::make_unexpected(std::move(failure));
}

}  // namespace segue::gateway
