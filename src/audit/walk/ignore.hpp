/// Git's ignore rules: one parsed file, and the decision over a stack of them. Pure; no file
/// access.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

namespace segue::audit {

enum class Entry : std::uint8_t { kFile, kFolder };
enum class Ignored : std::uint8_t { kUndecided, kYes, kNo };

class IgnoreFile {
public:
    /// `folder` is where the file lies, relative to the walk's root: "" or "a/b". Any text parses.
    static IgnoreFile parse(std::string_view text, std::string folder);
    /// `path` is relative to the walk's root. The last pattern that matches decides.
    Ignored match(std::string_view path, Entry entry) const;
    bool empty() const { return patterns_.empty(); }

private:
    struct Pattern {
        std::string glob;
        bool negated = false;
        bool folders_only = false;
        bool anchored = false;  // holds a '/': matched against the path, else against the name
    };
    std::string folder_;
    std::vector<Pattern> patterns_;
};

/// Git's wildmatch with WM_PATHNAME: '*' and '?' stop at '/', "**" does not, [a-z], [!a-z], '\'.
bool wildmatch(std::string_view glob, std::string_view text);

}  // namespace segue::audit
