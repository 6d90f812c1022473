#include "rewrite/plan.hpp"

#include <algorithm>
#include <array>
#include <tuple>

#include "audit/rules/rule.hpp"
#include "audit/walk/ignore.hpp"
#include "base/text.hpp"
#include "rewrite/code/advice.hpp"
#include "rewrite/code/dual.hpp"
#include "rewrite/core/diff.hpp"
#include "rewrite/core/places.hpp"
#include "rewrite/steps/steps.hpp"

namespace segue::rewrite {
namespace {

using audit::Finding;
using audit::Level;

constexpr std::string_view kBinary = "binary";
constexpr std::string_view kPolicy = "policy";
constexpr int kMostRounds = 4;  // a plan is a fixed point of itself, or what moves is left alone

using Family = Groups (*)(const Workspace&, const Context&);

std::vector<Family> families(Step step) {
    switch (step) {
        case Step::kDropIn: return {addresses_to_segue};
        case Step::kDual:
            return {python_sdk,    python_http, python_openai, script_sdk,      script_http,
                    script_openai, manifests,   dual_modules,  dual_environment};
        case Step::kFinal:
            return {leave_dual,        proxies,       compose,       kubernetes,
                    dockerfiles,       systemd_units, pipelines,     python_sdk,
                    python_frameworks, python_http,   python_openai, script_sdk,
                    script_frameworks, script_http,   script_openai, litellm,
                    manifests,         prose,         tags,          ports,
                    rename_names,      dedupe};
    }
    return {};
}

std::vector<std::pair<std::string, std::string>> texts_of(const Workspace& workspace) {
    std::vector<std::pair<std::string, std::string>> texts;
    for (const auto& [path, file] : workspace.files)
        if (!file.removed && file.locked != kBinary && file.locked != kPolicy)
            texts.emplace_back(path, file.text);
    return texts;
}

bool counts(const Finding& finding) {
    return finding.level != Level::kNote && finding.suppressed.empty();
}

/// In drop-in only what still leads to Ollama is left to do.
bool matters(const Finding& finding, Step step) {
    if (!counts(finding)) return false;
    if (step == Step::kDual)
        return finding.rule == 101 || finding.rule == 102 || finding.rule == 109;
    return step != Step::kDropIn || finding.rule == 104;
}

std::map<std::uint32_t, std::uint32_t> old_lines(std::string_view before, std::string_view after) {
    const auto old_text = lines_of(before);
    const auto new_text = lines_of(after);
    std::map<std::uint32_t, std::uint32_t> map;
    std::uint32_t o = 0;
    std::uint32_t n = 0;
    const auto same = [&](std::size_t until) {
        while (n < until)
            map[++n] = ++o;
    };
    for (const auto& run : compare(old_text, new_text)) {
        same(run.new_line);
        for (std::size_t k = 0; k < run.new_count; ++k)
            map[++n] = o + static_cast<std::uint32_t>(
                               std::min(k + 1, std::max<std::size_t>(1, run.old_count)));
        o += static_cast<std::uint32_t>(run.old_count);
    }
    same(new_text.size());
    return map;
}

class Planner {
public:
    Planner(const audit::Policy& policy, const Settings& settings)
        : policy_(policy), settings_(settings) {
        audit_options_.today = settings.today;
        // What dual allowed is what final takes away.
        if (settings.step == Step::kFinal)
            std::erase_if(policy_.allow,
                          [](const auto& allow) { return allow.reason == kDualReason; });
    }

    Plan run(std::vector<InputFile> inputs) {
        load(std::move(inputs));
        port_ = engine_port(workspace_);
        look();
        plan_.step = settings_.step;
        plan_.findings_before = count();
        const bool nothing = report_.findings.empty() ||
                             std::none_of(report_.findings.begin(), report_.findings.end(),
                                          [](const Finding& f) { return f.level != Level::kNote; });
        if (!nothing) {
            for (int round = 0; round < kMostRounds; ++round) {
                const auto before = texts_of(workspace_);
                for (const auto family : families(settings_.step)) {
                    // New names hide what still speaks the old protocol: note it before.
                    if (family == rename_names) leave_to_a_person();
                    const Context context{settings_, model_, report_, port_};
                    if (workspace_.apply(wanted(family(workspace_, context))) != 0) look();
                    if (round == 0 && family == leave_dual) {
                        for (auto& [path, file] : workspace_.files)
                            file.theirs = written_by_people(file);
                        port_ = engine_port(workspace_);
                    }
                }
                if (texts_of(workspace_) == before) break;
            }
        }
        finish();
        return std::move(plan_);
    }

private:
    void load(std::vector<InputFile> inputs) {
        for (auto& input : inputs) {
            File file;
            file.path = file.old_path = input.path;
            file.form = audit::classify(input.path, std::string_view(input.bytes).substr(0, 4096));
            file.mode = input.mode;
            file.outside_git = input.outside_git;
            if (audit::looks_binary(std::string_view(input.bytes).substr(0, 8192)))
                file.locked = kBinary;
            const auto listed = [&](const std::vector<std::string>& globs) {
                return std::any_of(globs.begin(), globs.end(), [&](const std::string& glob) {
                    return audit::wildmatch(glob, input.path);
                });
            };
            if (listed(policy_.history)) file.form.history = true;
            if (input.path == "segue-audit.yaml" || input.path.ends_with("/segue-audit.yaml"))
                file.locked = kPolicy;
            if (!file.locked.empty())
                ;
            else if (!file.form.derived_why.empty() || listed(policy_.generated) ||
                     listed(policy_.vendored))
                file.locked = "derived";
            else if (file.form.history || file.form.migration)
                file.locked = "history";
            else if (audit::Source(input.path, input.bytes).encoding() ==
                         audit::Encoding::kUtf16Le ||
                     audit::Source(input.path, input.bytes).encoding() == audit::Encoding::kUtf16Be)
                file.locked = "UTF-16";
            file.original = file.theirs = input.bytes;
            file.text = std::move(input.bytes);
            workspace_.files.emplace(input.path, std::move(file));
        }
    }

