/// The command line of a vLLM server for the product's main model, in the forms that files want it.
#pragma once

#include <string>
#include <vector>

#include "rewrite/steps/models_used.hpp"

namespace segue::rewrite {

/// Model and context length; where no model is known: a variable, `known` is false.
struct Serving {
    std::string model;
    std::uint32_t length = 8192;
    std::string port;
    bool known = false;
};
Serving serving(const std::vector<UsedModel>& models, std::uint32_t wanted_length,
                const std::string& port);

/// `--model X --served-model-name X --max-model-len N --port P`, each word by itself.
std::vector<std::string> serve_words(const Serving& serving);

}  // namespace segue::rewrite
