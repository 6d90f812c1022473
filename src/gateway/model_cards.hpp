/// The models of the registry as Ollama's lists show them.
#pragma once

#include <optional>
#include <string_view>
#include <vector>

#include "engine/registry.hpp"
#include "gateway/keyring.hpp"
#include "llm/ollama/front/lists.hpp"

namespace segue::gateway {

/// The card of one client name; nothing when no engine is known to serve it.
std::optional<llm::ModelCard> model_card(const engine::Registry& registry,
                                         const engine::ClientModel& model);
/// The names that whoever asks may use, in the order of Registry::client_models.
std::vector<engine::ClientModel> visible_models(const engine::Registry& registry,
                                                const KeyHolder* caller);
/// All of them.
std::vector<llm::ModelCard> model_cards(const engine::Registry& registry, const KeyHolder* caller);
/// Those that could answer now: engines that are up and awake; of an Ollama engine what it has
/// loaded.
std::vector<llm::ModelCard> loaded_cards(const engine::Registry& registry, const KeyHolder* caller);

}  // namespace segue::gateway
