#include "gateway/model_cards.hpp"

#include "base/json.hpp"
#include "gateway/retriever.hpp"

namespace segue::gateway {
namespace {

using engine::EngineFacts;

/// An Ollama engine's own entry under the client's name.
std::string renamed_entry(std::string_view entry, std::string_view name) {
    json::Parser parser;
    const auto root = parser.parse(entry);
    if (!root || !root->is_object()) return {};
    return json::object([&](json::Writer& w) {
        for (const auto member : *root) {
            const bool is_name = member.key() == "name" || member.key() == "model";
            is_name ? w.member(member.key(), name) : w.member_raw(member.key(), member.raw());
        }
    });
}

struct Served {
    const engine::Candidate* candidate = nullptr;
    std::shared_ptr<const EngineFacts> facts;
    const engine::ServedModel* model = nullptr;
};

/// Who would answer now.
Served first_served(const engine::Resolution& resolution) {
    Served served;
    for (const auto& candidate : resolution.candidates) {
        served.candidate = &candidate;
        served.facts = candidate.engine->facts();
        served.model = served.facts->find(candidate.target.served_model);
        if (!served.model)
            for (const auto& known : served.facts->models)
                if (known.name == candidate.target.served_model + ":latest") served.model = &known;
        if (served.model) return served;
    }
    return served;
}

llm::ModelCard card_of(const engine::ClientModel& model, const Served& served) {
    llm::ServedModel about;
    about.client_name = model.shown;
    about.served_name = served.candidate->target.served_model;
    about.max_model_len = served.candidate->target.max_model_len;
    about.capabilities = served.candidate->target.capabilities;
    about.first_seen = model.first_seen;
    if (served.model) {
        about.root = served.model->root;
        about.first_seen = served.model->first_seen;
    }
    llm::ModelCard card = llm::make_vllm_card(about, *served.candidate->target.profile);
    if (served.facts->rehearsal) {
        card.format = "rehearsal";
        card.family = "rehearsal";
        card.families = {"rehearsal"};
    }
    if (served.model && served.facts->dialect == llm::Dialect::kOllama) {
        card.raw_tags_entry = renamed_entry(served.model->tags_entry, card.name);
        if (!served.model->ps_entry.empty())
            card.raw_ps_entry = renamed_entry(served.model->ps_entry, card.name);
    }
    return card;
}

}  // namespace

std::optional<llm::ModelCard> model_card(const engine::Registry& registry,
                                         const engine::ClientModel& model) {
    const auto resolution = resolve_shown(registry, model.name);
    const Served served = first_served(resolution);
    if (!served.candidate) return std::nullopt;
    return card_of(model, served);
}

engine::Resolution resolve_shown(const engine::Registry& registry, std::string_view name) {
    const auto collection = collection_in(registry, name);
    return registry.resolve(collection ? std::string_view(collection->model) : name);
}

std::vector<engine::ClientModel> visible_models(const engine::Registry& registry,
                                                const KeyHolder* caller,
                                                const std::vector<std::string>& collections) {
    std::vector<engine::ClientModel> models;
    for (auto& model : registry.client_models()) {
        const bool usable = may_use(caller, model.name);
        const auto chats = [&] {
            const auto resolution = registry.resolve(model.name);
            if (resolution.candidates.empty()) return false;
            const auto& target = resolution.candidates.front().target;
            return target.capabilities.empty() || target.has_capability("completion");
        };
        const std::size_t place = models.size();
        if (!collections.empty() && chats())
            for (const auto& collection : collections) {
                engine::ClientModel with = model;
                with.name += "@" + collection;
                with.shown += "@" + collection;
                if (usable || may_use(caller, with.name)) models.push_back(std::move(with));
            }
        if (usable)
            models.insert(models.begin() + static_cast<std::ptrdiff_t>(place), std::move(model));
    }
    return models;
}

std::vector<llm::ModelCard> model_cards(const engine::Registry& registry, const KeyHolder* caller,
                                        const std::vector<std::string>& collections) {
    std::vector<llm::ModelCard> cards;
    for (const auto& model : visible_models(registry, caller, collections))
        if (auto card = model_card(registry, model)) cards.push_back(std::move(*card));
    return cards;
}

std::vector<llm::ModelCard> loaded_cards(const engine::Registry& registry,
                                         const KeyHolder* caller) {
    std::vector<llm::ModelCard> cards;
    for (const auto& model : visible_models(registry, caller)) {
        const auto resolution = registry.resolve(model.name);
        const Served served = first_served(resolution);
        if (!served.candidate || served.facts->state != EngineFacts::State::kUp ||
            served.facts->sleeping)
            continue;
        llm::ModelCard card = card_of(model, served);
        if (served.facts->dialect == llm::Dialect::kOllama && card.raw_ps_entry.empty()) continue;
        cards.push_back(std::move(card));
    }
    return cards;
}

}  // namespace segue::gateway
