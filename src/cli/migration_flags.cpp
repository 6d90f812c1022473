#include "cli/migration_flags.hpp"

namespace segue::cli {
namespace {

void add_prove(CLI::App& command, ProveArguments& prove) {
    const std::string group = "Proof";
    command
        .add_flag("--prove", prove.wanted,
                  "prove that nothing remains, here and on what runs; writes signed evidence "
                  "(to --output, or into the data folder)")
        ->group(group);
    command.add_option("--claim", prove.claim, "reference-free, or runtime-free: only what runs")
        ->check(CLI::IsMember({"reference-free", "runtime-free"}))
        ->capture_default_str()
        ->group(group);
    command
        .add_option("--gateway", prove.gateway,
                    "URL of the running gateway (default: where the configuration listens); "
                    "SEGUE_API_KEY is its key")
        ->group(group);
    command.add_option("--days", prove.days, "how long it must not have used Ollama")
        ->check(CLI::Range(0, 80))
        ->capture_default_str()
        ->group(group);
    command
        .add_option("--old-port", prove.ports,
                    "a port that was Ollama's, besides 11434 and those in the tree")
        ->check(CLI::Range(1, 65535))
        ->allow_extra_args(false)
        ->group(group);
    command.add_option("--old-name", prove.names, "a host name that was Ollama's")
        ->allow_extra_args(false)
        ->group(group);
    command.add_option("--ask", prove.ask, "URL of a server to ask whether it is Ollama")
        ->allow_extra_args(false)
        ->group(group);
    command
        .add_option("--require", prove.required,
                    "parts that must be clean, as SEG201,SEG204 (default: SEG201, 204, 206, 208)")
        ->delimiter(',')
        ->allow_extra_args(false)
        ->group(group);
    command
        .add_option("--docker-socket", prove.docker_socket,
                    "socket of the container engine (default: DOCKER_HOST, then the usual places)")
        ->group(group);
    command.add_option("--watch", prove.watch, "how long to watch connections, such as 24h")
        ->group(group);
    command.add_option("--sample", prove.sample, "time between two looks (default: 60s)")
        ->group(group);
    command
        .add_option("--check", prove.check,
                    "the project's own check, run while Ollama is off: 'make test'")
        ->group(group);
    command
        .add_option("--off-for", prove.off_for,
                    "how long Ollama must stay off, with the check at both ends (default: 30m; "
                    "0s: one check)")
        ->group(group);
    command.add_option("--valid", prove.valid, "how long the evidence is in force (default: 30d)")
        ->group(group);
    command
        .add_option("--sign-with", prove.sign_with, "id or name of the key (default: the newest)")
        ->group(group);
    add_config_flag(command, prove.flags);
    command.add_option("--data-dir", prove.flags.data_dir, "folder with the signing keys")
        ->group(group);
}

void add_audit(CLI::App& app, AuditArguments& audit, Action& action) {
    auto* command = app.add_subcommand("audit", "find every reference to Ollama in a code base");
    command->add_option("path", audit.paths, "files and folders to read (default: .)");
    command->add_option("--format", audit.format, "text, json, sarif, html, md or github")
        ->check(CLI::IsMember({"text", "json", "sarif", "html", "md", "github"}))
        ->capture_default_str();
    command->add_option("-o,--output", audit.output, "write the report to this file");
    command->add_option("--since", audit.since,
                        "only what is new on lines changed since this git revision");
    command->add_option("--baseline", audit.baseline, "only what is not in this file");
    command->add_option("--write-baseline", audit.write_baseline,
                        "write what is there now, to fail only on more");
    command
        ->add_option("--fail-on", audit.fail_on,
                     "exit with 1 from this level on: error, warning, note or never")
        ->check(CLI::IsMember({"error", "warning", "note", "never"}))
        ->capture_default_str();
    command->add_option("--kind", audit.kinds, "only these kinds, as SEG103 or endpoint")
        ->delimiter(',')
        ->allow_extra_args(false);
    command->add_option("--explain", audit.explain,
                        "say what a rule finds, why it matters and how to fix it; all lists all");
    command->add_option("--threads", audit.threads, "threads to use (default: one a core)");
    command->add_flag("--no-ignore", audit.no_ignore, "read what git ignores, too");
    command->add_flag("--all", audit.all, "list notes, too");
    command->add_flag("--stats", audit.stats, "say what was read and parsed, on standard error");
    add_prove(*command, audit.prove);
    command->footer(examples({"segue audit", "segue audit backend frontend --fail-on error",
                              "segue audit --since origin/main --format github",
                              "segue audit --format html --output audit.html",
                              "segue audit --prove --gateway http://10.0.0.2:8484",
                              "segue audit --explain SEG103"}));
    command->callback(
        [&] { action = [&](Console& console) { return audit_command(audit, console); }; });
}

void add_rewrite(CLI::App& app, RewriteArguments& rewrite, Action& action) {
    auto* command = app.add_subcommand(
        "rewrite", "change a code base from Ollama to vLLM: a patch, and what is left to a person");
    command->add_option("words", rewrite.words,
                        "plan (tell what would change), apply (change it) or undo, and the folder "
                        "(default: the current one); without a word: print the patch");
    command->add_option("--to", rewrite.to,
                        "drop-in (only addresses), dual (either engine by AI_BACKEND) or final "
                        "(nothing of Ollama is left)");
    command->add_flag("--write", rewrite.write, "the same as apply");
    command->add_flag("--force", rewrite.force, "write although there are uncommitted changes");
    command->add_option("--check", rewrite.check,
                        "run this before and after writing; undo when it passed and then fails");
    command->add_option("--report", rewrite.report,
                        "write a page for the review (.html, or .md for Markdown)");
    command->add_option("--map", rewrite.map,
                        "a file of \"tag id\" lines: which model stands for a tag");
    command->add_option("--only", rewrite.only, "only changes of these kinds")
        ->delimiter(',')
        ->allow_extra_args(false);
    command->add_option("--segue", rewrite.segue,
                        "Segue's address for drop-in (default: http://segue:8484)");
    command->add_option("--owner", rewrite.owner, "owner of the suppressions that dual writes");
    command->add_flag("--fail-on-todo", rewrite.fail_on_todo,
                      "exit with 1 when something is left to a person");
    command->footer(
        examples({"segue rewrite --to drop-in", "segue rewrite plan --to final",
                  "segue rewrite apply --to final --check 'make test'", "segue rewrite undo",
                  "segue rewrite --to final --report review.html > change.patch"}));
    command->callback(
        [&] { action = [&](Console& console) { return rewrite_command(rewrite, console); }; });
}

void add_evidence(CLI::App& app, EvidenceArguments& evidence, Action& action) {
    auto* group = app.add_subcommand("evidence", "check and show signed evidence");
    group->require_subcommand(1);
    group->footer(examples({"segue evidence verify proof.json --key segue.pub"}));
    const auto add = [&](const char* name, const char* what,
                         int (*command)(const EvidenceArguments&, Console&)) {
        auto* made = group->add_subcommand(name, what);
        made->add_option("file", evidence.file, "the evidence file")->required();
        made->add_option("--key", evidence.key,
                         "the public key that must have signed it: ed25519:…, or a file with it "
                         "(default: this installation's keys, else the file's own)");
        made->add_option("--tree", evidence.tree,
                         "a folder: must hold exactly what the evidence is about");
        made->add_option("--data-dir", evidence.flags.data_dir,
                         "folder of this installation's keys");
        made->callback([&action, &evidence, command] {
            action = [&evidence, command](Console& console) { return command(evidence, console); };
        });
        made->footer(examples(
            {"segue evidence verify proof.json", "segue evidence show proof.json --json"}));
    };
    add("verify", "check hash, signature, signer and expiry; 1 when it does not hold",
        evidence_verify_command);
    add("show", "what it says, part by part", evidence_show_command);
}

}  // namespace

void add_migration(CLI::App& app, MigrationArguments& arguments, Action& action) {
    add_audit(app, arguments.audit, action);
    add_rewrite(app, arguments.rewrite, action);
    add_evidence(app, arguments.evidence, action);
}

}  // namespace segue::cli
