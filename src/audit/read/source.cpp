#include "audit/read/source.hpp"

#include <algorithm>

#include "base/text.hpp"

namespace segue::audit {
namespace {

Encoding encoding_of(std::string_view bytes) {
    if (bytes.starts_with("\xff\xfe")) return Encoding::kUtf16Le;
    if (bytes.starts_with("\xfe\xff")) return Encoding::kUtf16Be;
    const auto head = bytes.substr(0, 4096);
    if (head.find('\0') == std::string_view::npos) return Encoding::kUtf8;  // nearly all
    std::size_t even = 0;
    std::size_t odd = 0;
    for (std::size_t i = 0; i < head.size(); ++i)
        if (head[i] == '\0') ++(i % 2 == 0 ? even : odd);
    // Latin text in UTF-16 has a zero in nearly every second byte.
    if (odd * 3 > head.size() && even == 0) return Encoding::kUtf16Le;
    if (even * 3 > head.size() && odd == 0) return Encoding::kUtf16Be;
    return Encoding::kUtf8;
}

std::string from_utf16(std::string_view bytes, bool little) {
    std::string out;
    out.reserve(bytes.size() / 2);
    const auto unit = [&](std::size_t i) {
        const auto a = static_cast<unsigned char>(bytes[i]);
        const auto b = static_cast<unsigned char>(bytes[i + 1]);
        return static_cast<char32_t>(little ? a | b << 8 : a << 8 | b);
    };
    std::size_t i = bytes.size() >= 2 && unit(0) == 0xfeff ? 2 : 0;
    for (; i + 1 < bytes.size(); i += 2) {
        char32_t c = unit(i);
        if (c >= 0xd800 && c < 0xdc00 && i + 3 < bytes.size()) {
            const char32_t low = unit(i + 2);
            if (low >= 0xdc00 && low < 0xe000) {
                c = 0x10000 + ((c - 0xd800) << 10) + (low - 0xdc00);
                i += 2;
            }
        }
        append_utf8(c >= 0xd800 && c < 0xe000 ? U'\ufffd' : c, out);
    }
    return out;
}

}  // namespace

bool looks_binary(std::string_view head) {
    if (encoding_of(head) != Encoding::kUtf8) return false;
    return head.substr(0, 8192).find('\0') != std::string_view::npos;
}

Source::Source(std::string path, std::string bytes)
    : path_(std::move(path)), encoding_(encoding_of(bytes)) {
    text_ = encoding_ == Encoding::kUtf16Le   ? from_utf16(bytes, true)
            : encoding_ == Encoding::kUtf16Be ? from_utf16(bytes, false)
                                              : std::move(bytes);
    form_ = classify(path_, std::string_view(text_).substr(0, 65536));
    starts_.push_back(0);
    for (std::size_t at = 0; (at = text_.find('\n', at)) != std::string::npos;) {
        ++at;
        if (at < text_.size()) starts_.push_back(static_cast<std::uint32_t>(at));
    }
}

std::uint32_t Source::line_of(std::size_t offset) const {
    const auto after = std::upper_bound(starts_.begin(), starts_.end(), offset);
    return static_cast<std::uint32_t>(after - starts_.begin()) - 1;
}

std::string_view Source::line(std::uint32_t line) const {
    const std::size_t begin = starts_[line];
    const std::size_t end = line + 1 < starts_.size() ? starts_[line + 1] : text_.size();
    auto text = std::string_view(text_).substr(begin, end - begin);
    while (!text.empty() && (text.back() == '\n' || text.back() == '\r'))
        text.remove_suffix(1);
    return text;
}

std::uint32_t utf16_column(std::string_view line, std::size_t bytes) {
    std::uint32_t units = 0;
    for (std::size_t i = 0; i < std::min(bytes, line.size()); ++i) {
        const auto c = static_cast<unsigned char>(line[i]);
        if ((c & 0xc0) == 0x80) continue;  // continuation
        units += c >= 0xf0 ? 2 : 1;
    }
    return units;
}

}  // namespace segue::audit
