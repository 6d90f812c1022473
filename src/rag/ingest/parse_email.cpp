// E-mail (RFC 5322, MIME): headers people read, and the text of the message; attachments are named.
#include <fmt/format.h>

#include <algorithm>
#include <vector>

#include "base/text.hpp"
#include "rag/ingest/parsers.hpp"

namespace segue::rag {
namespace {

constexpr int kDeepest = 16;
constexpr std::size_t kMostParts = 1000;

struct Header {
    std::string name;
    std::string value;
};
struct Part {
    std::vector<Header> headers;
    std::string_view body;

    std::string_view header(std::string_view name) const {
        for (const auto& each : headers)
            if (iequals(each.name, name)) return each.value;
        return {};
    }
};

Part split_part(std::string_view text) {
    Part part;
    while (!text.empty()) {
        const auto end = text.find('\n');
        std::string_view line = text.substr(0, end);
        text.remove_prefix(end == std::string_view::npos ? text.size() : end + 1);
        if (line.ends_with('\r')) line.remove_suffix(1);
        if (line.empty()) break;
        if ((line.front() == ' ' || line.front() == '\t') && !part.headers.empty()) {
            part.headers.back().value.append(" ").append(trim(line));
            continue;
        }
        const auto colon = line.find(':');
        if (colon == std::string_view::npos) continue;
        part.headers.push_back(
            {std::string(line.substr(0, colon)), std::string(trim(line.substr(colon + 1)))});
    }
    part.body = text;
    return part;
}

int hex_digit(char c) {
    if (c >= '0' && c <= '9') return c - '0';
    if (c >= 'A' && c <= 'F') return c - 'A' + 10;
    if (c >= 'a' && c <= 'f') return c - 'a' + 10;
    return -1;
}

std::string quoted_printable(std::string_view text, bool underscores) {
    std::string out;
    for (std::size_t i = 0; i < text.size(); ++i) {
        if (underscores && text[i] == '_') {
            out += ' ';
        } else if (text[i] == '=' && i + 2 < text.size() && hex_digit(text[i + 1]) >= 0 &&
                   hex_digit(text[i + 2]) >= 0) {
            out += static_cast<char>(hex_digit(text[i + 1]) * 16 + hex_digit(text[i + 2]));
            i += 2;
        } else if (text[i] == '=' && i + 1 < text.size() && text[i + 1] == '\n') {
            ++i;
        } else if (text[i] == '=' && i + 2 < text.size() && text[i + 1] == '\r') {
            i += 2;
        } else {
            out += text[i];
        }
    }
    return out;
}

std::string from_base64(std::string_view text) {
    std::string packed;
    for (const char c : text)
        if (c > ' ') packed += c;
    while (packed.size() % 4 != 0)
        packed += '=';
    Base64Error error{0};
    if (auto decoded = base64_decode(packed, &error)) return std::move(*decoded);
    return base64_decode(packed.substr(0, error.offset / 4 * 4)).value_or("");
}

/// Bytes in a named character set → UTF-8; sets that are not known are guessed.
std::string in_utf8(std::string bytes, std::string_view charset) {
    if (iequals(charset, "utf-8") || iequals(charset, "us-ascii"))
        return replace_invalid_utf8(bytes);
    if (istarts_with(charset, "iso-8859-1") || iequals(charset, "latin1")) {
        std::string out;
        for (const char c : bytes)
            append_utf8(static_cast<unsigned char>(c), out);
        return out;
    }
    return decode_text(bytes);
}

/// =?utf-8?Q?Gr=C3=BC=C3=9Fe?= → Grüße
std::string decode_words(std::string_view value) {
    std::string out;
    std::size_t at = 0;
    bool after_word = false;
    while (at < value.size()) {
        const auto start = value.find("=?", at);
        const auto charset_end =
            start == std::string_view::npos ? start : value.find('?', start + 2);
        const auto kind_end =
            charset_end == std::string_view::npos ? charset_end : value.find('?', charset_end + 1);
        const auto end =
            kind_end == std::string_view::npos ? kind_end : value.find("?=", kind_end + 1);
        if (end == std::string_view::npos) break;
        const auto between = value.substr(at, start - at);
        if (!after_word || !trim(between).empty()) out += between;
        const auto charset = value.substr(start + 2, charset_end - start - 2);
        const auto kind = value.substr(charset_end + 1, kind_end - charset_end - 1);
        const auto text = value.substr(kind_end + 1, end - kind_end - 1);
        out +=
            in_utf8(iequals(kind, "B") ? from_base64(text) : quoted_printable(text, true), charset);
        at = end + 2;
        after_word = true;
    }
    return out.append(value.substr(at));
}

/// A parameter of a header: boundary, charset, filename.
std::string parameter(std::string_view header, std::string_view name) {
    for (auto part : split(header, ';')) {
        part = trim(part);
        if (!istarts_with(part, name)) continue;
        part = trim(part.substr(name.size()));
        if (!part.starts_with('=')) continue;
        part = trim(part.substr(1));
        if (part.size() >= 2 && part.front() == '"') part = part.substr(1, part.find('"', 1) - 1);
        return std::string(part);
    }
    return {};
}

class Message {
public:
    Result<Parsed> run(std::string_view bytes) {
        const Part top = split_part(bytes);
        if (top.headers.empty())
            return fail(Fault::kInvalid,
                        "the file holds no e-mail (no headers); give it its right "
                        "name");
        parsed_.title = decode_words(top.header("Subject"));
        std::string head;
        for (const std::string_view name : {"From", "To", "Cc", "Date", "Subject"})
            if (const auto value = top.header(name); !value.empty())
                head.append(name).append(": ").append(decode_words(value)).append("\n");
        if (!parsed_.title.empty())
            parsed_.blocks.push_back({Block::Kind::kHeading, 1, parsed_.title, {}});
        if (!head.empty()) parsed_.blocks.push_back({Block::Kind::kParagraph, 0, head, {}});
        add(top, 0);
        return std::move(parsed_);
    }

private:
    void add(const Part& part, int depth) {
        if (depth > kDeepest || ++parts_ > kMostParts) return;
        const auto type = part.header("Content-Type");
        if (istarts_with(type, "multipart/")) return add_parts(part, type, depth);
        if (istarts_with(type, "message/rfc822")) return add(split_part(part.body), depth + 1);
        const auto disposition = part.header("Content-Disposition");
        std::string file = parameter(disposition, "filename");
        if (file.empty()) file = parameter(type, "name");
        const bool text = type.empty() || istarts_with(type, "text/");
        if (!text || istarts_with(disposition, "attachment")) {
            parsed_.blocks.push_back(
                {Block::Kind::kParagraph,
                 0,
                 fmt::format("Attachment: {}", file.empty() ? "unnamed" : decode_words(file)),
                 {}});
            return;
        }
        const auto coding = part.header("Content-Transfer-Encoding");
        std::string bytes = iequals(coding, "base64") ? from_base64(part.body)
                            : iequals(coding, "quoted-printable")
                                ? quoted_printable(part.body, false)
                                : std::string(part.body);
        const std::string body = clean_text(in_utf8(std::move(bytes), parameter(type, "charset")));
        const auto read =
            istarts_with(type, "text/html") ? parse_html(body) : parse_plain_text(body);
        if (!read) return;
        for (auto block : read->blocks) {
            block.place = {};
            parsed_.blocks.push_back(std::move(block));
        }
    }

