// Formats whose lines stand for themselves: Dockerfile, Makefile, nginx, Caddy, requirements,
// prose.
#include <algorithm>
#include <cstring>

#include "audit/read/segments.hpp"
#include "base/text.hpp"

namespace segue::audit {
namespace {

using enum Language;

class Reader {
public:
    Reader(std::string_view text, Language language, Segments& out)
        : text_(text), language_(language), out_(out), table_(out.paths) {}

    void run() {
        for (std::size_t at = 0; at < text_.size();) {
            const auto newline = std::min(text_.find('\n', at), text_.size());
            auto end = newline;
            if (end > at && text_[end - 1] == '\r') --end;
            line(at, end);
            at = newline + 1;
        }
    }

private:
    void add(std::size_t begin, std::size_t end, Region region, std::uint32_t path = 0) {
        if (begin < end)
            out_.list.push_back(
                {static_cast<std::uint32_t>(begin), static_cast<std::uint32_t>(end), region, path});
    }

    void line(std::size_t begin, std::size_t end) {
        const auto whole = text_.substr(begin, end - begin);
        const auto first = whole.find_first_not_of(" \t");
        if (first == std::string_view::npos) return;
        const auto content = whole.substr(first);
        const auto at = begin + first;
        if (language_ == kMarkdown || language_ == kText) {
            add(at, end, Region::kProse);
            return;
        }
        if (content[0] == '#') {
            add(at, end, Region::kComment, table_.add(directive_));
            return;
        }
        // A comment behind something: '#' after white space.
        std::size_t note = content.size();
        for (std::size_t i = 1; i < content.size(); ++i)
            if (content[i] == '#' && (content[i - 1] == ' ' || content[i - 1] == '\t')) {
                note = i;
                break;
            }
        switch (language_) {
            case kDockerfile: docker(at, content); return;
            case kMakefile: make(whole, at, content.substr(0, note)); break;
            case kNginx:
            case kCaddy: proxy(at, content.substr(0, note)); break;
            default: add(at, at + note, Region::kValue); break;
        }
        add(at + note, end, Region::kComment);
    }

    /// An instruction may go on over lines with a backslash.
    void docker(std::size_t at, std::string_view content) {
        std::size_t begin = 0;
        if (!continued_) {
            const auto space = std::min(content.find_first_of(" \t"), content.size());
            directive_ = to_lower(content.substr(0, space));
            begin = space;
        }
        continued_ = content.ends_with('\\') || (content.starts_with('#') && continued_);
        const bool shell = directive_ == "run" || directive_ == "cmd" ||
                           directive_ == "entrypoint" || directive_ == "healthcheck";
        add(at + begin, at + content.size(), shell ? Region::kShell : Region::kValue,
            table_.add(directive_));
    }

    void make(std::string_view whole, std::size_t at, std::string_view content) {
        const bool recipe = whole[0] == '\t' || (whole[0] == ' ' && !content.empty());
        add(at, at + content.size(), recipe ? Region::kShell : Region::kCode);
    }

    void proxy(std::size_t at, std::string_view content) {
        const auto space = std::min(content.find_first_of(" \t;{"), content.size());
        directive_ = std::string(content.substr(0, space));
        add(at, at + content.size(), Region::kValue, table_.add(directive_));
    }

    std::string_view text_;
    Language language_;
    Segments& out_;
    PathTable table_;
    std::string directive_;
    bool continued_ = false;
};

}  // namespace

void read_lines(std::string_view text, Language language, Segments& out) {
    Reader(text, language, out).run();
}

Segments read_segments(const Source& source) {
    Segments out;
    const auto text = source.text();
    const auto language = source.form().language;
    switch (language) {
        case kVue:
        case kSvelte:
        case kXml:
        case kHtml: read_markup(text, language, out.list); break;
        case kYaml: read_yaml(text, out); break;
        case kJson:
        case kNotebook: read_json(text, out); break;
        case kToml:
        case kIni:
        case kEnv:
        case kProperties:
        case kSystemd: read_pairs(text, language, out); break;
        case kDockerfile:
        case kMakefile:
        case kNginx:
        case kCaddy:
        case kMarkdown:
        case kText:
        case kRequirements: read_lines(text, language, out); break;
        case kOther:
            if (source.form().gitignore || source.form().manifest)
                read_lines(text, kRequirements, out);
            else
                read_code(text, 0, text.size(), language, out.list);
            break;
        default: read_code(text, 0, text.size(), language, out.list); break;
    }
    return out;
}

}  // namespace segue::audit
