#include <fmt/format.h>

#include <algorithm>
#include <array>

#include "base/text.hpp"
#include "rag/ingest/parsers.hpp"

namespace segue::rag {
namespace {

constexpr std::array<std::string_view, 12> kNames{"markdown", "text", "html", "csv",
                                                  "json",     "yaml", "code", "email",
                                                  "docx",     "pptx", "xlsx", "pdf"};

struct Ending {
    std::string_view ending;
    Format format;
};
constexpr std::array kEndings{
    Ending{"md", Format::kMarkdown},  Ending{"markdown", Format::kMarkdown},
    Ending{"mdx", Format::kMarkdown}, Ending{"txt", Format::kText},
    Ending{"text", Format::kText},    Ending{"rst", Format::kText},
    Ending{"adoc", Format::kText},    Ending{"org", Format::kText},
    Ending{"tex", Format::kText},     Ending{"log", Format::kText},
    Ending{"html", Format::kHtml},    Ending{"htm", Format::kHtml},
    Ending{"xhtml", Format::kHtml},   Ending{"csv", Format::kCsv},
    Ending{"tsv", Format::kCsv},      Ending{"json", Format::kJson},
    Ending{"jsonl", Format::kJson},   Ending{"ndjson", Format::kJson},
    Ending{"yaml", Format::kYaml},    Ending{"yml", Format::kYaml},
    Ending{"toml", Format::kYaml},    Ending{"ini", Format::kYaml},
    Ending{"cfg", Format::kYaml},     Ending{"conf", Format::kYaml},
    Ending{"eml", Format::kEmail},    Ending{"docx", Format::kDocx},
    Ending{"docm", Format::kDocx},    Ending{"pptx", Format::kPptx},
    Ending{"pptm", Format::kPptx},    Ending{"xlsx", Format::kXlsx},
    Ending{"xlsm", Format::kXlsx},    Ending{"pdf", Format::kPdf},
};
constexpr std::array<std::string_view, 42> kCode{
    "c",    "h",     "cc",  "cpp",  "cxx", "hpp",   "hh",    "py",      "js",    "mjs", "cjs",
    "ts",   "tsx",   "jsx", "vue",  "go",  "rs",    "java",  "kt",      "scala", "cs",  "rb",
    "php",  "swift", "sh",  "bash", "zsh", "ps1",   "sql",   "lua",     "r",     "pl",  "m",
    "dart", "ex",    "exs", "erl",  "hs",  "cmake", "proto", "graphql", "tf"};

std::string ending_of(std::string_view path) {
    const auto name =
        path.substr(path.rfind('/') == std::string_view::npos ? 0 : path.rfind('/') + 1);
    const auto dot = name.rfind('.');
    if (dot == std::string_view::npos || dot == 0) return to_lower(name);
    return to_lower(name.substr(dot + 1));
}

/// What the content is, as far as its first bytes tell.
std::string_view magic_of(std::string_view beginning) {
    if (beginning.substr(0, 1024).find("%PDF-") != std::string_view::npos) return "a PDF";
    if (beginning.starts_with("PK\x03\x04") || beginning.starts_with("PK\x05\x06"))
        return "a ZIP archive";
    if (beginning.starts_with("\xD0\xCF\x11\xE0"))
        return "an old Office file (.doc, .xls, .ppt) or an encrypted one";
    if (beginning.starts_with("\x89PNG") || beginning.starts_with("\xFF\xD8\xFF") ||
        beginning.starts_with("GIF8"))
        return "a picture";
    if (beginning.starts_with("\x1F\x8B")) return "a gzip archive";
    if (beginning.starts_with("\x7F"
                              "ELF") ||
        beginning.starts_with("MZ"))
        return "a program";
    if (beginning.starts_with("{\\rtf")) return "an RTF file";
    if (beginning.starts_with("\xFF\xFE") || beginning.starts_with("\xFE\xFF"))
        return "";  // UTF-16
    const auto zeros = std::count(beginning.begin(), beginning.end(), '\0');
    if (zeros > 0 && static_cast<std::size_t>(zeros) * 100 > beginning.size())
        return "a binary file";
    return "";
}

bool is_office(Format format) {
    return format == Format::kDocx || format == Format::kPptx || format == Format::kXlsx;
}

/// Code points of Windows-1252 from 0x80 to 0x9F.
constexpr std::array<char32_t, 32> kWindows1252{
    0x20AC, 0xFFFD, 0x201A, 0x0192, 0x201E, 0x2026, 0x2020, 0x2021, 0x02C6, 0x2030, 0x0160,
    0x2039, 0x0152, 0xFFFD, 0x017D, 0xFFFD, 0xFFFD, 0x2018, 0x2019, 0x201C, 0x201D, 0x2022,
    0x2013, 0x2014, 0x02DC, 0x2122, 0x0161, 0x203A, 0x0153, 0xFFFD, 0x017E, 0x0178};

std::string from_utf16(std::string_view bytes, bool big_endian) {
    std::string out;
    const auto unit = [&](std::size_t i) -> char32_t {
        const auto a = static_cast<unsigned char>(bytes[i]);
        const auto b = static_cast<unsigned char>(bytes[i + 1]);
        return big_endian ? static_cast<char32_t>(a << 8U | b) : static_cast<char32_t>(b << 8U | a);
    };
    for (std::size_t i = 2; i + 1 < bytes.size(); i += 2) {
        char32_t c = unit(i);
        if (c >= 0xD800 && c < 0xDC00 && i + 3 < bytes.size()) {
            const char32_t low = unit(i + 2);
            if (low >= 0xDC00 && low < 0xE000) {
                c = 0x10000 + ((c - 0xD800) << 10U) + (low - 0xDC00);
                i += 2;
            }
        }
        append_utf8(c >= 0xD800 && c < 0xE000 ? 0xFFFD : c, out);
    }
    return out;
}

}  // namespace

std::string_view format_name(Format format) {
    return kNames[static_cast<std::size_t>(format)];
}

std::optional<Format> parse_format(std::string_view name) {
    for (std::size_t i = 0; i < kNames.size(); ++i)
        if (kNames[i] == name) return static_cast<Format>(i);
    return std::nullopt;
}

Result<Format> format_of(std::string_view path, std::string_view beginning) {
    const std::string ending = ending_of(path);
    std::optional<Format> format;
    for (const auto& known : kEndings)
        if (known.ending == ending) format = known.format;
    if (std::find(kCode.begin(), kCode.end(), ending) != kCode.end() || ending == "makefile" ||
        ending == "dockerfile" || ending == "cmakelists.txt")
        format = Format::kCode;
    if (!format && (ending == "readme" || ending == "license" || ending == "changelog"))
        format = Format::kText;
    const auto magic = magic_of(beginning);
    if (!format) {
        if (magic == "a PDF") return Format::kPdf;
        return fail(Fault::kInvalid,
                    fmt::format("Segue does not read '.{}' files{}; it reads Markdown, text, HTML, "
                                "PDF, DOCX, PPTX, XLSX, CSV, JSON, YAML, source code and .eml",
                                ending, magic.empty() ? "" : fmt::format(" (this is {})", magic)));
    }
    const bool wants_pdf = *format == Format::kPdf;
    const bool good = magic.empty()              ? !wants_pdf && !is_office(*format)
                      : magic == "a PDF"         ? wants_pdf
                      : magic == "a ZIP archive" ? is_office(*format)
                                                 : false;
    if (good || beginning.empty()) return *format;
    if (is_office(*format) && magic.starts_with("an old Office"))
        return fail(Fault::kInvalid,
                    "the file is encrypted or of the old Office format; save it without a password "
                    "as .docx, .pptx or .xlsx and add it again");
    return fail(Fault::kInvalid,
                fmt::format("the name ends in .{} but the content is {}; give it its right name",
                            ending, magic.empty() ? "plain text" : magic));
}

std::string decode_text(std::string_view bytes) {
    if (bytes.starts_with("\xEF\xBB\xBF")) bytes.remove_prefix(3);
    if (bytes.starts_with("\xFF\xFE")) return from_utf16(bytes, false);
    if (bytes.starts_with("\xFE\xFF")) return from_utf16(bytes, true);
    if (is_valid_utf8(bytes)) return std::string(bytes);
    // Mostly UTF-8 with a broken place stays UTF-8; else it is what Windows writes.
    std::size_t good = 0;
    std::size_t bad = 0;
    for (std::size_t i = 0; i < bytes.size();) {
        const auto c = static_cast<unsigned char>(bytes[i]);
        const std::size_t length = c < 0x80 ? 1 : c >= 0xF0 ? 4 : c >= 0xE0 ? 3 : 2;
        if (c >= 0x80) {
            const bool valid = is_valid_utf8(bytes.substr(i, length));
            (valid ? good : bad) += 1;
            i += valid ? length : 1;
        } else {
            ++i;
        }
    }
    if (good > bad) return replace_invalid_utf8(bytes);
    std::string out;
    for (const char byte : bytes) {
        const auto c = static_cast<unsigned char>(byte);
        append_utf8(c >= 0x80 && c < 0xA0 ? kWindows1252[c - 0x80U] : c, out);
    }
    return out;
}

Result<Parsed> parse(Format format, std::string_view path, std::string_view bytes) {
    if (bytes.empty()) return fail(Fault::kInvalid, "the file is empty");
    const auto text = [&] { return clean_text(decode_text(bytes)); };
    const auto read = [&]() -> Result<Parsed> {
        switch (format) {
            case Format::kMarkdown: return parse_markdown(text());
            case Format::kText: return parse_plain_text(text());
            case Format::kHtml: return parse_html(text());
            case Format::kCsv: return parse_csv(text());
            case Format::kJson: return parse_json(text());
            case Format::kYaml: return parse_yaml(text());
            case Format::kCode: return parse_code(text(), ending_of(path));
            case Format::kEmail: return parse_email(bytes);
            case Format::kDocx: return parse_docx(bytes);
            case Format::kPptx: return parse_pptx(bytes);
            case Format::kXlsx: return parse_xlsx(bytes);
            case Format::kPdf: return parse_pdf_text(text());
        }
        return fail(Fault::kInternal, "a format without a parser", "rag");
    };
    SEGUE_TRY(parsed, read());
    for (auto& block : parsed.blocks)
        block.text = clean_text(block.text);
    parsed.title = std::string(trim(clean_text(parsed.title)));
    std::replace(parsed.title.begin(), parsed.title.end(), '\n', ' ');
    const bool nothing = std::all_of(parsed.blocks.begin(), parsed.blocks.end(),
                                     [](const Block& block) { return trim(block.text).empty(); });
    if (nothing)
        return fail(Fault::kInvalid,
                    format == Format::kPdf
                        ? "the PDF holds no text, only pictures (a scan?); run it through text "
                          "recognition (OCR) and add it again"
                        : "the file holds no text");
    return parsed;
}

}  // namespace segue::rag
