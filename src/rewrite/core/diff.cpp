#include "rewrite/core/diff.hpp"

#include <fmt/format.h>

#include <algorithm>

namespace segue::rewrite {
namespace {

constexpr std::size_t kContext = 3;
constexpr int kMostSteps = 2000;  // of the edit script; memory grows with its square

/// As git quotes names in headers.
std::string quoted_name(std::string_view name) {
    const bool plain = std::all_of(name.begin(), name.end(), [](char c) {
        return c >= 0x20 && c != 0x7f && c != '"' && c != '\\';
    });
    if (plain) return std::string(name);
    std::string out = "\"";
    for (const char c : name) {
        const auto byte = static_cast<unsigned char>(c);
        if (c == '"' || c == '\\')
            out.append("\\").push_back(c);
        else if (byte < 0x20 || byte >= 0x7f)
            out += fmt::format("\\{:03o}", byte);
        else
            out += c;
    }
    return out + '"';
}

/// A name with a space needs a tab behind it in the --- and +++ lines.
std::string header_name(std::string_view name) {
    auto out = quoted_name(name);
    if (name.find(' ') != std::string_view::npos) out += '\t';
    return out;
}

void put(std::string& out, char sign, std::string_view line) {
    out += sign;
    out.append(line);
    if (!line.ends_with('\n')) out += "\n\\ No newline at end of file\n";
}

std::string range(std::size_t line, std::size_t count) {
    // git counts an empty range from the line before it.
    const auto first = count == 0 ? line : line + 1;
    return count == 1 ? fmt::format("{}", first) : fmt::format("{},{}", first, count);
}

void hunks(std::string& out, std::string_view before, std::string_view after) {
    const auto old_lines = lines_of(before);
    const auto new_lines = lines_of(after);
    const auto runs = compare(old_lines, new_lines);
    for (std::size_t i = 0; i < runs.size();) {
        std::size_t last = i;
        while (last + 1 < runs.size() &&
               runs[last + 1].old_line - (runs[last].old_line + runs[last].old_count) <=
                   2 * kContext)
            ++last;
        const auto lead = std::min(kContext, runs[i].old_line);
        const auto old_begin = runs[i].old_line - lead;
        const auto new_begin = runs[i].new_line - lead;
        const auto old_stop = runs[last].old_line + runs[last].old_count;
        const auto tail = std::min(kContext, old_lines.size() - old_stop);
        const auto new_stop = runs[last].new_line + runs[last].new_count;
        out += fmt::format("@@ -{} +{} @@\n", range(old_begin, old_stop + tail - old_begin),
                           range(new_begin, new_stop + tail - new_begin));
        std::size_t at = old_begin;
        for (; i <= last; ++i) {
            for (; at < runs[i].old_line; ++at)
                put(out, ' ', old_lines[at]);
            for (std::size_t k = 0; k < runs[i].old_count; ++k)
                put(out, '-', old_lines[at++]);
            for (std::size_t k = 0; k < runs[i].new_count; ++k)
                put(out, '+', new_lines[runs[i].new_line + k]);
        }
        for (std::size_t k = 0; k < tail; ++k)
            put(out, ' ', old_lines[at++]);
    }
}

}  // namespace

std::vector<std::string_view> lines_of(std::string_view text) {
    std::vector<std::string_view> lines;
    while (!text.empty()) {
        const auto end = text.find('\n');
        const auto count = end == std::string_view::npos ? text.size() : end + 1;
        lines.push_back(text.substr(0, count));
        text.remove_prefix(count);
    }
    return lines;
}

std::vector<Hunk> compare(const std::vector<std::string_view>& before,
                          const std::vector<std::string_view>& after) {
    std::size_t lead = 0;
    while (lead < before.size() && lead < after.size() && before[lead] == after[lead])
        ++lead;
    std::size_t tail = 0;
    while (tail < before.size() - lead && tail < after.size() - lead &&
           before[before.size() - 1 - tail] == after[after.size() - 1 - tail])
        ++tail;
    const int n = static_cast<int>(before.size() - lead - tail);
    const int m = static_cast<int>(after.size() - lead - tail);
    if (n == 0 && m == 0) return {};
    const auto whole = [&] {
        return std::vector<Hunk>{
            {lead, static_cast<std::size_t>(n), lead, static_cast<std::size_t>(m)}};
    };
    if (n == 0 || m == 0) return whole();
    const int most = std::min(n + m, kMostSteps);
    std::vector<int> reach(static_cast<std::size_t>(2 * most + 3), 0);
    const auto slot = [&](int diagonal) { return static_cast<std::size_t>(diagonal + most + 1); };
    std::vector<std::vector<int>> trace;
    int steps = -1;
    for (int d = 0; d <= most && steps < 0; ++d) {
        trace.push_back(reach);
        for (int k = -d; k <= d; k += 2) {
            int x = k == -d || (k != d && reach[slot(k - 1)] < reach[slot(k + 1)])
                        ? reach[slot(k + 1)]
                        : reach[slot(k - 1)] + 1;
            int y = x - k;
            while (x < n && y < m &&
                   before[lead + static_cast<std::size_t>(x)] ==
                       after[lead + static_cast<std::size_t>(y)]) {
                ++x;
                ++y;
            }
            reach[slot(k)] = x;
            if (x >= n && y >= m) {
                steps = d;
                break;
            }
        }
    }
    if (steps < 0) return whole();
    std::vector<Hunk> out;  // backwards
    int x = n;
    int y = m;
    for (int d = steps; d > 0; --d) {
        const auto& row = trace[static_cast<std::size_t>(d)];
        const int k = x - y;
        const bool down = k == -d || (k != d && row[slot(k - 1)] < row[slot(k + 1)]);
        const int from_k = down ? k + 1 : k - 1;
        const int from_x = row[slot(from_k)];
        const int from_y = from_x - from_k;
        const Hunk step{lead + static_cast<std::size_t>(from_x), down ? 0U : 1U,
                        lead + static_cast<std::size_t>(from_y), down ? 1U : 0U};
        if (!out.empty() && step.old_line + step.old_count == out.back().old_line &&
            step.new_line + step.new_count == out.back().new_line) {
            out.back().old_line = step.old_line;
            out.back().new_line = step.new_line;
            out.back().old_count += step.old_count;
            out.back().new_count += step.new_count;
        } else {
            out.push_back(step);
        }
        x = from_x;
        y = from_y;
    }
    std::reverse(out.begin(), out.end());
    return out;
}

std::string patch_of(const FileChange& change) {
    const bool fresh = change.old_path.empty();
    const bool gone = change.new_path.empty();
    const auto& any = fresh ? change.new_path : change.old_path;
    const auto a = "a/" + (fresh ? any : change.old_path);
    const auto b = "b/" + (gone ? any : change.new_path);
    std::string out = fmt::format("diff --git {} {}\n", quoted_name(a), quoted_name(b));
    if (fresh) out += fmt::format("new file mode {:06o}\n", change.mode);
    if (gone) out += fmt::format("deleted file mode {:06o}\n", change.mode);
    if (!fresh && !gone && change.old_path != change.new_path) {
        // The number is for people; git only reads it.
        const auto old_lines = lines_of(change.before);
        std::size_t changed = 0;
        for (const auto& run : compare(old_lines, lines_of(change.after)))
            changed += run.old_count;
        const auto same = old_lines.empty()
                              ? 100
                              : 100 - 100 * changed / std::max<std::size_t>(1, old_lines.size());
        out += fmt::format("similarity index {}%\nrename from {}\nrename to {}\n", same,
                           quoted_name(change.old_path), quoted_name(change.new_path));
    }
    if (change.before == change.after) return out;
    out += fmt::format("--- {}\n", fresh ? "/dev/null" : header_name(a));
    out += fmt::format("+++ {}\n", gone ? "/dev/null" : header_name(b));
    hunks(out, change.before, change.after);
    return out;
}

}  // namespace segue::rewrite
