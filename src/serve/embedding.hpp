/// Which embedding model there is, by the configuration: an engine's, or the one inside the
/// process.
///
/// Thread: any; opening blocks (a model is loaded, an engine is asked).
#pragma once

#include <memory>
#include <stop_token>

#include "base/result.hpp"
#include "rag/embed/embedder.hpp"
#include "rag/search/vectors.hpp"
#include "serve/config.hpp"
#include "store/pool.hpp"

namespace segue::serve {

using OpenedEmbedder = Result<std::unique_ptr<rag::Embedder>>;

/// The configured one. `stop` ends what it does with an engine.
OpenedEmbedder open_embedder(const Config& config, const Environment& environment,
                             const std::stop_token& stop = {});
/// The one that made stored vectors, if it is still to be had.
OpenedEmbedder open_stored_embedder(const rag::StoredModel& model, const Config& config,
                                    const Environment& environment,
                                    const std::stop_token& stop = {});
/// For questions now: the one whose vectors are searched; where there are none, or it is gone, the
/// configured one.
OpenedEmbedder open_answering_embedder(store::Pool& pool, const Config& config,
                                       const Environment& environment);

}  // namespace segue::serve
