#include "rag/embed/embedder.hpp"

#include <fmt/format.h>

#include <cmath>
#include <filesystem>
#include <thread>

namespace segue::rag {
namespace {

constexpr std::string_view kDefaultModel = "bge-small-en-v1.5";

bool is_file(const std::filesystem::path& path) {
    std::error_code ignored;
    return std::filesystem::is_regular_file(path, ignored);
}

/// The first folder below `base` that holds a model: base itself, the default model, any other one.
std::string model_folder(const std::filesystem::path& base) {
    const auto holds = [](const std::filesystem::path& folder) {
        return is_file(folder / "model.onnx") && is_file(folder / "tokenizer.json");
    };
    if (holds(base)) return base.string();
    if (holds(base / kDefaultModel)) return (base / kDefaultModel).string();
    std::error_code error;
    for (const auto& entry : std::filesystem::directory_iterator(base, error))
        if (holds(entry.path())) return entry.path().string();
    return {};
}

std::string runtime_file(const std::filesystem::path& base) {
    for (const auto& folder :
         {base, base / "runtime", base.parent_path(), base.parent_path() / "runtime"})
        if (const auto file = folder / "libonnxruntime.so.1"; is_file(file)) return file.string();
    return {};
}

Result<EmbeddingFiles> look_in(const std::filesystem::path& base) {
    EmbeddingFiles files{runtime_file(base), model_folder(base)};
    if (files.folder.empty())
        return fail(Fault::kNotFound,
                    fmt::format("{} holds no embedding model (model.onnx and tokenizer.json)",
                                base.string()));
    if (files.runtime.empty())
        return fail(Fault::kNotFound,
                    fmt::format("{} holds no libonnxruntime.so.1", base.string()));
    return files;
}

}  // namespace

bool normalise(Vector& vector) {
    double sum = 0;
    for (const float x : vector)
        sum += static_cast<double>(x) * static_cast<double>(x);
    if (!(sum > 0) || !std::isfinite(sum)) return false;
    const double scale = 1.0 / std::sqrt(sum);
    for (float& x : vector)
        x = static_cast<float>(static_cast<double>(x) * scale);
    return true;
}

Result<Vector> Embedder::embed_one(std::string_view text, TextRole role) const {
    const std::string copy(text);
    SEGUE_TRY(vectors, embed(std::span(&copy, 1), role));
    return std::move(vectors.front());
}

Result<EmbeddingFiles> find_embedding_files(const Environment& environment,
                                            const std::string& program) {
    if (const auto named = environment("SEGUE_EMBEDDING_DIR"); named && !named->empty())
        return look_in(*named);
    const auto folder = std::filesystem::path(program).parent_path();
    std::vector<std::filesystem::path> places{folder / "embedding",
                                              folder.parent_path() / "lib/segue/embedding"};
    for (auto up = folder; up.has_relative_path(); up = up.parent_path())
        places.push_back(up / ".deps/embedding");
    for (const auto& place : places)
        if (auto found = look_in(place)) return found;
    return fail(Fault::kNotFound,
                "no embedding model beside the program; run 'make deps', or name its folder in "
                "SEGUE_EMBEDDING_DIR");
}

Result<std::unique_ptr<Embedder>> open_default_embedder(const Environment& environment) {
    std::error_code error;
    const auto program = std::filesystem::read_symlink("/proc/self/exe", error).string();
    SEGUE_TRY(files, find_embedding_files(environment, program));
    return open_local_embedder(files, std::max(1U, std::thread::hardware_concurrency()));
}

}  // namespace segue::rag
