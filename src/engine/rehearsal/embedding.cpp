#include "engine/rehearsal/embedding.hpp"

#include <fmt/format.h>

#include <bit>
#include <cmath>
#include <cstdint>

#include "base/ids.hpp"
#include "base/text.hpp"
#include "engine/rehearsal/passages.hpp"

namespace segue::engine::rehearsal {
namespace {

std::uint64_t fnv1a(std::string_view text) {
    std::uint64_t hash = 14695981039346656037ULL;
    for (char c : text)
        hash = (hash ^ static_cast<unsigned char>(c)) * 1099511628211ULL;
    return hash;
}

void add_direction(std::string_view word, float weight, std::vector<float>& out) {
    Random random(fnv1a(word));
    for (float& value : out)
        value += weight * static_cast<float>(random.uniform() * 2.0 - 1.0);
}

void normalise(std::vector<float>& vector) {
    double sum = 0;
    for (float value : vector)
        sum += static_cast<double>(value) * static_cast<double>(value);
    if (sum <= 0) return;
    const auto scale = static_cast<float>(1.0 / std::sqrt(sum));
    for (float& value : vector)
        value *= scale;
}

}  // namespace

std::vector<float> embed_text(std::string_view text, std::size_t length, Normalised normalised) {
    std::vector<float> out(length);
    for (const std::string& word : meaning_words(text))
        add_direction(word, 1.0F, out);
    // The exact text counts a little, so that different texts of the same words differ.
    add_direction(text, 0.1F, out);
    if (normalised == Normalised::kYes) normalise(out);
    return out;
}

void shorten_embedding(std::vector<float>& vector, std::size_t length) {
    if (length == 0 || length >= vector.size()) return;
    vector.resize(length);
    normalise(vector);
}

std::string write_vector(const std::vector<float>& vector) {
    std::string out = "[";
    for (float value : vector) {
        if (out.size() > 1) out += ',';
        out += fmt::format("{}", value);
    }
    return out + "]";
}

std::string write_vector_base64(const std::vector<float>& vector) {
    std::string bytes;
    for (float value : vector) {
        const auto bits = std::bit_cast<std::uint32_t>(value);
        for (unsigned shift = 0; shift < 32; shift += 8)
            bytes += static_cast<char>((bits >> shift) & 0xFF);
    }
    return base64_encode(bytes);
}

}  // namespace segue::engine::rehearsal
