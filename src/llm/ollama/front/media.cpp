#include "llm/ollama/front/media.hpp"

#include <algorithm>

#include "base/text.hpp"
#include "llm/ollama/front/go_json.hpp"

namespace segue::llm {
namespace {

std::string_view image_type(std::string_view bytes) {
    const auto at = [&](std::size_t offset, std::string_view magic) {
        return bytes.size() >= offset && bytes.substr(offset).starts_with(magic);
    };
    if (at(0, "\x89PNG\r\n\x1A\n")) return "image/png";
    if (at(0, "GIF87a") || at(0, "GIF89a")) return "image/gif";
    if (at(0, "RIFF") && at(8, "WEBP")) return "image/webp";
    if (at(0, "BM")) return "image/bmp";
    return "image/jpeg";
}

/// "wav", "mp3" or "".
std::string_view audio_format(std::string_view bytes) {
    if (bytes.starts_with("RIFF") && bytes.size() >= 12 && bytes.substr(8).starts_with("WAVE"))
        return "wav";
    if (bytes.starts_with("ID3")) return "mp3";
    // An MPEG audio frame: eleven sync bits, then a layer that is not 0 (which would be AAC's
    // ADTS).
    if (bytes.size() >= 2 && bytes[0] == '\xFF' &&
        (static_cast<unsigned char>(bytes[1]) & 0xE0U) == 0xE0U &&
        (static_cast<unsigned char>(bytes[1]) & 0x06U) != 0)
        return "mp3";
    return "";
}

}  // namespace

std::optional<Part> read_media(std::string_view text, std::string& error) {
    if (istarts_with(text, "data:")) {
        if (const auto comma = text.find(','); comma != std::string_view::npos)
            text.remove_prefix(comma + 1);
    }
    std::string bytes;
    if (auto refusal = check_go_base64(text, bytes)) {
        error = std::move(*refusal);
        return std::nullopt;
    }
    std::string base64;
    base64.reserve(text.size());
    std::ranges::copy_if(text, std::back_inserter(base64),
                         [](char c) { return c != '\r' && c != '\n'; });
    // JPEG begins FF D8, which is no MPEG sync word.
    if (const auto format = audio_format(bytes); !format.empty())
        return AudioPart{std::string(format), std::move(base64)};
    return ImagePart{std::string(image_type(bytes)), std::move(base64), {}};
}

}  // namespace segue::llm
