#include "audit/walk/ignore.hpp"

namespace segue::audit {
namespace {

/// Matches one [...] at the beginning of `glob`; answers the length of the class, 0 when it is
/// none.
std::size_t match_class(std::string_view glob, char c, bool& matched) {
    std::size_t i = 1;
    const bool negated = i < glob.size() && (glob[i] == '!' || glob[i] == '^');
    if (negated) ++i;
    bool inside = false;
    bool first = true;
    for (; i < glob.size() && (first || glob[i] != ']'); first = false) {
        if (glob.substr(i, 2) == "[:") {
            const auto close = glob.find(":]", i + 2);
            if (close == std::string_view::npos) return 0;
            const auto name = glob.substr(i + 2, close - i - 2);
            const auto byte = static_cast<unsigned char>(c);
            const bool digit = byte >= '0' && byte <= '9';
            const bool lower = byte >= 'a' && byte <= 'z';
            const bool upper = byte >= 'A' && byte <= 'Z';
            inside = inside || (name == "alpha" && (lower || upper)) ||
                     (name == "digit" && digit) || (name == "alnum" && (lower || upper || digit)) ||
                     (name == "lower" && lower) || (name == "upper" && upper) ||
                     (name == "space" && (byte == ' ' || (byte >= 9 && byte <= 13)));
            i = close + 2;
            continue;
        }
        if (glob[i] == '\\' && i + 1 < glob.size()) ++i;
        const char low = glob[i++];
        char high = low;
        if (i + 1 < glob.size() && glob[i] == '-' && glob[i + 1] != ']') {
            ++i;
            if (glob[i] == '\\' && i + 1 < glob.size()) ++i;
            high = glob[i++];
        }
        const auto byte = static_cast<unsigned char>(c);
        inside = inside || (byte >= static_cast<unsigned char>(low) &&
                            byte <= static_cast<unsigned char>(high));
    }
    if (i >= glob.size()) return 0;  // never closed: matches nothing
    matched = inside != negated && c != '/';
    return i + 1;
}

}  // namespace

bool wildmatch(std::string_view glob, std::string_view text) {
    // Two points to come back to: the last '*' (within a segment) and the last "**" (over
    // segments). Each is replaced by a later one of its kind, so the cost stays below |glob| *
    // |text|.
    std::size_t g = 0;
    std::size_t t = 0;
    constexpr auto kNone = std::string_view::npos;
    std::size_t star_g = kNone;
    std::size_t star_t = 0;
    std::size_t deep_g = kNone;
    std::size_t deep_t = 0;
    bool deep_segments = false;  // "**/": may only stop behind a '/'
    while (true) {
        if (g < glob.size() && glob[g] == '*') {
            if (glob.substr(g, 2) == "**" && (g == 0 || glob[g - 1] == '/') &&
                (g + 2 == glob.size() || glob[g + 2] == '/')) {
                deep_segments = g + 2 < glob.size();
                g += deep_segments ? 3 : 2;
                deep_g = g;
                deep_t = t;
                star_g = kNone;
                continue;
            }
            while (g < glob.size() && glob[g] == '*')
                ++g;
            star_g = g;
            star_t = t;
            continue;
        }
        if (t == text.size() && g == glob.size()) return true;
        bool step = false;
        if (g < glob.size() && t < text.size()) {
            if (glob[g] == '?') {
                step = text[t] != '/';
                if (step) ++g;
            } else if (glob[g] == '[') {
                bool matched = false;
                const auto length = match_class(glob.substr(g), text[t], matched);
                step = length > 0 && matched;
                if (step) g += length;
            } else {
                const bool escaped = glob[g] == '\\' && g + 1 < glob.size();
                step = glob[g + (escaped ? 1 : 0)] == text[t];
                if (step) g += escaped ? 2 : 1;
            }
        }
        if (step) {
            ++t;
            continue;
        }
        if (star_g != kNone && star_t < text.size() && text[star_t] != '/') {
            g = star_g;
            t = ++star_t;
            continue;
        }
        if (deep_g != kNone && deep_t < text.size()) {
            if (deep_segments) {
                const auto slash = text.find('/', deep_t);
                if (slash == kNone) return false;
                deep_t = slash + 1;
            } else {
                ++deep_t;
            }
            g = deep_g;
            t = deep_t;
            star_g = kNone;
            continue;
        }
        return false;
    }
}

IgnoreFile IgnoreFile::parse(std::string_view text, std::string folder) {
    IgnoreFile out;
    out.folder_ = std::move(folder);
    if (text.starts_with("\xef\xbb\xbf")) text.remove_prefix(3);
    while (!text.empty()) {
        const auto newline = text.find('\n');
        auto line = text.substr(0, newline);
        text.remove_prefix(newline == std::string_view::npos ? text.size() : newline + 1);
        if (!line.empty() && line.back() == '\r') line.remove_suffix(1);
        // Trailing spaces go, unless a backslash quotes them.
        while (!line.empty() && line.back() == ' ' &&
               !(line.size() >= 2 && line[line.size() - 2] == '\\'))
            line.remove_suffix(1);
        if (line.empty() || line[0] == '#') continue;
        Pattern pattern;
        if (line[0] == '!') {
            pattern.negated = true;
            line.remove_prefix(1);
        } else if (line.starts_with("\\!") || line.starts_with("\\#")) {
            line.remove_prefix(1);
        }
        if (line.ends_with('/')) {
            pattern.folders_only = true;
            line.remove_suffix(1);
        }
        pattern.anchored = line.find('/') != std::string_view::npos;
        if (line.starts_with('/')) line.remove_prefix(1);
        if (line.empty()) continue;
        pattern.glob = std::string(line);
        out.patterns_.push_back(std::move(pattern));
    }
    return out;
}

Ignored IgnoreFile::match(std::string_view path, Entry entry) const {
    if (!folder_.empty()) {
        if (path.size() <= folder_.size() || !path.starts_with(folder_) ||
            path[folder_.size()] != '/')
            return Ignored::kUndecided;
        path.remove_prefix(folder_.size() + 1);
    }
    const auto slash = path.rfind('/');
    const auto name = slash == std::string_view::npos ? path : path.substr(slash + 1);
    for (auto pattern = patterns_.rbegin(); pattern != patterns_.rend(); ++pattern) {
        if (pattern->folders_only && entry != Entry::kFolder) continue;
        if (wildmatch(pattern->glob, pattern->anchored ? path : name))
            return pattern->negated ? Ignored::kNo : Ignored::kYes;
    }
    return Ignored::kUndecided;
}

}  // namespace segue::audit
