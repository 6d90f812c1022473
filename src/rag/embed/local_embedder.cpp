#include <fmt/format.h>

#include <algorithm>
#include <atomic>
#include <filesystem>
#include <optional>
#include <thread>

#include "base/files.hpp"
#include "base/json.hpp"
#include "rag/embed/embedder.hpp"
#include "rag/embed/onnx.hpp"
#include "rag/embed/wordpiece.hpp"

namespace segue::rag {
namespace {

enum class Pooling : std::uint8_t { kFirstToken, kMean };

/// model.json; a folder without one holds bge-small-en-v1.5.
struct Description {
    EmbeddingModel model{"bge-small-en-v1.5-int8", 384,
                         "Represent this sentence for searching relevant passages: ", ""};
    std::size_t max_tokens = 512;
    Pooling pooling = Pooling::kFirstToken;
};

Result<Description> describe(const std::string& folder) {
    Description made;
    auto text = read_file(folder + "/model.json");
    if (!text) {
        if (text.error().fault == Fault::kNotFound) return made;
        return tl::make_unexpected(std::move(text).error());
    }
    json::Parser parser;
    const auto root = parser.parse(*text);
    const auto wrong = [&](std::string_view what) {
        return fail(Fault::kInvalid, fmt::format("{}/model.json: {}", folder, what));
    };
    if (!root) return wrong(root.error().reason);
    const auto dimensions = (*root)["dimensions"].integer();
    const auto tokens = (*root)["max_tokens"].integer();
    if ((*root)["name"].string().empty()) return wrong("the model needs a 'name'");
    if (!dimensions || *dimensions < 1 || *dimensions > 2000)
        return wrong("'dimensions' is a number from 1 to 2000");
    if (!tokens || *tokens < 2 || *tokens > 8192)
        return wrong("'max_tokens' is a number from 2 to 8192");
    const auto pooling = (*root)["pooling"].string("cls");
    if (pooling != "cls" && pooling != "mean") return wrong("'pooling' is cls or mean");
    made.model = {std::string((*root)["name"].string()), static_cast<std::size_t>(*dimensions),
                  std::string((*root)["query_prefix"].string()),
                  std::string((*root)["passage_prefix"].string())};
    made.max_tokens = static_cast<std::size_t>(*tokens);
    made.pooling = pooling == "mean" ? Pooling::kMean : Pooling::kFirstToken;
    return made;
}

class LocalEmbedder final : public Embedder {
public:
    LocalEmbedder(Description description, WordPiece tokenizer, OnnxSession session,
                  std::size_t threads)
        : description_(std::move(description)),
          tokenizer_(std::move(tokenizer)),
          session_(std::move(session)),
          threads_(std::max<std::size_t>(threads, 1)) {}

    const EmbeddingModel& model() const override { return description_.model; }
    std::size_t batch() const override { return threads_ * 8; }

    Result<std::vector<Vector>> embed(std::span<const std::string> texts,
                                      TextRole role) const override {
        std::vector<Vector> vectors(texts.size());
        std::vector<std::optional<Error>> errors(texts.size());
        std::atomic<std::size_t> next{0};
        const auto work = [&] {
            for (std::size_t i = next++; i < texts.size(); i = next++) {
                auto made = embed_text(texts[i], role);
                if (made)
                    vectors[i] = std::move(*made);
                else
                    errors[i] = std::move(made).error();
            }
        };
        {
            std::vector<std::jthread> helpers;
            for (std::size_t i = 1; i < std::min(threads_, texts.size()); ++i)
                helpers.emplace_back(work);
            work();
        }
        for (auto& error : errors)
            if (error) return tl::make_unexpected(std::move(*error));
        return vectors;
    }

private:
    /// One text a run: the int8 model scales its activations by the whole tensor, so that
    /// neighbours and padding in a batch would change a vector (cosine 0.988 at worst).
    Result<Vector> embed_text(const std::string& text, TextRole role) const {
        const auto& model = description_.model;
        const auto ids = tokenizer_.encode(
            (role == TextRole::kQuestion ? model.question_prefix : model.passage_prefix) + text);
        SEGUE_TRY(hidden, session_.run(ids, model.dimensions));
        Vector vector(hidden.begin(),
                      hidden.begin() + static_cast<std::ptrdiff_t>(model.dimensions));
        if (description_.pooling == Pooling::kMean)
            for (std::size_t i = model.dimensions; i < hidden.size(); ++i)
                vector[i % model.dimensions] += hidden[i];
        if (!normalise(vector))
            return fail(Fault::kInternal, "the embedding model gave a vector without a direction");
        return vector;
    }

    Description description_;
    WordPiece tokenizer_;
    OnnxSession session_;
    std::size_t threads_;
};

}  // namespace

Result<std::unique_ptr<Embedder>> open_local_embedder(const EmbeddingFiles& files,
                                                      std::size_t threads) {
    SEGUE_TRY(description, describe(files.folder));
    description.model.place = "folder:" + files.folder;
    SEGUE_TRY(text, read_file(files.folder + "/tokenizer.json"));
    SEGUE_TRY(tokenizer, WordPiece::from_json(text, description.max_tokens));
    SEGUE_TRY(session, OnnxSession::open(files.runtime, files.folder + "/model.onnx"));
    return std::unique_ptr<Embedder>(std::make_unique<LocalEmbedder>(
        std::move(description), std::move(tokenizer), std::move(session), threads));
}

}  // namespace segue::rag
