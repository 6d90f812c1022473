#include <fmt/format.h>
#include <sys/wait.h>

#include <cstdlib>
#include <fstream>
#include <ostream>

#include "audit/rules/rule.hpp"
#include "base/files.hpp"
#include "base/text.hpp"
#include "cli/commands.hpp"
#include "rewrite/disk/tree.hpp"
#include "rewrite/output/output.hpp"

namespace segue::cli {
namespace {

/// One "tag id" a line; a tab, spaces, "=" or ": " between them; "#" begins a comment.
Result<void> read_map(const std::string& file, rewrite::Settings& settings) {
    SEGUE_TRY(text, read_file(file));
    int number = 0;
    for (auto line : split(text, '\n')) {
        ++number;
        line = trim(line);
        if (line.empty() || line.front() == '#') continue;
        auto cut = line.find_first_of(" \t=");
        auto tag = trim(line.substr(0, cut));
        if (cut == std::string_view::npos || trim(line.substr(cut + 1)).empty())
            return fail(Fault::kInvalid,
                        fmt::format("{}:{}: '{}' is no \"tag id\"; write for example: "
                                    "llama3.1:8b meta-llama/Llama-3.1-8B-Instruct",
                                    file, number, line));
        if (tag.ends_with(':')) tag.remove_suffix(1);
        const auto id = trim(line.substr(cut + 1));
        settings.models.insert_or_assign(std::string(tag), std::string(id));
    }
    return {};
}

Result<int> kind_of(const std::string& name) {
    if (const auto* rule = audit::find_rule(name)) return rule->id;
    return fail(Fault::kInvalid,
                fmt::format("there is no kind '{}'; segue audit --explain all lists them", name));
}

/// The project's own check, in its folder. Answers its exit status.
int run_check(const std::string& root, const std::string& command) {
    const int status = std::system(
        fmt::format("cd '{}' && ( {} ) >&2", replace_all(root, "'", "'\\''"), command).c_str());
    return WIFEXITED(status) ? WEXITSTATUS(status) : 128;
}

Result<void> write_report(const std::string& file, const rewrite::Plan& plan) {
    std::ofstream out(file, std::ios::binary);
    out << (file.ends_with(".md") ? rewrite::to_markdown(plan) : rewrite::to_html(plan));
    out.close();
    if (!out)
        return fail(Fault::kIo,
                    fmt::format("cannot write '{}'; is the folder there and writable?", file));
    return {};
}

int undo_command(const std::string& path, Console& console) {
    const auto undone = rewrite::undo(path);
    if (!undone) return report(console, undone.error());
    console.err << fmt::format("segue rewrite: took {} file{} back (step {})\n", undone->files,
                               undone->files == 1 ? "" : "s", undone->step);
    return kFine;
}

/// Writes, checks, and takes back what made the check fail.
int apply_plan(const RewriteArguments& arguments, const rewrite::LoadedTree& tree,
               const rewrite::Plan& plan, Console& console) {
    if (tree.dirty && !arguments.force)
        return report(console,
                      {Fault::kInvalid,
                       "the work tree has uncommitted changes; commit or stash them, or say "
                       "--force"});
    int before = 0;
    if (!arguments.check.empty()) before = run_check(tree.root, arguments.check);
    const auto written = rewrite::write_plan(tree, plan);
    if (!written) return report(console, written.error());
    console.err << fmt::format("wrote {} file{}; take it back with: segue rewrite undo {}\n",
                               written->files, written->files == 1 ? "" : "s", arguments.path());
    if (arguments.check.empty()) return kFine;
    const int after = run_check(tree.root, arguments.check);
    if (before == 0 && after != 0) {
        const auto undone = rewrite::undo(tree.root);
        if (!undone) return report(console, undone.error());
        console.err << fmt::format(
            "segue: the check passed before and failed after ({}); the "
            "change was taken back\n",
            after);
        return kNo;
    }
    console.err << (after == 0    ? "the check passes\n"
                    : before != 0 ? "the check failed before the change and fails after it\n"
                                  : "");
    return kFine;
}

}  // namespace

std::string RewriteArguments::path() const {
    const std::size_t at = verb().empty() ? 0 : 1;
    return words.size() > at ? words[at] : ".";
}

std::string RewriteArguments::verb() const {
    if (!words.empty() && (words[0] == "plan" || words[0] == "apply" || words[0] == "undo"))
        return words[0];
    return {};
}

int rewrite_command(const RewriteArguments& arguments, Console& console) {
    const auto verb = arguments.verb();
    if (arguments.words.size() > (verb.empty() ? 1U : 2U))
        return report(console, {Fault::kInvalid,
                                fmt::format("'{}' is one folder too many; rewrite one tree at a "
                                            "time",
                                            arguments.words.back())});
    if (verb == "undo") return undo_command(arguments.path(), console);
    rewrite::Settings settings;
    const auto step = rewrite::step_named(arguments.to);
    if (!step)
        return report(console, {Fault::kInvalid,
                                "say how far: --to drop-in, --to dual or --to "
                                "final"});
    settings.step = *step;
    settings.today = SystemClock().wall();
    if (!arguments.segue.empty()) settings.segue = arguments.segue;
    if (!arguments.owner.empty()) settings.owner = arguments.owner;
    for (const auto& name : arguments.only) {
        const auto kind = kind_of(name);
        if (!kind) return report(console, kind.error());
        settings.only.insert(*kind);
    }
    if (!arguments.map.empty()) {
        const auto done = read_map(arguments.map, settings);
        if (!done) return report(console, done.error());
    }
    auto tree = rewrite::load_tree(arguments.path());
    if (!tree) return report(console, tree.error());
    // What --map says comes before what segue-audit.yaml says.
    settings.models.insert(tree->policy.models.begin(), tree->policy.models.end());
    const auto plan = rewrite::plan(tree->files, tree->policy, settings);
    if (!arguments.report.empty()) {
        const auto done = write_report(arguments.report, plan);
        if (!done) return report(console, done.error());
    }
    const auto patch = plan.patch(tree->prefix);
    if (console.output == Output::kJson)
        console.out << rewrite::to_json(plan, patch);
    else if (verb == "plan")
        console.out << rewrite::plan_text(plan);
    else if (verb.empty() && !arguments.write)
        console.out << patch;
    console.out.flush();
    console.err << rewrite::summary(plan);
    int code = kFine;
    if ((arguments.write || verb == "apply") && !plan.files.empty())
        code = apply_plan(arguments, *tree, plan, console);
    if (code != kFine) return code;
    for (const auto& file : tree->not_read)
        if (file.named) {
            console.err << fmt::format("segue: {} was not read: {}\n", file.path, file.reason);
            return kUnreachable;
        }
    return arguments.fail_on_todo && !plan.todos.empty() ? kNo : kFine;
}

}  // namespace segue::cli
