// Segue's embedding model alone, in a loop: what ingestion is held against. One text a line on
// standard input (JSON strings); prints how many a second, or the vectors themselves, one a line as
// pgvector reads them: `segue-bench-embed [passages|questions]`.
#include <fmt/ranges.h>

#include <chrono>
#include <cstdio>
#include <iostream>
#include <string>
#include <string_view>
#include <vector>

#include "base/json.hpp"
#include "rag/embed/embedder.hpp"

int main(int count, char** words) {
    const std::string_view wanted = count > 1 ? words[1] : "";
    const auto embedder = segue::rag::open_default_embedder(segue::process_environment());
    if (!embedder) {
        std::fprintf(stderr, "%s\n", embedder.error().detail.c_str());
        return 3;
    }
    std::vector<std::string> texts;
    segue::json::Parser parser;
    for (std::string line; std::getline(std::cin, line);)
        if (const auto text = parser.parse(line)) texts.emplace_back(text->string());
    const auto begin = std::chrono::steady_clock::now();
    const auto role =
        wanted == "questions" ? segue::rag::TextRole::kQuestion : segue::rag::TextRole::kPassage;
    const auto vectors = (*embedder)->embed(texts, role);
    const double took =
        std::chrono::duration<double>(std::chrono::steady_clock::now() - begin).count();
    if (!vectors) {
        std::fprintf(stderr, "%s\n", vectors.error().detail.c_str());
        return 4;
    }
    if (!wanted.empty()) {
        for (const auto& vector : *vectors)
            fmt::print("[{}]\n", fmt::join(vector, ","));
        return 0;
    }
    std::printf("%.2f\n", static_cast<double>(texts.size()) / took);
    return 0;
}
