#include "audit/read/token.hpp"

#include <algorithm>
#include <cctype>
#include <span>

#include "audit/text/matcher.hpp"
#include "audit/text/vocabulary.hpp"
#include "base/text.hpp"

namespace segue::audit {
namespace {

bool name_char(char c) {
    return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '_';
}

/// Of more than one word: "num_ctx", "numCtx", "NUM_CTX".
bool is_compound(std::string_view name) {
    if (name.size() < 5) return false;
    for (std::size_t i = 1; i < name.size(); ++i)
        if (name[i] == '_' || (std::isupper(static_cast<unsigned char>(name[i])) != 0 &&
                               std::islower(static_cast<unsigned char>(name[i - 1])) != 0))
            return true;
    return false;
}

const std::vector<TokenLiteral>& literals() {
    static const auto list = token_literals();
    return list;
}
/// Most segments hold nothing of it, and one pass over the text tells which.
const Matcher& token_scanner() {
    static const Matcher matcher = [] {
        std::vector<std::string_view> texts;
        for (const auto& literal : literals())
            texts.emplace_back(literal.text);
        return Matcher(texts);
    }();
    return matcher;
}

bool family_char(char c) {
    return name_char(c) || c == '.' || c == '-' || c == '/';
}

/// The whole name around a hit: of letters, digits and '_'.
Range name_of(std::string_view text, Range hit) {
    while (hit.begin > 0 && name_char(text[hit.begin - 1]))
        --hit.begin;
    while (hit.end < text.size() && name_char(text[hit.end]))
        ++hit.end;
    return hit;
}

/// A family's name stands here as a tag or by itself: "yi" is no part of "yield".
bool may_be_model(std::string_view text, std::size_t begin) {
    if (begin > 0 && text[begin - 1] != '_' && name_char(text[begin - 1])) return false;
    const auto run = [&](std::size_t end) {
        while (end < text.size() && family_char(text[end]) && text[end] != '/')
            ++end;
        return end;
    };
    auto end = run(begin);
    if (text.substr(end).starts_with(':') && find_tag(text.substr(begin, run(end + 1) - begin)))
        return true;
    while (end > begin && !name_char(text[end - 1]))
        --end;
    const auto name = text.substr(begin, end - begin);
    // A bare word of JSON ends at a dash.
    return is_bare_family(name) || is_bare_family(name.substr(0, name.find('-')));
}

/// What the scanner found is more than letters inside another name.
bool may_be_token(std::string_view text, const Matcher::Hit& hit) {
    const std::string_view literal = literals()[hit.literal].text;
    const Range at{hit.end - literal.size(), hit.end};
    if (literals()[hit.literal].family) return may_be_model(text, at.begin);
    const bool goes_on = at.end < text.size() && name_char(text[at.end]);
    const bool dash = at.end < text.size() && text[at.end] == '-';
    if (literal.starts_with("/api/")) return !goes_on && !dash;
    if (literal == "ollama") return true;
    if (literal == "11434") {
        const auto at_edge = [&](std::size_t i) {
            return i >= text.size() || text[i] == '_' || !name_char(text[i]);
        };
        return at_edge(at.end) && (at.begin == 0 || at_edge(at.begin - 1) ||
                                   (at.begin > 1 && text[at.begin - 2] == '\\'));
    }
    const auto whole = name_of(text, at);
    // "num-ctx" is a name as well, where it is a key.
    if (!literal.starts_with("keep") && (literal.find_first_of("-.") != std::string_view::npos ||
                                         text.substr(whole.end).starts_with('-')))
        return true;
    const auto is_name = [](std::string_view name) {
        return is_own_option(name) || ends_in_option(name) || is_own_reply_field(name) ||
               iequals(name, "keep_alive") || name == "keepAlive" || name == "KeepAlive";
    };
    const auto name = text.substr(whole.begin, whole.end - whole.begin);
    // A bare word of JSON begins behind a '_'.
    return is_name(name) ||
           (name.starts_with('_') &&
            is_name(name.substr(std::min(name.find_first_not_of('_'), name.size()))));
}

class Finder {
public:
    Finder(const Source& source, const Segments& segments) : source_(source), segments_(segments) {}

    std::vector<Token> run() {
        const auto hits = token_scanner().find(source_.text());
        auto next = hits.begin();
        for (std::uint32_t i = 0; i < segments_.list.size(); ++i) {
            segment_ = i;
            base_ = segments_.list[i].begin;
            text_ = source_.text().substr(base_, segments_.list[i].end - base_);
            region_ = segments_.list[i].region;
            while (next != hits.end() && next->end <= base_)
                ++next;
            const auto first = next;
            bool marked = false;
            for (; next != hits.end() && next->end <= segments_.list[i].end; ++next)
                marked = marked || matters(*next);
            hits_ = {first, next};
            if (marked)
                look();
            else if (region_ != Region::kCode && text_.find(':') != std::string_view::npos)
                tags({});
        }
        std::stable_sort(tokens_.begin(), tokens_.end(),
                         [](const Token& a, const Token& b) { return a.begin < b.begin; });
        return std::move(tokens_);
    }

private:
    void add(TokenType type, Range at) {
        Token token;
        token.type = type;
        token.begin = base_ + static_cast<std::uint32_t>(at.begin);
        token.end = base_ + static_cast<std::uint32_t>(at.end);
        token.segment = segment_;
        tokens_.push_back(std::move(token));
    }