    void add_parts(const Part& part, std::string_view type, int depth) {
        const std::string boundary = parameter(type, "boundary");
        if (boundary.empty()) return;
        const std::string mark = "--" + boundary;
        std::vector<Part> parts;
        std::string_view left = part.body;
        std::size_t at = left.starts_with(mark) ? 0 : left.find("\n" + mark);
        while (at != std::string_view::npos && parts.size() < kMostParts) {
            const auto line_end = left.find('\n', left.find(mark, at));
            const auto marked = left.substr(left.find(mark, at) + mark.size(), 2);
            if (marked == "--" || line_end == std::string_view::npos) break;
            left.remove_prefix(line_end + 1);
            at = left.starts_with(mark) ? 0 : left.find("\n" + mark);
            parts.push_back(split_part(left.substr(0, at)));
        }
        // Of alternatives the plain text says it all.
        if (istarts_with(type, "multipart/alternative")) {
            const auto plain = std::find_if(parts.begin(), parts.end(), [](const Part& each) {
                return istarts_with(each.header("Content-Type"), "text/plain");
            });
            if (plain != parts.end()) return add(*plain, depth + 1);
            if (!parts.empty()) return add(parts.back(), depth + 1);
            return;
        }
        for (const auto& each : parts)
            add(each, depth + 1);
    }

    Parsed parsed_;
    std::size_t parts_ = 0;
};

}  // namespace

Result<Parsed> parse_email(std::string_view bytes) {
    return Message().run(bytes);
}

}  // namespace segue::rag
