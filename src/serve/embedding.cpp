#include "serve/embedding.hpp"

#include <fmt/format.h>

#include <algorithm>

#include "rag/embed/engine_embedder.hpp"

namespace segue::serve {
namespace {

constexpr std::string_view kFolder = "folder:";
constexpr std::string_view kEngine = "engine:";

/// Nothing: the configuration has no such engine.
std::optional<rag::EngineEmbedding> at_engine(const Config& config, std::string_view name) {
    const auto& engines = config.registry.engines;
    const auto found = std::find_if(engines.begin(), engines.end(),
                                    [&](const auto& engine) { return engine.name == name; });
    if (found == engines.end()) return std::nullopt;
    rag::EngineEmbedding options;
    options.engine = found->name;
    options.origin = found->origin;
    options.dialect = found->dialect.value_or(llm::Dialect::kOpenAi);  // an Ollama has that too
    options.api_key = found->api_key;
    options.tls = std::make_shared<const net::TlsOptions>(found->tls);
    return options;
}

}  // namespace

OpenedEmbedder open_embedder(const Config& config, const Environment& environment,
                             const std::stop_token& stop) {
    const EmbeddingConfig& embedding = config.embedding;
    auto options = at_engine(config, embedding.engine);
    if (!options) return rag::open_default_embedder(environment);
    options->model = embedding.model;
    options->question_prefix = embedding.question_prefix;
    options->passage_prefix = embedding.passage_prefix;
    options->stop = stop;
    return rag::open_engine_embedder(std::move(*options));
}

OpenedEmbedder open_stored_embedder(const rag::StoredModel& model, const Config& config,
                                    const Environment& environment, const std::stop_token& stop) {
    const std::string_view place = model.place;
    if (place.starts_with(kFolder)) {
        const std::string folder(place.substr(kFolder.size()));
        return rag::open_default_embedder([&](std::string_view name) {
            return name == "SEGUE_EMBEDDING_DIR" ? std::optional(folder) : environment(name);
        });
    }
    if (place.starts_with(kEngine)) {
        const auto tab = place.find('\t');
        if (auto options = at_engine(config, place.substr(kEngine.size(), tab - kEngine.size()))) {
            options->model = place.substr(tab + 1);
            options->name = model.name;
            options->question_prefix = model.question_prefix;
            options->stop = stop;
            return rag::open_engine_embedder(std::move(*options), model.dimensions);
        }
    }
    return fail(
        Fault::kNotFound,
        fmt::format("the model {} that made the stored vectors is not there any more", model.name),
        "rag");
}

OpenedEmbedder open_answering_embedder(store::Pool& pool, const Config& config,
                                       const Environment& environment) {
    const auto answering = rag::Vectors(pool).answering();
    if (!answering || !*answering) return open_embedder(config, environment);
    auto configured = open_embedder(config, environment);
    if (configured && (*configured)->model().name == (*answering)->name) return configured;
    auto stored = open_stored_embedder(**answering, config, environment);
    return stored ? std::move(stored) : std::move(configured);
}

}  // namespace segue::serve
