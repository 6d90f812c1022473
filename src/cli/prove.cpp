#include <fmt/format.h>

#include <filesystem>
#include <ostream>

#include "audit/proof/proof.hpp"
#include "audit/tree_hash.hpp"
#include "base/files.hpp"
#include "base/text.hpp"
#include "cli/commands.hpp"
#include "evidence/record.hpp"
#include "serve/daemon.hpp"

namespace segue::cli {
namespace {

Result<Duration> duration_of(std::string_view flag, const std::string& text, Duration otherwise,
                             Duration least = Duration{1}) {
    if (text.empty()) return otherwise;
    const auto read = parse_duration(text);
    if (!read || *read < least || *read > std::chrono::hours(24 * 366))
        return fail(Fault::kInvalid,
                    fmt::format("{} is a time such as 10m, 24h or 30d, not '{}'", flag, text));
    return *read;
}

Result<audit::ProofOptions> options_of(const AuditArguments& arguments, const audit::Report& report,
                                       const serve::Config& config, const Console& console) {
    const ProveArguments& prove = arguments.prove;
    audit::ProofOptions options;
    options.claim = prove.claim == "runtime-free" ? audit::ProofClaim::kRuntimeFree
                                                  : audit::ProofClaim::kReferenceFree;
    options.gateway_named = !prove.gateway.empty();
    options.gateway = prove.gateway.empty() ? gateway_url(config.listen) : prove.gateway;
    options.gateway_key =
        console.environment("SEGUE_API_KEY")
            .value_or(config.gateway.keys.empty() ? "" : config.gateway.keys.front());
    options.days = prove.days;
    options.ports = report.proof.ports;
    options.ports.insert(options.ports.end(), prove.ports.begin(), prove.ports.end());
    options.names = report.proof.names;
    options.names.insert(options.names.end(), prove.names.begin(), prove.names.end());
    options.ask = prove.ask;
    options.docker_socket = prove.docker_socket;
    options.check = prove.check;
    SEGUE_TRY(watch, duration_of("--watch", prove.watch, Duration{0}));
    SEGUE_TRY(sample, duration_of("--sample", prove.sample, std::chrono::seconds(60)));
    SEGUE_TRY(off_for,
              duration_of("--off-for", prove.off_for, std::chrono::minutes(30), Duration{0}));
    SEGUE_TRY(valid, duration_of("--valid", prove.valid, std::chrono::hours(24 * 30)));
    options.watch = std::chrono::duration_cast<std::chrono::milliseconds>(watch);
    options.sample = std::chrono::duration_cast<std::chrono::milliseconds>(sample);
    options.off_for = std::chrono::duration_cast<std::chrono::milliseconds>(off_for);
    options.valid = std::chrono::duration_cast<std::chrono::hours>(valid);
    if (options.valid.count() == 0) return fail(Fault::kInvalid, "--valid is at least 1h");
    for (const auto& part : prove.required) {
        if (!audit::is_part(part))
            return fail(
                Fault::kInvalid,
                fmt::format(
                    "there is no part '{}'; there are REFERENCES, FILES and SEG201 to SEG211",
                    part));
        options.required.insert(part);
    }
    options.environment = console.environment;
    return options;
}

Result<std::string> file_for(const AuditArguments& arguments, const serve::Config& config,
                             std::string_view text, WallTime now) {
    if (!arguments.output.empty()) return arguments.output;
    std::string time = rfc3339(now).substr(0, 19);
    std::erase_if(time, [](char c) { return c == '-' || c == ':'; });
    return fmt::format("{}/evidence/audit-{}-{}.json", config.data_dir, time,
                       sha256_hex(text).substr(0, 8));
}

}  // namespace

Result<PreparedProof> prepare_proof(const AuditArguments& arguments, const Console& console) {
    if (!arguments.since.empty() || !arguments.baseline.empty() || !arguments.kinds.empty() ||
        arguments.no_ignore || arguments.paths.size() > 1 || arguments.format != "text")
        return fail(Fault::kInvalid,
                    "--prove looks at one whole tree: it goes with one path, and without --since, "
                    "--baseline, --kind, "
                    "--no-ignore and --format");
    auto loaded = serve::load_config(arguments.prove.flags, console.environment);
    if (!loaded.issues.empty()) return fail(Fault::kInvalid, serve::describe_issues(loaded.issues));
    // Before the work, not after it.
    SEGUE_TRY(key, evidence::SigningKeys(loaded.config.data_dir).open(arguments.prove.sign_with));
    return PreparedProof{std::move(loaded.config), std::move(key)};
}

int prove_command(const AuditArguments& arguments, const PreparedProof& prepared,
                  const audit::Report& report_of_tree, Console& console) {
    auto options = options_of(arguments, report_of_tree, prepared.config, console);
    if (!options) return report(console, options.error());
    if (report_of_tree.tree_sha256.empty())
        if (const auto hash = audit::tree_sha256(report_of_tree.root); !hash)
            return report(console, hash.error());
    options->now = SystemClock().wall();
    auto record = audit::prove(report_of_tree, *options);
    record.signer = prepared.key.facts.name;
    const auto text = evidence::sign_record(record, prepared.key.key);
    if (!text) return report(console, text.error());
    const auto file = file_for(arguments, prepared.config, *text, options->now);
    if (!file) return report(console, file.error());
    if (const auto written = replace_file(*file, *text, FileAccess::kEverybody); !written)
        return report(console, written.error());
    if (console.output == Output::kJson) {
        console.out << *text;
    } else {
        print_parts(record, console);
        console.out << "what nothing here can see\n";
        for (const auto& spot : record.blind_spots)
            console.out << "  - " << spot << '\n';
        if (report_of_tree.dirty)
            console.out << "uncommitted changes: the tree's hash, not the commit, says what was "
                           "looked at\n";
        console.out << (record.holds ? console.green("proved") : console.red("not proved")) << ": "
                    << record.claim << '\n';
        console.out << fmt::format(
            "signed by '{}' ({}) in {}; check it: segue evidence verify {}\n", record.signer,
            prepared.key.facts.id, *file, *file);
    }
    console.out.flush();
    return record.holds ? kFine : kNo;
}

}  // namespace segue::cli
