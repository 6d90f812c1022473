/// The embedding model of this machine for tests; without it they are skipped, as search goes on
/// without it.
#pragma once

#include <unistd.h>

#include <array>
#include <string>

#include "rag/embed/embedder.hpp"

namespace segue::rag {

inline Result<EmbeddingFiles> test_model_files() {
    std::array<char, 4096> path{};
    const auto length = readlink("/proc/self/exe", path.data(), path.size() - 1);
    return find_embedding_files(
        process_environment(),
        std::string(path.data(), length > 0 ? static_cast<std::size_t>(length) : 0));
}

}  // namespace segue::rag
