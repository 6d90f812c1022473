/// Vectors that depend on the words of a text and nothing else: texts that share words are near
/// each other. Pure.
#pragma once

#include <cstddef>
#include <string>
#include <string_view>
#include <vector>

namespace segue::engine::rehearsal {

enum class Normalised : bool { kNo, kYes };
std::vector<float> embed_text(std::string_view text, std::size_t length, Normalised normalised);
/// Cuts to `length` and normalises again; longer than it is: unchanged.
void shorten_embedding(std::vector<float>& vector, std::size_t length);
std::string write_vector(const std::vector<float>& vector);
/// Little-endian float32 in base64, OpenAI's encoding_format base64.
std::string write_vector_base64(const std::vector<float>& vector);

}  // namespace segue::engine::rehearsal
