/// From bytes to blocks, one function a format. They run on untrusted input: in the product only
/// inside the sandboxed child (rag/ingest/reader.hpp), in tests and fuzzers directly.
///
/// Thread: any; pure functions.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

#include "base/result.hpp"
#include "rag/ingest/block.hpp"

namespace segue::rag {

enum class Format : std::uint8_t {
    kMarkdown,
    kText,
    kHtml,
    kCsv,
    kJson,
    kYaml,
    kCode,
    kEmail,
    kDocx,
    kPptx,
    kXlsx,
    kPdf,
};
std::string_view format_name(Format format);
std::optional<Format> parse_format(std::string_view name);

/// By the name's ending, checked against how the content begins. kInvalid says what the file is
/// instead, or that Segue does not read its kind.
Result<Format> format_of(std::string_view path, std::string_view beginning);

/// UTF-8, UTF-16 with a mark, else Windows-1252 → UTF-8.
std::string decode_text(std::string_view bytes);

Result<Parsed> parse_markdown(std::string_view text);
Result<Parsed> parse_plain_text(std::string_view text);
Result<Parsed> parse_html(std::string_view text);
/// Rows of cells; the separator is found.
Result<Parsed> parse_csv(std::string_view text);
/// Paths and values, a line each.
Result<Parsed> parse_json(std::string_view text);
/// Top-level keys are sections.
Result<Parsed> parse_yaml(std::string_view text);
/// `language` is the file's ending.
Result<Parsed> parse_code(std::string_view text, std::string_view language);
Result<Parsed> parse_email(std::string_view bytes);
Result<Parsed> parse_docx(std::string_view bytes);
Result<Parsed> parse_pptx(std::string_view bytes);
Result<Parsed> parse_xlsx(std::string_view bytes);
/// What pdftotext wrote: pages end with a form feed.
Result<Parsed> parse_pdf_text(std::string_view text);

/// All formats but PDF. An empty document is an error that says so.
Result<Parsed> parse(Format format, std::string_view path, std::string_view bytes);

}  // namespace segue::rag