    void look() {
        model_ = audit::Model{};
        report_ = audit::audit_texts(texts_of(workspace_), audit_options_, policy_, &model_);
    }

    /// Findings that no later family removes: code that speaks Ollama's protocol, its packages and
    /// images.
    void leave_to_a_person() {
        static constexpr std::array kSpeaks{101, 102, 103, 108, 109, 112, 113};
        for (const auto& finding : report_.findings) {
            if (!counts(finding) ||
                std::find(kSpeaks.begin(), kSpeaks.end(), finding.rule) == kSpeaks.end())
                continue;
            auto* const file = workspace_.find(finding.path);
            if (file == nullptr || file->form.doc) continue;
            // A request that speaks OpenAI's API by now, at an address that still has its old name.
            const auto words = line_around(file->text, finding.byte_start);
            if (finding.rule == 103 &&
                (words.find("/v1/") != words.npos || words.find("/health") != words.npos))
                continue;
            // An image that a template puts together from values.
            if (finding.rule == 113 && words.find(".Values.") != words.npos) continue;
            const auto line = line_number(file->text, finding.byte_start);
            const bool told = std::any_of(
                file->todos.begin(), file->todos.end(),
                [&](const PendingTodo& todo) { return line_number(file->text, todo.at) == line; });
            if (told) continue;
            file->todos.push_back({finding.byte_start, finding.message, suggestion(finding, *file),
                                   finding.rule, true});
        }
    }

    std::string suggestion(const Finding& finding, const File& file) const {
        if (!finding.fix.to.empty()) return finding.fix.to;
        if (auto text = advice(finding, file, settings_.models, port_); !text.empty()) return text;
        const auto* const rule = audit::find_rule(finding.rule);
        return rule == nullptr ? std::string() : std::string(rule->how);
    }

    std::size_t count() const {
        return static_cast<std::size_t>(
            std::count_if(report_.findings.begin(), report_.findings.end(), counts));
    }

    Groups wanted(Groups groups) const {
        if (settings_.only.empty()) return groups;
        std::erase_if(groups,
                      [&](const Group& group) { return !settings_.only.contains(group.rule); });
        return groups;
    }

    void finish() {
        plan_.findings_after = count();
        std::set<std::pair<std::string, std::uint32_t>> told;
        for (auto& [path, file] : workspace_.files) {
            if (file.text != file.original || file.path != file.old_path || file.removed)
                plan_.files.push_back({file.old_path, file.removed ? "" : file.path, file.original,
                                       file.removed ? "" : file.text, file.mode, file.marks,
                                       file.outside_git});
            std::map<std::uint32_t, std::uint32_t> was;
            const auto add = [&](std::uint32_t line, std::string reason, std::string suggestion,
                                 int rule) {
                if (was.empty() && !file.old_path.empty())
                    was = old_lines(file.original, file.text);
                const auto old = was.find(line);
                plan_.todos.push_back({path, line, old == was.end() ? 0 : old->second,
                                       std::move(reason), std::move(suggestion), rule});
            };
            std::set<std::tuple<std::uint32_t, std::string>> once;
            for (auto& todo : file.todos) {
                const auto line = line_number(file.text, todo.at);
                if (!once.emplace(line, todo.reason).second) continue;
                told.emplace(path, line);
                add(line, todo.reason, todo.suggestion, todo.rule);
            }
            for (const auto& finding : report_.findings) {
                if (finding.path != path || !matters(finding, settings_.step)) continue;
                if (!told.emplace(path, finding.line).second) continue;
                std::string reason = finding.message;
                if (!file.locked.empty()) reason += " (" + file.locked + ": not edited)";
                add(finding.line, std::move(reason), suggestion(finding, file), finding.rule);
            }
        }
        std::stable_sort(plan_.todos.begin(), plan_.todos.end(), [](const Todo& a, const Todo& b) {
            return std::tie(a.path, a.line) < std::tie(b.path, b.line);
        });
        std::stable_sort(plan_.files.begin(), plan_.files.end(),
                         [](const Changed& a, const Changed& b) {
                             return (a.old_path.empty() ? a.new_path : a.old_path) <
                                    (b.old_path.empty() ? b.new_path : b.old_path);
                         });
    }

    audit::Policy policy_;
    const Settings& settings_;
    audit::Options audit_options_;
    Workspace workspace_;
    audit::Model model_;
    audit::Report report_;
    std::string port_;
    Plan plan_;
};

}  // namespace

std::optional<Step> step_named(std::string_view name) {
    if (name == "drop-in") return Step::kDropIn;
    if (name == "dual") return Step::kDual;
    if (name == "final") return Step::kFinal;
    return std::nullopt;
}

std::string_view step_name(Step step) {
    switch (step) {
        case Step::kDropIn: return "drop-in";
        case Step::kDual: return "dual";
        case Step::kFinal: return "final";
    }
    return "";
}

std::string Plan::patch(std::string_view prefix) const {
    std::string out;
    for (const auto& file : files) {
        const auto below = [&](const std::string& path) {
            return path.empty() ? path : std::string(prefix) + path;
        };
        out += patch_of(
            {below(file.old_path), below(file.new_path), file.before, file.after, file.mode});
    }
    return out;
}

Plan plan(std::vector<InputFile> files, const audit::Policy& policy, const Settings& settings) {
    return Planner(policy, settings).run(std::move(files));
}

}  // namespace segue::rewrite
