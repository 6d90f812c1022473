#include "audit/proof/proof.hpp"

#include <fmt/format.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <climits>
#include <cstdlib>
#include <map>

#include "audit/output/output.hpp"
#include "audit/proof/probes.hpp"
#include "audit/rules/rule.hpp"
#include "base/json.hpp"
#include "base/text.hpp"

namespace segue::audit {
namespace {

using evidence::Part;
using evidence::Record;
using evidence::Standing;

constexpr std::array<std::string_view, 13> kParts{
    "REFERENCES", "FILES",  "SEG201", "SEG202", "SEG203", "SEG204", "SEG205",
    "SEG206",     "SEG207", "SEG208", "SEG209", "SEG210", "SEG211"};
constexpr std::array<std::string_view, 4> kRequired{"SEG201", "SEG204", "SEG206", "SEG208"};

constexpr std::array<std::string_view, 8> kBlindSpots{
    "settings in databases and in people's browsers",
    "secret stores and variables of CI systems",
    "other repositories, and products of others with a configuration of their own",
    "names that are put together only at run time",
    "timetables, scripts and processes on other machines",
    "what happens after this record was made",
    "containers of engines that are reached over the network",
    "files that git does not know and that are ignored, but for .env, *.local.* and compose "
    "overrides"};

/// What would still start or reach Ollama, whatever protocol clients speak to Segue: addresses,
/// images, services, commands. A library that speaks its protocol to Segue is no such thing.
bool keeps_it_running(int rule) {
    static constexpr std::array kKinds{104, 113, 114, 115, 116, 117, 118};
    return std::find(kKinds.begin(), kKinds.end(), rule) != kKinds.end();
}

/// What stands against the claim.
bool counts_against(const Finding& finding, ProofClaim claim) {
    if (finding.level == Level::kNote) return false;
    if (claim == ProofClaim::kRuntimeFree)
        return finding.level == Level::kError && keeps_it_running(finding.rule) &&
               finding.suppressed.empty();
    if (finding.suppressed.empty()) return true;
    // What is allowed until a day is there until that day, and says so itself.
    return finding.level == Level::kError && !finding.suppressed_until.empty();
}

Part references_part(const Report& report, ProofClaim claim) {
    Part out;
    out.id = "REFERENCES";
    out.title = "references in the tree";
    out.command = "segue audit";
    std::size_t against = 0;
    std::size_t waiting = 0;
    for (const auto& finding : report.findings) {
        if (!counts_against(finding, claim)) continue;
        ++against;
        if (!finding.suppressed.empty()) ++waiting;
        if (out.seen.size() < 50)
            out.seen.push_back(fmt::format(
                "{}:{}: {} {}{}", finding.path, finding.line, rule_name(finding.rule),
                finding.message,
                finding.suppressed.empty()
                    ? ""
                    : fmt::format(" (allowed only until {})", finding.suppressed_until)));
    }
    if (against > out.seen.size())
        out.seen.push_back(fmt::format("and {} more", against - out.seen.size()));
    out.standing = against == 0 ? Standing::kClean : Standing::kNotClean;
    out.says =
        against == 0
            ? fmt::format("no reference that counts in {} files", report.stats.files)
            : fmt::format(
                  "{} references{}", against,
                  waiting == 0 ? "" : fmt::format(", {} of them allowed for a time", waiting));
    return out;
}

Part files_part(const Report& report) {
    Part out;
    out.id = "FILES";
    out.title = "files that were not read";
    out.command = "segue audit PATH, for each of them";
    for (const auto& file : report.not_read) {
        if (out.seen.size() == 50) {
            out.seen.push_back(fmt::format("and {} more", report.not_read.size() - 50));
            break;
        }
        out.seen.push_back(fmt::format("{}: {}", file.path, file.reason));
    }
    out.standing = report.not_read.empty() ? Standing::kClean : Standing::kNotLookedAt;
    out.says = report.not_read.empty() ? fmt::format("all {} files were read", report.stats.files)
                                       : fmt::format("{} of them", report.not_read.size());
    return out;
}

std::string subject_json(const Report& report) {
    char host[HOST_NAME_MAX + 1] = "";
    (void)::gethostname(host, sizeof host - 1);
    char resolved[PATH_MAX];
    const std::string root =
        ::realpath(report.root.c_str(), resolved) != nullptr ? resolved : report.root;
    return json::object([&](json::Writer& w) {
        w.member("tree", root.substr(root.rfind('/') + 1)).key("commit");
        report.commit.empty() ? w.null() : w.string(report.commit);
        w.member("dirty", report.dirty).member("tree_sha256", report.tree_sha256);
        w.member("files", report.stats.files)
            .member("bytes", report.stats.bytes)
            .member("machine", host);
    });
}

std::string details_json(const Report& report) {
    std::map<std::string, std::size_t> open;
    std::map<std::string, std::size_t> allowed;
    for (const auto& finding : report.findings) {
        const Rule* rule = find_rule(finding.rule);
        ++(finding.suppressed.empty()
               ? open
               : allowed)[rule != nullptr ? std::string(rule->kind) : rule_name(finding.rule)];
    }
    return json::object([&](json::Writer& w) {
        w.member("rules_sha256", rules_sha256());
        w.key("levels");
        write_levels(w, report);
        w.key("open");
        write_counts(w, open);
        w.key("allowed");
        write_counts(w, allowed);
        write_exceptions(w, report);
    });
}

}  // namespace

bool is_part(std::string_view id) {
    return std::find(kParts.begin(), kParts.end(), id) != kParts.end();
}

Record prove(const Report& report, const ProofOptions& options) {
    Record record;
    record.kind = "audit";
    record.claim = options.claim == ProofClaim::kReferenceFree ? "reference-free" : "runtime-free";
    record.subject = subject_json(report);
    record.details = details_json(report);
    record.issued = options.now;
    record.expires = options.now + options.valid;
    record.blind_spots.assign(kBlindSpots.begin(), kBlindSpots.end());

    const Machine machine = look(report, options);
    auto& parts = record.parts;
    parts.push_back(references_part(report, options.claim));
    parts.push_back(files_part(report));
    parts.push_back(gateway_engine_part(machine, options));
    parts.push_back(gateway_front_part(machine, options));
    parts.push_back(tripwire_part(machine, options));
    parts.push_back(listeners_part(machine, options));
    parts.push_back(connections_part(machine, options));
    parts.push_back(processes_part(machine, options));
    parts.push_back(environment_part(machine, options));
    parts.push_back(containers_part(machine, options));
    parts.push_back(kubernetes_part(options));
    parts.push_back(names_part(machine, options));
    const bool off = std::all_of(parts.begin(), parts.end(), [](const Part& part) {
        return (part.id != "SEG204" && part.id != "SEG206") || part.standing != Standing::kNotClean;
    });
    parts.push_back(off_switch_part(report, machine, options, off));

    std::set<std::string> required = options.required;
    if (required.empty())
        required.insert(report.proof.required.begin(), report.proof.required.end());
    if (required.empty()) required.insert(kRequired.begin(), kRequired.end());
    for (auto& part : parts) {
        part.required = part.id == "REFERENCES" || required.contains(part.id);
        if (part.standing == Standing::kClean) part.command.clear();
    }
    // A thing that is not clean spoils the claim whether it was required or not.
    record.holds = std::all_of(parts.begin(), parts.end(), [](const Part& part) {
        return part.standing == Standing::kClean ||
               (part.standing == Standing::kNotLookedAt && !part.required);
    });
    return record;
}

}  // namespace segue::audit
