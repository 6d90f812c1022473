#include <fmt/format.h>

#include <algorithm>
#include <map>

#include "audit/output/output.hpp"
#include "audit/rules/rule.hpp"

namespace segue::audit {
namespace {

struct Group {
    std::string_view title;
    std::vector<int> rules;
};

/// What to do, in the order in which a team does it.
const Group kGroups[] = {
    {"point these at Segue or vLLM (addresses, environment)", {104, 105, 111, 120}},
    {"replace these calls (clients, paths, options, replies)", {101, 102, 103, 108, 109}},
    {"map these names (models, engine choices, settings)", {106, 107, 110}},
    {"change how it is deployed (packages, images, services, proxies, commands, pipelines)",
     {112, 113, 114, 115, 116, 117, 118}},
    {"rename and rewrite (nothing breaks, the name remains)", {119, 121, 122, 123, 124, 125}},
    {"look after the suppressions and unread files", {160, 170, 171, 172}},
    {"notes: derived, history, own names, undecided", {150, 151, 152, 153, 154, 155, 156, 161}},
};

std::string paint(Colour colour, int code, std::string_view text) {
    return colour == Colour::kYes ? fmt::format("\x1b[{}m{}\x1b[0m", code, text)
                                  : std::string(text);
}

int colour_of(Level level) {
    switch (level) {
        case Level::kError: return 31;
        case Level::kWarning: return 33;
        case Level::kNote: return 36;
    }
    return 0;
}

/// A terminal must not be steered by a file's bytes.
std::string printable(std::string_view text) {
    std::string out;
    for (const char c : text)
        out.push_back(static_cast<unsigned char>(c) < 0x20 || c == 0x7f ? ' ' : c);
    return out;
}

std::string marked(Colour colour, const Finding& f) {
    const std::string line = printable(f.snippet);
    const auto at = line.find(f.token);
    if (colour == Colour::kNo || f.token.empty() || at == std::string::npos) return line;
    return line.substr(0, at) + paint(colour, 1, f.token) + line.substr(at + f.token.size());
}

}  // namespace

std::string to_text(const Report& report, Colour colour, ShowAll all) {
    std::string out;
    for (const auto& group : kGroups) {
        std::vector<const Finding*> mine;
        for (const auto& f : report.findings)
            if (f.open() && (all == ShowAll::kYes || f.level != Level::kNote) &&
                std::find(group.rules.begin(), group.rules.end(), f.rule) != group.rules.end())
                mine.push_back(&f);
        if (mine.empty()) continue;
        out += fmt::format("{} ({})\n", paint(colour, 1, group.title), mine.size());
        std::string_view path;
        for (const Finding* f : mine) {
            if (f->path != path) {
                path = f->path;
                out += fmt::format("  {}{}\n", printable(f->path),
                                   f->outside_git ? "  (outside git)" : "");
            }
            const Rule* rule = find_rule(f->rule);
            out += fmt::format("    {}:{}  {} {}  {}\n", f->line, f->column,
                               paint(colour, colour_of(f->level), level_name(f->level)),
                               rule_name(f->rule), rule != nullptr ? rule->kind : "");
            out += fmt::format("        {}\n", marked(colour, *f));
            for (const auto& step : f->why)
                out += fmt::format("        {} {}:{} {}\n", "from", printable(step.path), step.line,
                                   step.what);
        }
        out += "\n";
    }
    std::map<int, std::size_t> kinds;
    std::map<std::string, std::size_t> folders;
    std::size_t suppressed = 0;
    std::size_t known = 0;
    for (const auto& f : report.findings) {
        suppressed += f.suppressed.empty() ? 0 : 1;
        known += f.known ? 1 : 0;
        if (!f.open() || f.level == Level::kNote) continue;
        ++kinds[f.rule];
        ++folders[folder_of(f.path)];
    }
    if (!kinds.empty()) {
        out += "by kind:   ";
        for (const auto& [rule, count] : kinds)
            out += fmt::format(" {} {}", find_rule(rule)->kind, count);
        out += "\nby folder: ";
        for (const auto& [folder, count] : folders)
            out += fmt::format(" {} {}", printable(folder), count);
        out += "\n";
    }
    for (const auto& file : report.not_read)
        out += fmt::format("not read: {} ({})\n", printable(file.path), file.reason);
    out += fmt::format("{} errors, {} warnings, {} notes", report.count(Level::kError),
                       report.count(Level::kWarning), report.count(Level::kNote));
    if (suppressed > 0) out += fmt::format(", {} suppressed", suppressed);
    if (known > 0) out += fmt::format(", {} known", known);
    out += fmt::format(" in {} files ({:.2f} s)\n", report.stats.files, report.stats.seconds);
    if (all == ShowAll::kNo && report.count(Level::kNote) > 0)
        out += "notes are listed with --all; what a rule means: segue audit --explain SEG103\n";
    return out;
}

std::string stats_text(const Report& report) {
    const auto& s = report.stats;
    return fmt::format(
        "scanned {} files, {:.1f} MB; the byte scan matched {} files; grammars parsed {} files, "
        "{:.1f} MB ({:.1f} % of the bytes); {:.3f} s\n",
        s.files, static_cast<double>(s.bytes) / 1e6, s.matched, s.parsed,
        static_cast<double>(s.parsed_bytes) / 1e6,
        s.bytes == 0 ? 0.0
                     : 100.0 * static_cast<double>(s.parsed_bytes) / static_cast<double>(s.bytes),
        s.seconds);
}

std::string explain(std::string_view name) {
    std::string out;
    const auto one = [&](const Rule& rule) {
        out += fmt::format("{} {} ({}{})\n  what: {}\n  why:  {}\n  fix:  {}\n", rule_name(rule.id),
                           rule.kind, level_name(rule.level),
                           rule.breaks_at_runtime ? ", breaks at run time" : "", rule.title,
                           rule.why, rule.how);
    };
    if (!name.empty()) {
        if (const Rule* rule = find_rule(name)) one(*rule);
        return out;
    }
    for (const Rule* rule : all_rules())
        if (rule->id < 150) one(*rule);
    for (const Rule& rule : note_rules())
        one(rule);
    for (const Rule* rule : all_rules())
        if (rule->id >= 150) one(*rule);
    return out;
}

}  // namespace segue::audit
