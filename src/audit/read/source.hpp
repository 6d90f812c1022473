/// One file's text with its lines. Owns the bytes; everything else points into them by offset, so
/// findings keep the physical place. Immutable after load.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "audit/read/form.hpp"

namespace segue::audit {

enum class Encoding : std::uint8_t { kUtf8, kUtf16Le, kUtf16Be, kLatin1 };

class Source {
public:
    Source() = default;
    /// Decodes UTF-16 (by its BOM, or by its zero bytes) to UTF-8; other bytes stay as they are.
    Source(std::string path, std::string bytes);

    const std::string& path() const { return path_; }
    std::string_view text() const { return text_; }
    Encoding encoding() const { return encoding_; }
    const Form& form() const { return form_; }
    Form& form() { return form_; }

    std::size_t lines() const { return starts_.size(); }
    /// Line from 0 that holds the offset.
    std::uint32_t line_of(std::size_t offset) const;
    std::size_t line_start(std::uint32_t line) const { return starts_[line]; }
    /// Without its line end.
    std::string_view line(std::uint32_t line) const;
    std::string_view line_at(std::size_t offset) const { return line(line_of(offset)); }

private:
    std::string path_;
    std::string text_;
    Encoding encoding_ = Encoding::kUtf8;
    Form form_;
    std::vector<std::uint32_t> starts_;
};

/// NUL bytes that are no UTF-16: not a text.
bool looks_binary(std::string_view head);
/// The offset in UTF-16 units of a byte offset in a line.
std::uint32_t utf16_column(std::string_view line, std::size_t bytes);

}  // namespace segue::audit
