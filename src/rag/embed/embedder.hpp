/// Texts in, unit vectors out: the embedding model inside the process, or an engine's.
///
/// Thread: any, several at once. A passage's vector depends on its text only: never on what is
/// embedded beside it.
#pragma once

#include <cstddef>
#include <cstdint>
#include <memory>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "base/result.hpp"
#include "base/settings.hpp"

namespace segue::rag {

using Vector = std::vector<float>;

/// A question and a passage are embedded differently by most models.
enum class TextRole : std::uint8_t { kQuestion, kPassage };

/// Vectors of different models never mix; `name` tells them apart in the store.
struct EmbeddingModel {
    std::string name;
    std::size_t dimensions = 0;
    std::string question_prefix;
    std::string passage_prefix;
    std::string place = {};  // "folder:PATH" or "engine:NAME<tab>MODEL": how it is had again
};

class Embedder {
public:
    virtual ~Embedder() = default;
    virtual const EmbeddingModel& model() const = 0;
    /// One vector a text, in order, each of length 1.
    virtual Result<std::vector<Vector>> embed(std::span<const std::string> texts,
                                              TextRole role) const = 0;
    Result<Vector> embed_one(std::string_view text, TextRole role) const;
    /// Texts worth giving to one call.
    virtual std::size_t batch() const = 0;
};

/// False when all numbers are zero or one is none: such a vector has no direction.
bool normalise(Vector& vector);

/// Where the model and its runtime lie.
struct EmbeddingFiles {
    std::string runtime;  // libonnxruntime.so.1
    std::string folder;   // model.onnx, tokenizer.json, model.json
};

/// Looks in SEGUE_EMBEDDING_DIR, else beside the program, in ../lib/segue, and in the .deps of the
/// build tree the program lies in. The error names what is missing and what to do.
Result<EmbeddingFiles> find_embedding_files(const Environment& environment,
                                            const std::string& program);

/// The model inside the process; `threads` texts of one call at the same time.
Result<std::unique_ptr<Embedder>> open_local_embedder(const EmbeddingFiles& files,
                                                      std::size_t threads);
/// The model that is found, on every core.
Result<std::unique_ptr<Embedder>> open_default_embedder(const Environment& environment);

}  // namespace segue::rag
