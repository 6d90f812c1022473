// The lexical reader of programming languages: strings and comments, so that a word knows where it
// is.
#include <algorithm>
#include <array>
#include <cstring>

#include "audit/read/segments.hpp"
#include "base/text.hpp"

namespace segue::audit {
namespace {

using enum Language;

struct Syntax {
    std::string_view line_comment;         // "//", "#", "--"
    std::string_view second_line_comment;  // PHP takes both
    bool block_comment = false;            // /* */
    std::string_view quotes = "\"'";
    std::string_view long_quotes;  // may span lines: backtick, and triple quotes of Python
    bool triple = false;
};

Syntax syntax_of(Language language) {
    switch (language) {
        case kPython: return {"#", "", false, "\"'", "", true};
        case kJavaScript:
        case kTypeScript:
        case kTsx:
        case kVue:
        case kSvelte: return {"//", "", true, "\"'", "`", false};
        case kGo: return {"//", "", true, "\"'", "`", false};
        case kJava:
        case kKotlin: return {"//", "", true, "\"'", "", true};
        case kCSharp:
        case kRazor: return {"//", "", true, "\"'", "", true};
        case kRust: return {"//", "", true, "\"", "", false};
        case kSwift: return {"//", "", true, "\"'", "", true};
        case kC: return {"//", "", true, "\"'", "", false};
        case kPhp: return {"//", "#", true, "\"'", "", false};
        case kRuby: return {"#", "", false, "\"'", "`", false};
        case kShell: return {"#", "", false, "\"'", "", false};
        case kPowerShell: return {"#", "", false, "\"'", "", false};
        case kSql: return {"--", "", true, "'\"", "", false};
        case kCss: return {"", "", true, "\"'", "", false};
        case kYaml:
        case kJson:
        case kToml:
        case kIni:
        case kEnv:
        case kProperties:
        case kXml:
        case kHtml:
        case kDockerfile:
        case kMakefile:
        case kNginx:
        case kCaddy:
        case kSystemd:
        case kMarkdown:
        case kText:
        case kNotebook:
        case kRequirements:
        case kOther: break;
    }
    return {"#", "//", true, "\"'", "`", false};
}

class Lexer {
public:
    Lexer(std::string_view text, std::size_t begin, std::size_t end, Language language,
          std::vector<Segment>& out)
        : text_(text.substr(0, end)),
          at_(begin),
          code_(begin),
          language_(language),
          syntax_(syntax_of(language)),
          out_(out) {
        for (const std::string_view opening :
             {syntax_.line_comment.substr(0, 1), syntax_.second_line_comment.substr(0, 1),
              syntax_.quotes, syntax_.long_quotes,
              std::string_view(syntax_.block_comment ? "/" : ""),
              std::string_view(language == kPowerShell ? "<" : "")})
            for (const char c : opening)
                opens_[static_cast<unsigned char>(c)] = true;
    }

    void run() {
        while (at_ < text_.size()) {
            if (opens_[static_cast<unsigned char>(text_[at_])] && (comment() || string())) continue;
            ++at_;
        }
        add(code_, text_.size(), Region::kCode);
    }

private:
    bool starts(std::string_view what) const {
        return !what.empty() && text_.substr(at_, what.size()) == what;
    }
    void add(std::size_t begin, std::size_t end, Region region) {
        if (begin < end)
            out_.push_back(
                {static_cast<std::uint32_t>(begin), static_cast<std::uint32_t>(end), region, 0});
    }
    /// Ends the code before `begin`, adds [begin, end) and goes on at `next`.
    void take(std::size_t begin, std::size_t end, std::size_t next, Region region) {
        add(code_, begin, Region::kCode);
        add(begin, end, region);
        at_ = code_ = next;
    }
    std::size_t line_end(std::size_t from) const {
        return std::min(text_.find('\n', from), text_.size());
    }

