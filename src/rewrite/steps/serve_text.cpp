#include "rewrite/steps/serve_text.hpp"

#include <algorithm>

namespace segue::rewrite {

Serving serving(const std::vector<UsedModel>& models, std::uint32_t wanted_length,
                const std::string& port) {
    Serving out;
    out.port = port;
    if (wanted_length != 0) out.length = wanted_length;
    if (models.empty() || models.front().id.empty()) {
        out.model = "${VLLM_MODEL_PATH}";
        return out;
    }
    const auto& model = models.front();
    out.model = model.id;
    out.known = true;
    if (model.context != 0) out.length = std::min(out.length, model.context);
    return out;
}

std::vector<std::string> serve_words(const Serving& serving) {
    return {"--model",     serving.model,     "--served-model-name",
            serving.model, "--max-model-len", std::to_string(serving.length),
            "--port",      serving.port};
}

}  // namespace segue::rewrite
