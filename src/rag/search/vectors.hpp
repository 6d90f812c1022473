/// The vectors of passages: one table a model, for vectors of different models never mix. A new
/// model's table is filled behind while the old one answers; then they are switched.
///
/// Thread: any. Lifetime: the pool's.
#pragma once

#include <cstdint>
#include <optional>
#include <span>
#include <string>
#include <vector>

#include "base/result.hpp"
#include "rag/embed/embedder.hpp"
#include "store/pool.hpp"

namespace segue::rag {

struct StoredModel {
    std::int16_t id = 0;
    std::string name;
    std::size_t dimensions = 0;
    bool answers = false;
    std::string place;            // see EmbeddingModel
    std::string question_prefix;  //
    std::string table() const;    // embedding_1
};

class Vectors {
public:
    explicit Vectors(store::Pool& pool) : pool_(pool) {}

    /// Makes the model's table when it is new; the first model answers at once.
    Result<StoredModel> register_model(const EmbeddingModel& model);
    /// The one whose vectors searches use.
    Result<std::optional<StoredModel>> answering();

    struct Pending {
        std::int64_t passage = 0;
        std::string text;
    };
    /// Passages behind `after` that have no vector of this model yet, in order.
    Result<std::vector<Pending>> pending(const StoredModel& model, std::int64_t after,
                                         std::size_t limit);
    /// How many there are, and how many have a vector.
    struct Progress {
        std::int64_t passages = 0;
        std::int64_t embedded = 0;
    };
    Result<Progress> progress(const StoredModel& model);
    /// Passages that were removed meanwhile are left out.
    Result<void> store(const StoredModel& model, std::span<const std::int64_t> passages,
                       std::span<const Vector> vectors);
    /// From now on this one answers; tables of other models are dropped.
    Result<void> answer_with(const StoredModel& model);

private:
    store::Pool& pool_;
};

}  // namespace segue::rag
