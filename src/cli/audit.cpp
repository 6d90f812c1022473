#include <fmt/format.h>

#include <algorithm>
#include <fstream>
#include <ostream>

#include "audit/audit.hpp"
#include "audit/baseline.hpp"
#include "audit/output/output.hpp"
#include "audit/rules/rule.hpp"
#include "base/text.hpp"
#include "cli/commands.hpp"

namespace segue::cli {
namespace {

Result<int> kind_of(std::string_view name) {
    if (const auto* rule = audit::find_rule(name)) return rule->id;
    std::vector<std::string_view> kinds;
    for (const auto* rule : audit::all_rules())
        kinds.push_back(rule->kind);
    for (const auto& rule : audit::note_rules())
        kinds.push_back(rule.kind);
    const auto close = nearest(name, kinds);
    return fail(Fault::kInvalid, fmt::format("there is no kind '{}'; {}", name,
                                             close ? fmt::format("did you mean '{}'?", *close)
                                                   : "segue audit --explain all lists them"));
}

std::string rendered(const audit::Report& report, const AuditArguments& arguments,
                     const Console& console) {
    if (arguments.format == "json" ||
        (console.output == Output::kJson && arguments.format == "text"))
        return audit::to_json(report);
    if (arguments.format == "sarif") return audit::to_sarif(report);
    if (arguments.format == "html") return audit::to_html(report);
    if (arguments.format == "md") return audit::to_markdown(report);
    if (arguments.format == "github") return audit::to_github(report);
    const bool colour = console.colour && arguments.output.empty();
    return audit::to_text(report, colour ? audit::Colour::kYes : audit::Colour::kNo,
                          arguments.all ? audit::ShowAll::kYes : audit::ShowAll::kNo);
}

}  // namespace

int audit_command(const AuditArguments& arguments, Console& console) {
    if (!arguments.explain.empty()) {
        if (arguments.explain == "all") {
            console.out << audit::explain("");
            return kFine;
        }
        const auto kind = kind_of(arguments.explain);
        if (!kind) return report(console, kind.error());
        console.out << audit::explain(arguments.explain);
        return kFine;
    }
    audit::Options options;
    if (!arguments.paths.empty()) options.paths = arguments.paths;
    options.everything = !arguments.write_baseline.empty();
    options.ignore = arguments.no_ignore ? audit::UseIgnoreRules::kNo : audit::UseIgnoreRules::kYes;
    options.since = arguments.since;
    options.baseline = arguments.baseline;
    options.threads = arguments.threads;
    options.today = SystemClock().wall();
    for (const auto& name : arguments.kinds) {
        const auto kind = kind_of(name);
        if (!kind) return report(console, kind.error());
        options.only.insert(*kind);
    }
    options.look_alikes = arguments.all;
    options.identify =
        arguments.prove.wanted || arguments.format == "json" || console.output == Output::kJson;
    if (arguments.prove.wanted) {
        const auto prepared = prepare_proof(arguments, console);
        if (!prepared) return report(console, prepared.error());
        const auto tree = audit::audit(options);
        if (!tree) return report(console, tree.error());
        return prove_command(arguments, *prepared, *tree, console);
    }
    const auto done = audit::audit(options);
    if (!done) return report(console, done.error());
    const std::string text = rendered(*done, arguments, console);
    if (arguments.output.empty()) {
        console.out << text;
    } else {
        std::ofstream out(arguments.output, std::ios::binary);
        out << text;
        out.close();
        if (!out)
            return report(
                console,
                {Fault::kIo, fmt::format("cannot write '{}'; is the folder there and writable?",
                                         arguments.output)});
    }
    if (!arguments.write_baseline.empty()) {
        std::ofstream out(arguments.write_baseline, std::ios::binary);
        out << audit::baseline_json(*done);
        out.close();
        if (!out)
            return report(
                console,
                {Fault::kIo, fmt::format("cannot write '{}'; is the folder there and writable?",
                                         arguments.write_baseline)});
    }
    if (arguments.stats) console.err << audit::stats_text(*done);
    console.out.flush();
    const auto limit = arguments.fail_on == "error"  ? audit::Level::kError
                       : arguments.fail_on == "note" ? audit::Level::kNote
                                                     : audit::Level::kWarning;
    const bool found =
        std::any_of(done->findings.begin(), done->findings.end(),
                    [&](const audit::Finding& f) { return f.open() && f.level >= limit; });
    if (done->named_unread()) {
        for (const auto& file : done->not_read)
            if (file.named)
                console.err << fmt::format("segue: {} was not read: {}\n", file.path, file.reason);
        return kUnreachable;
    }
    return found && arguments.fail_on != "never" ? kNo : kFine;
}

}  // namespace segue::cli
