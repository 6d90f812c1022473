/// Which models the product uses, by the ids that they map to. Looked at before anything changes.
#pragma once

#include <string>
#include <vector>

#include "rewrite/steps/steps.hpp"

namespace segue::rewrite {

struct UsedModel {
    std::string tag;
    std::string id;        // empty: not known
    std::string variable;  // the environment name that carries it, when there is one
    bool embeds = false;
    std::uint32_t context = 0;
};

/// The main chat model first, then other chat models, then those that make embeddings.
std::vector<UsedModel> models_used(const Workspace& workspace, const Context& context);

/// The context length that requests ask for (num_ctx, OLLAMA_CONTEXT_LENGTH); 0: nowhere said.
std::uint32_t context_length(const Workspace& workspace);

}  // namespace segue::rewrite
