#include <fmt/format.h>

#include <algorithm>
#include <ostream>

#include "audit/tree_hash.hpp"
#include "base/files.hpp"
#include "base/json.hpp"
#include "base/text.hpp"
#include "cli/commands.hpp"
#include "evidence/record.hpp"
#include "serve/daemon.hpp"

namespace segue::cli {
namespace {

using evidence::Check;
using evidence::Record;
using evidence::Standing;
using evidence::Verdict;

/// `--key`: the key itself, or a file that holds it.
Result<std::optional<evidence::PublicKey>> named_key(const std::string& text) {
    if (text.empty()) return std::optional<evidence::PublicKey>{};
    if (text.starts_with("ed25519:")) {
        SEGUE_TRY(key, evidence::PublicKey::parse(text));
        return std::optional(key);
    }
    SEGUE_TRY(content, read_file(text));
    SEGUE_TRY(key, evidence::PublicKey::parse(content));
    return std::optional(key);
}

/// Evidence is checked anywhere: without a configuration, or with one that is wrong, there are no
/// own keys, and that is all.
std::vector<evidence::KeyFacts> own_keys(const serve::Flags& flags, const Console& console) {
    const auto loaded = serve::load_config(flags, console.environment);
    return evidence::SigningKeys(loaded.config.data_dir)
        .list()
        .value_or(std::vector<evidence::KeyFacts>{});
}

/// A later commit ends the evidence: it was about another tree.
Result<Check> compare_tree(const std::string& folder, const Record& record) {
    json::Parser parser;
    const auto subject = parser.parse(record.subject);
    const std::string_view told = subject ? (*subject)["tree_sha256"].string() : "";
    if (told.empty()) return Check{Check::Outcome::kBad, "tree", "this evidence is about no tree"};
    SEGUE_TRY(made, audit::tree_sha256(folder));
    if (made == told)
        return Check{Check::Outcome::kGood, "tree",
                     fmt::format("{} is the tree that was looked at", folder)};
    return Check{
        Check::Outcome::kBad, "tree",
        fmt::format(
            "{} has the hash {}, and {} was looked at: something changed since; prove it again",
            folder, made, told)};
}

struct Examined {
    std::string text;
    Verdict verdict;
};

Result<Examined> examine(const EvidenceArguments& arguments, const Console& console) {
    SEGUE_TRY(key, named_key(arguments.key));
    SEGUE_TRY(text, read_file(arguments.file));
    evidence::Trust trust{std::move(key), own_keys(arguments.flags, console)};
    auto verdict = evidence::verify(text, trust, SystemClock().wall());
    if (!arguments.tree.empty() && verdict.record) {
        SEGUE_TRY(check, compare_tree(arguments.tree, *verdict.record));
        verdict.checks.push_back(std::move(check));
    }
    return Examined{std::move(text), std::move(verdict)};
}

std::string_view outcome_name(Check::Outcome outcome) {
    switch (outcome) {
        case Check::Outcome::kGood: return "good";
        case Check::Outcome::kBad: return "bad";
        case Check::Outcome::kOpen: return "open";
    }
    return "open";
}

std::string painted(const Console& console, Check::Outcome outcome, const std::string& text) {
    return outcome == Check::Outcome::kGood  ? console.green(text)
           : outcome == Check::Outcome::kBad ? console.red(text)
                                             : console.yellow(text);
}

void print_checks(const Verdict& verdict, Console& console) {
    for (const auto& check : verdict.checks)
        console.out << painted(console, check.outcome,
                               fmt::format("  {:<5}", outcome_name(check.outcome)))
                    << fmt::format("{:<10} {}\n", check.what, check.says);
}

std::string conclusion(const Verdict& verdict, Console& console) {
    if (!verdict.authentic()) return console.red("not valid") + ": what is bad above says why";
    const Record& record = *verdict.record;
    return record.holds
               ? console.green("valid") + fmt::format(": {} {} holds", record.kind, record.claim)
               : console.red("authentic, and it says no") +
                     fmt::format(": {} {} does not hold", record.kind, record.claim);
}

void write_checks(json::Writer& w, const Verdict& verdict) {
    w.key("checks").begin_array();
    for (const auto& check : verdict.checks)
        w.begin_object()
            .member("check", check.what)
            .member("outcome", outcome_name(check.outcome))
            .member("says", check.says)
            .end_object();
    w.end_array();
}

std::string scalar(json::Value value) {
    return value.is_string() ? std::string(value.string())
           : value.is_null() ? "none"
                             : std::string(value.raw());
}

/// Any JSON as indented lines: members that are there for people to read come out readable.
void print_json(std::ostream& out, json::Value value, std::size_t depth) {
    const std::string indent(depth * 2, ' ');
    for (const auto member : value) {
        const std::string name = value.is_object() ? fmt::format("{:<12} ", member.key()) : "- ";
        if (!member.is_object() && !member.is_array()) {
            out << indent << name << scalar(member) << '\n';
        } else if (member.empty()) {
            out << indent << name << "none\n";
        } else if (value.is_array() && member.is_object()) {
            std::string line;
            for (const auto inner : member)
                line +=
                    fmt::format("{}{} {}", line.empty() ? "" : ", ", inner.key(), scalar(inner));
            out << indent << name << line << '\n';
        } else {
            out << indent << member.key() << '\n';
            print_json(out, member, depth + 1);
        }
    }
}

}  // namespace

int evidence_verify_command(const EvidenceArguments& arguments, Console& console) {
    const auto examined = examine(arguments, console);
    if (!examined) return report(console, examined.error());
    const Verdict& verdict = examined->verdict;
    if (console.output == Output::kJson) {
        console.out << json::object([&](json::Writer& w) {
            w.member("authentic", verdict.authentic());
            w.key("claim");
            verdict.record ? w.string(verdict.record->claim) : w.null();
            w.key("holds");
            verdict.record ? w.boolean(verdict.record->holds) : w.null();
            write_checks(w, verdict);
        }) << '\n';
    } else {
        console.out << arguments.file << '\n';
        print_checks(verdict, console);
        console.out << conclusion(verdict, console) << '\n';
    }
    return verdict.good() ? kFine : kNo;
}

int evidence_show_command(const EvidenceArguments& arguments, Console& console) {
    const auto examined = examine(arguments, console);
    if (!examined) return report(console, examined.error());
    const Verdict& verdict = examined->verdict;
    json::Parser parser;
    const auto root = parser.parse(examined->text);
    if (!root || !verdict.record) {
        print_checks(verdict, console);
        return kNo;
    }
    const auto record = (*root)["record"];
    if (console.output == Output::kJson) {
        console.out << record.raw() << '\n';
        return verdict.good() ? kFine : kNo;
    }
    const Record& told = *verdict.record;
    console.out << console.bold(
        fmt::format("{} {}: {}\n", told.kind, told.claim, told.holds ? "holds" : "does not hold"));
    console.out << "subject\n";
    print_json(console.out, record["subject"], 1);
    print_parts(told, console);
    console.out << "details\n";
    print_json(console.out, record["details"], 1);
    console.out << "what nothing here can see\n";
    for (const auto& spot : told.blind_spots)
        console.out << "  - " << spot << '\n';
    console.out << "checks of this file\n";
    print_checks(verdict, console);
    console.out << conclusion(verdict, console) << '\n';
    return verdict.good() ? kFine : kNo;
}

void print_parts(const Record& record, Console& console) {
    for (const auto& part : record.parts) {
        const std::string name(standing_name(part.standing));
        const std::string padded = fmt::format("  {:<14}", name);
        console.out << (part.standing == Standing::kClean      ? console.green(padded)
                        : part.standing == Standing::kNotClean ? console.red(padded)
                                                               : console.yellow(padded))
                    << fmt::format("{:<7} {}{}: {}\n", part.id, part.title,
                                   part.required ? " (required)" : "", part.says);
        constexpr std::size_t kMost = 12;  // the file has them all
        for (std::size_t i = 0; i < part.seen.size() && i < kMost; ++i)
            console.out << "                  " << part.seen[i] << '\n';
        if (part.seen.size() > kMost)
            console.out << fmt::format("                  and {} more lines in the file\n",
                                       part.seen.size() - kMost);
        if (part.standing == Standing::kNotLookedAt && !part.command.empty())
            console.out << "                  to look: " << part.command << '\n';
    }
}

}  // namespace segue::cli
