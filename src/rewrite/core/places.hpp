/// Questions about places that several families ask: comments, own names, blocks that run Ollama.
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "audit/model.hpp"
#include "audit/text/vocabulary.hpp"
#include "rewrite/core/workspace.hpp"

namespace segue::rewrite {

using audit::Range;

std::string_view line_around(std::string_view text, std::size_t at);
std::size_t line_begin(std::string_view text, std::size_t at);
/// Behind the line end.
std::size_t line_end(std::string_view text, std::size_t at);
std::uint32_t line_number(std::string_view text, std::size_t at);

/// Parts of a compose or Kubernetes file that describe the Ollama server itself; whole files of
/// Dockerfiles and units that run it.
std::vector<Range> server_blocks(const File& file);
bool covered(const std::vector<Range>& ranges, std::size_t at);

/// An image of Ollama's: "ollama/ollama:0.5", "docker.io/ollama/ollama@sha256:…".
bool is_ollama_image(std::string_view image);

/// "app/llm/x.py" → "app/llm"; empty for what lies at the top.
std::string folder_of(std::string_view path);

/// The project's own name or a name of data stands here.
bool is_kept_name(const audit::Model& model, std::string_view text, std::size_t at);

}  // namespace segue::rewrite
