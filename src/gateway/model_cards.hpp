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
/// The names that whoever asks may use, in the order of Registry::client_models; behind each that
/// chats, the same with each of `collections` (retriever.hpp).
std::vector<engine::ClientModel> visible_models(const engine::Registry& registry,
                                                const KeyHolder* caller,
                                                const std::vector<std::string>& collections = {});
/// All of them.
std::vector<llm::ModelCard> model_cards(const engine::Registry& registry, const KeyHolder* caller,
                                        const std::vector<std::string>& collections = {});
/// Of a name as a client or a list writes it, with or without a collection behind it.
engine::Resolution resolve_shown(const engine::Registry& registry, std::string_view name);
/// Those that could answer now: engines that are up and awake; of an Ollama engine what it has
/// loaded.
std::vector<llm::ModelCard> loaded_cards(const engine::Registry& registry, const KeyHolder* caller);

}  // namespace segue::gateway
