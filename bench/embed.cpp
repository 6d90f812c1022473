// Segue's embedding model alone, in a loop: what ingestion is held against. One text a line on
// standard input (JSON strings); prints how many a second.
#include <chrono>
#include <cstdio>
#include <iostream>
#include <string>
#include <vector>

#include "base/json.hpp"
#include "rag/embed/embedder.hpp"

int main() {
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
    const auto vectors = (*embedder)->embed(texts, segue::rag::TextRole::kPassage);
    const double took =
        std::chrono::duration<double>(std::chrono::steady_clock::now() - begin).count();
    if (!vectors) {
        std::fprintf(stderr, "%s\n", vectors.error().detail.c_str());
        return 4;
    }
    std::printf("%.2f\n", static_cast<double>(texts.size()) / took);
    return 0;
}
