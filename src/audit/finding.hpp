/// What the audit says: one finding a line that must change. Plain values; no thread, no owner.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

namespace segue::audit {

enum class Level : std::uint8_t { kNote, kWarning, kError };
enum class Confidence : std::uint8_t { kPossible, kLikely, kCertain };

std::string_view level_name(Level level);
std::string_view confidence_name(Confidence confidence);

/// One step of the way on which a value reached the line.
struct FlowStep {
    std::string path;
    std::uint32_t line = 0;
    std::string what;
};

/// What `segue rewrite` may do with it.
struct Fix {
    std::string_view mode = "ask";    // auto, ask, none
    std::string_view step = "final";  // drop-in, dual, final
    std::string to;                   // suggested text, when there is one
};

struct Finding {
    std::string id;  // fingerprint: stable when lines move
    int rule = 0;    // 103 is SEG103
    Level level = Level::kError;
    Confidence confidence = Confidence::kLikely;
    std::string path;
    std::uint32_t line = 0;          // from 1; of the physical file
    std::uint32_t column = 0;        // from 1, in bytes
    std::uint32_t column_utf16 = 0;  // the same in UTF-16 units, for SARIF
    std::uint32_t end_line = 0;
    std::uint32_t end_column = 0;
    std::uint32_t end_column_utf16 = 0;
    std::uint64_t byte_start = 0;
    std::uint64_t byte_end = 0;
    std::string token;    // masked
    std::string snippet;  // the line, masked and cut
    std::string message;
    std::string symbol;  // enclosing symbol or key path
    std::vector<FlowStep> why;
    std::vector<int> also;  // other rules that claim the same line
    bool breaks_at_runtime = false;
    Fix fix;
    bool outside_git = false;
    bool known = false;      // in the baseline, or there before --since
    std::string suppressed;  // reason of the suppression; empty = not suppressed
    bool suppressed_in_source = false;
    std::string suppressed_until;  // YYYY-MM-DD; empty = for good

    bool open() const { return suppressed.empty() && !known; }
};

/// A file that was not read, or only its bytes were scanned.
struct NotRead {
    std::string path;
    std::string reason;
    bool named = false;  // given on the command line: decides the exit code
};

/// "SEG103"
std::string rule_name(int rule);

}  // namespace segue::audit