    /// Where something else than a tag may be. "yi" and "phi" stand in many words: a family begins
    /// one, and is never looked for in code.
    bool matters(const Matcher::Hit& hit) const {
        const auto& literal = literals()[hit.literal];
        if (!literal.family) return true;
        if (!names_families()) return false;
        const auto begin = hit.end - literal.text.size();
        return begin <= base_ || !family_char(source_.text()[begin - 1]);
    }

    bool names_families() const {
        return region_ == Region::kString || region_ == Region::kValue ||
               region_ == Region::kProse || region_ == Region::kComment ||
               region_ == Region::kShell;
    }

    void look() {
        std::vector<Range> links;
        if (hit("ollama")) {
            for (auto at = find_link(text_); at; at = find_link(text_, at->end)) {
                links.push_back(*at);
                add(TokenType::kLink, *at);
            }
            for (auto at = find_word(text_); at; at = find_word(text_, at->end))
                if (!inside(links, *at)) add(TokenType::kWord, *at);
        }
        if (hit("11434"))
            for (auto at = find_port(text_); at; at = find_port(text_, at->end))
                add(TokenType::kPort, *at);
        for (auto at = find_native_path(text_); at; at = find_native_path(text_, at->end))
            add(TokenType::kPath, *at);
        if (region_ != Region::kCode) tags(links);
        names();
    }

    bool hit(std::string_view literal) const {
        return std::any_of(hits_.begin(), hits_.end(), [&](const Matcher::Hit& one) {
            return literals()[one.literal].text == literal;
        });
    }

    static bool inside(const std::vector<Range>& links, const Range& at) {
        return std::any_of(links.begin(), links.end(), [&](const Range& link) {
            return at.begin >= link.begin && at.end <= link.end;
        });
    }

    /// Tags live in strings, values and prose, never in bare code ("a ? b:8").
    void tags(const std::vector<Range>& links) {
        for (auto tag = find_tag(text_); tag; tag = find_tag(text_, tag->at.end))
            if (!inside(links, tag->at)) add(TokenType::kTag, tag->at);
    }

    /// Options, reply fields and bare families: whole names.
    void names() {
        std::size_t seen = 0;  // up to here
        for (const auto& one : hits_) {
            const std::string_view literal = literals()[one.literal].text;
            const auto size = literal.size();
            if (literals()[one.literal].family || one.end < base_ + size ||
                literal.find_first_of("-./") != std::string_view::npos)  // of several names
                continue;
            const auto at = one.end - base_;
            if (at <= seen) continue;
            const auto whole = name_of(text_, {at - size, at});
            seen = whole.end;
            const auto name = text_.substr(whole.begin, whole.end - whole.begin);
            if (!is_compound(name) && !name.starts_with("mirostat") &&
                !name.starts_with("Mirostat"))
                continue;
            if (is_own_option(name) || ends_in_option(name))
                add(TokenType::kOption, whole);
            else if (is_own_reply_field(name))
                add(TokenType::kReplyField, whole);
            else if (iequals(name, "keep_alive") || name == "keepAlive" || name == "KeepAlive")
                add(TokenType::kSharedOption, whole);
        }
        // "num-ctx" as a key.
        if (region_ == Region::kKey && text_.find('-') != std::string_view::npos &&
            is_own_option(trim(text_)))
            add(TokenType::kOption, {0, text_.size()});
        if (!names_families()) return;
        // Families may hold '.', '-' and ':'; a whole string, or a word of a command or a sentence.
        for (std::size_t at = 0; at < text_.size();) {
            if (!family_char(text_[at])) {
                ++at;
                continue;
            }
            std::size_t end = at;
            while (end < text_.size() && family_char(text_[end]))
                ++end;
            auto stop = end;
            while (stop > at && (text_[stop - 1] == '.' || text_[stop - 1] == '-'))
                --stop;
            const bool tagged = stop < text_.size() && text_[stop] == ':' &&
                                stop + 1 < text_.size() && name_char(text_[stop + 1]);
            if (!tagged && is_bare_family(text_.substr(at, stop - at)))
                add(TokenType::kFamily, {at, stop});
            at = end;
        }
    }

    const Source& source_;
    const Segments& segments_;
    std::vector<Token> tokens_;
    std::uint32_t segment_ = 0;
    std::uint32_t base_ = 0;
    std::string_view text_;
    std::span<const Matcher::Hit> hits_;  // of the segment
    Region region_ = Region::kCode;
};

}  // namespace

void prepare_token_scanner() {
    (void)token_scanner();
}

bool may_hold_tokens(std::string_view text) {
    return token_scanner().any(text, [&](const Matcher::Hit& hit) {
        return may_be_token(text, hit);
    }) || may_hold_size_tag(text);
}

std::vector<Token> find_tokens(const Source& source, const Segments& segments) {
    return Finder(source, segments).run();
}

bool is_name_char(char c) {
    return name_char(c) || c == '-';
}

std::set<std::string, std::less<>> names_in(std::string_view text) {
    std::set<std::string, std::less<>> out;
    for (std::size_t at = 0; at < text.size();) {
        std::size_t end = at;
        while (end < text.size() && is_name_char(text[end]))
            ++end;
        if (end - at > 2) out.insert(to_lower(text.substr(at, end - at)));
        at = end + 1;
    }
    return out;
}

std::uint32_t segment_at(const Segments& segments, std::uint32_t offset) {
    const auto after =
        std::upper_bound(segments.list.begin(), segments.list.end(), offset,
                         [](std::uint32_t at, const Segment& s) { return at < s.begin; });
    return after == segments.list.begin()
               ? 0
               : static_cast<std::uint32_t>(after - segments.list.begin()) - 1;
}

}  // namespace segue::audit