    bool comment() {
        // "#" and "--" begin a comment only after white space in shells ("$#", "${#x}", "--flag").
        const bool at_word = at_ == 0 || std::strchr(" \t\n;(", text_[at_ - 1]) != nullptr;
        const bool hash_needs_space =
            language_ == kShell || language_ == kPowerShell || language_ == kOther;
        if (starts("/*") && syntax_.block_comment) {
            const auto end = text_.find("*/", at_ + 2);
            const auto stop = end == std::string_view::npos ? text_.size() : end + 2;
            take(at_, stop, stop, Region::kComment);
            return true;
        }
        if (language_ == kPowerShell && starts("<#")) {
            const auto end = text_.find("#>", at_ + 2);
            const auto stop = end == std::string_view::npos ? text_.size() : end + 2;
            take(at_, stop, stop, Region::kComment);
            return true;
        }
        const bool line = (starts(syntax_.line_comment) && (!hash_needs_space || at_word)) ||
                          (starts(syntax_.second_line_comment) && at_word);
        if (!line) return false;
        if (text_[at_] == '/' && at_ > 0 && text_[at_ - 1] == ':') return false;  // a bare URL
        const auto end = line_end(at_);
        take(at_, end, end, Region::kComment);
        return true;
    }

    bool string() {
        const char quote = text_[at_];
        if (syntax_.triple && (quote == '"' || quote == '\'')) {
            const std::string three(3, quote);
            if (starts(three)) {
                const auto end = std::min(text_.find(three, at_ + 3), text_.size());
                take(at_ + 3, end, std::min(end + 3, text_.size()),
                     is_docstring() ? Region::kComment : Region::kString);
                return true;
            }
        }
        if (syntax_.long_quotes.find(quote) != std::string_view::npos) return quoted(quote, true);
        if (syntax_.quotes.find(quote) == std::string_view::npos) return false;
        const char before = at_ > 0 ? text_[at_ - 1] : ' ';
        // An apostrophe inside a word is no quote ("don't" in JSX text); Rust lifetimes are
        // excluded above.
        if (quote == '\'' && std::isalnum(static_cast<unsigned char>(before)) != 0 &&
            !(language_ == kPython && std::strchr("rbfuRBFU", before) != nullptr))
            return false;
        return quoted(quote, language_ == kShell || language_ == kSql);
    }

    bool quoted(char quote, bool many_lines) {
        std::size_t end = at_ + 1;
        while (end < text_.size() && text_[end] != quote && (many_lines || text_[end] != '\n'))
            end += text_[end] == '\\' && !(language_ == kSql || (language_ == kGo && quote == '`'))
                       ? 2
                       : 1;
        end = std::min(end, text_.size());
        take(at_ + 1, end,
             std::min(end + (end < text_.size() && text_[end] == quote ? 1 : 0), text_.size()),
             Region::kString);
        return true;
    }

    /// A triple-quoted string that begins a line of its own is documentation.
    bool is_docstring() const {
        if (language_ != kPython) return false;
        auto begin = at_;
        while (begin > 0 && text_[begin - 1] != '\n')
            --begin;
        const auto before = trim(text_.substr(begin, at_ - begin));
        if (!before.empty() && before != "r" && before != "u") return false;
        // An argument or an element on its own line follows "(", "," or "=".
        while (begin > 0 && std::strchr(" \t\r\n", text_[begin - 1]) != nullptr)
            --begin;
        return begin == 0 || std::strchr("(,=[{+", text_[begin - 1]) == nullptr;
    }

    std::string_view text_;
    std::size_t at_;
    std::size_t code_;
    Language language_;
    Syntax syntax_;
    std::array<bool, 256> opens_{};  // a comment or a string may begin with it
    std::vector<Segment>& out_;
};

}  // namespace

void read_code(std::string_view text, std::size_t begin, std::size_t end, Language language,
               std::vector<Segment>& out) {
    Lexer(text, begin, end, language, out).run();
}

}  // namespace segue::audit
