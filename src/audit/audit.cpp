#include "audit/audit.hpp"

#include <algorithm>
#include <chrono>
#include <fstream>
#include <future>
#include <iterator>
#include <map>
#include <mutex>
#include <span>
#include <utility>

#include "audit/baseline.hpp"
#include "audit/paths.hpp"
#include "audit/project.hpp"
#include "audit/scan.hpp"
#include "audit/scope.hpp"
#include "audit/suppress.hpp"
#include "audit/syntax/tree.hpp"
#include "audit/tree_hash.hpp"
#include "audit/workers.hpp"

namespace segue::audit {
namespace {

constexpr std::size_t kLargestCode = 1U << 20;  // of files that hold no word themselves

bool is_own_file(std::string_view path) {
    return base_name(path) == kPolicyFile || is_rewrite_record(path);
}

const Search references = [](std::string_view bytes) { return reference_scanner().matches(bytes); };

/// Reads files into a project, as often as new words are learned.
class Reader {
public:
    Reader(const Options& options, const Policy& policy, Project& project, Report& report)
        : options_(options), policy_(policy), project_(project), report_(report) {}

    /// The first look at a file; on any thread.
    void look(WalkedFile& file) {
        if (is_own_file(file.path)) return;
        Scanned scanned;
        scan_file(file, policy_, references, scanned, keep(file));
        file.size = scanned.bytes;
        const std::scoped_lock lock(guard_);
        ++report_.stats.files;
        report_.stats.bytes += scanned.bytes;
        report_.stats.matched += scanned.matched ? 1 : 0;
        take(file, std::move(scanned));
    }
    /// When each was looked at.
    void looked_at(Scope& scope) {
        files_ = scope.walk.files;
        judged_ = scope.judged();
        project_.sort_files();
    }
    /// Files that use a name which the tree itself gave to Ollama's address, service or model.
    void read_again(const std::vector<std::string>& words) {
        if (words.empty()) return;
        const std::vector<std::string_view> views(words.begin(), words.end());
        const Matcher matcher(views);
        const Search learned = [&](std::string_view bytes) { return matcher.matches(bytes); };
        in_parallel(files_.size(), options_.threads, [&](std::size_t i) {
            if (files_[i].done || is_own_file(files_[i].path)) return;
            Scanned scanned;
            scan_file(files_[i], policy_, learned, scanned, Keep::kAlways);
            const std::scoped_lock lock(guard_);
            take(files_[i], std::move(scanned));
        });
        project_.sort_files();
    }
    /// The code that the judged files import, over any number of steps: what comes through it may
    /// hold no word on the way.
    void read_imported() {
        if (judged_ == nullptr) return;
        std::multimap<std::string, std::size_t, std::less<>> by_module;
        for (std::size_t i = 0; i < files_.size(); ++i)
            if (!files_[i].done && is_code(language_of(files_[i].path)))
                by_module.emplace(module_name(files_[i].path), i);
        std::set<std::string, std::less<>> asked;
        std::vector<std::string> ask;
        const auto want = [&](const ParsedFile& file) {
            for (auto& name : imported_names(file))
                if (asked.insert(name).second) ask.push_back(name);
        };
        // Those that were read before lead on, too.
        std::multimap<std::string, std::size_t, std::less<>> read_before;
        for (std::size_t i = 0; i < project_.files().size(); ++i) {
            const auto& file = project_.files()[i];
            read_before.emplace(module_name(file.source.path()), i);
            if (judged_->contains(file.source.path())) want(file);
        }
        while (!ask.empty()) {
            const std::string name = std::move(ask.back());
            ask.pop_back();
            for (auto [at, end] = by_module.equal_range(name); at != end; ++at) {
                auto& file = files_[at->second];
                if (file.done) continue;
                Scanned scanned;
                scan_file(file, policy_, references, scanned, Keep::kHanded);
                const bool read = scanned.state == Scanned::State::kRead;
                take(file, std::move(scanned));
                if (read) want(project_.files().back());
            }
            for (auto [at, end] = read_before.equal_range(name); at != end; ++at)
                want(project_.files()[at->second]);
        }
        project_.sort_files();
    }
    /// Code that imports a module which hands out a client, and holds no word itself.
    std::vector<Importer> importers(const std::vector<std::string>& words) {
        const Importers importers(words);
        std::vector<Importer> found;
        in_parallel(files_.size(), options_.threads, [&](std::size_t i) {
            const auto& file = files_[i];
            if (file.done || file.size > kLargestCode) return;
            const auto language = language_of(file.path);
            if (!can_import_values(language)) return;
            const auto names_one = [&](std::string_view bytes) {
                return importers.name_one(bytes, language);
            };
            const auto names_one_as_text = [&](const ParsedFile& read) {
                return importers.name_one(read.source.text(), read.source.form().language);
            };
            Scanned scanned;
            scan_file(file, policy_, names_one, scanned, Keep::kUncut, names_one_as_text);
            if (scanned.state != Scanned::State::kRead) return;
            const auto& source = scanned.file.source;
            Importer importer{i, file.path, source.form().language, imported_modules(scanned.file)};
            const std::scoped_lock lock(guard_);
            found.push_back(std::move(importer));
        });
        std::sort(found.begin(), found.end(),
                  [](const Importer& a, const Importer& b) { return a.path < b.path; });
        return found;
    }
    /// Those that turned out to mean that module.
    std::vector<ParsedFile> read(const std::vector<Importer>& chosen) {
        std::vector<Scanned> scanned(chosen.size());
        in_parallel(chosen.size(), options_.threads, [&](std::size_t i) {
            scan_file(files_[chosen[i].file], policy_, references, scanned[i], Keep::kForced);
        });
        std::vector<ParsedFile> out;
        for (auto& file : scanned)
            if (file.state == Scanned::State::kRead) out.push_back(std::move(file.file));
        return out;
    }

private:
    Keep keep(const WalkedFile& file) const {
        if (file.changed) return Keep::kHanded;
        return options_.look_alikes ? Keep::kWithLetters : Keep::kWithTokens;
    }
    void take(WalkedFile& file, Scanned&& scanned) {
        if (scanned.state == Scanned::State::kUnread)
            report_.not_read.push_back({file.path, scanned.reason, file.named});
        file.done = project_.take(std::move(scanned));
    }

    const Options& options_;
    const Policy& policy_;
    Project& project_;
    Report& report_;
    std::span<WalkedFile> files_;
    const std::set<std::string>* judged_ = nullptr;
    std::mutex guard_;
};

}  // namespace

std::size_t Report::count(Level level) const {
    return static_cast<std::size_t>(
        std::count_if(findings.begin(), findings.end(),
                      [&](const Finding& f) { return f.open() && f.level == level; }));
}

bool Report::named_unread() const {
    return std::any_of(not_read.begin(), not_read.end(),
                       [](const NotRead& file) { return file.named; });
}

Result<Report> audit(const Options& options) {
    const auto begin = std::chrono::steady_clock::now();
    // A grammar that the runtime cannot read would parse nothing, and the audit would look clean.
    if (const auto wrong = grammar_mismatch())
        return fail(Fault::kInternal, *wrong + "; this build is broken, build it anew");
    if (!Matcher::runs_here())
        return fail(
            Fault::kInternal,
            "this processor has no SSSE3, which the search needs; audit on another machine");
    // Made while the tree is walked and git is asked: that waits for the disk and for others.
    const auto prepared = std::async(std::launch::async, prepare_scanners);
    SEGUE_TRY(policy, read_policy(root_of(options.paths)));
    Report report;
    Project project(options, policy, report);
    Reader reader(options, policy, project, report);
    SEGUE_TRY(scope, scope_of(options, [&](WalkedFile& file) { reader.look(file); }));
    reader.looked_at(scope);
    const Walk& walked = scope.walk;
    report.root = walked.root;
    report.git = walked.git.there;
    report.commit = walked.git.commit;
    report.not_read.insert(report.not_read.end(), walked.not_read.begin(), walked.not_read.end());
    report.proof = policy.proof;
    if (options.identify) {
        report.dirty = walked.git.there && git_dirty(walked.root);
        // A file that cannot be read is named below; the tree has no hash then.
        if (auto hash = tree_sha256(walked.root, walked.git, walked.files, options.threads))
            report.tree_sha256 = std::move(*hash);
    }
    auto tree = std::async(std::launch::async, [&] { return facts_of(scope.paths); });
    project.learn(&walked);
    reader.read_again(project.learned_words());
    reader.read_imported();
    project.set_tree(tree.get());
    project.finish({[&](const auto& words) { return reader.importers(words); },
                    [&](const auto& chosen) { return reader.read(chosen); }},
                   scope.judged());
    mark_since(scope, report);
    if (!options.baseline.empty()) SEGUE_TRY_VOID(mark_baseline(options.baseline, report));
    std::sort(report.not_read.begin(), report.not_read.end(),
              [](const NotRead& a, const NotRead& b) { return a.path < b.path; });
    report.stats.seconds =
        std::chrono::duration<double>(std::chrono::steady_clock::now() - begin).count();
    return report;
}

Result<Policy> read_policy(const std::string& folder) {
    const auto name = folder + "/" + std::string(kPolicyFile);
    std::ifstream in(name, std::ios::binary);
    if (!in) return Policy{};
    const std::string text((std::istreambuf_iterator<char>(in)), {});
    return parse_policy(text, name);
}

bool is_rewrite_record(std::string_view path) {
    const auto name = base_name(path);
    return name == "segue-rewrite.patch" || path.starts_with(".segue-rewrite/") ||
           path.find("/.segue-rewrite/") != std::string_view::npos;
}

Report audit_texts(const std::vector<std::pair<std::string, std::string>>& files,
                   const Options& options) {
    return audit_texts(files, options, Policy{}, nullptr);
}

Report audit_texts(const std::vector<std::pair<std::string, std::string>>& files,
                   const Options& options, const Policy& policy, Model* learned) {
    Report report;
    Project project(options, policy, report);
    std::vector<std::string> paths;
    for (const auto& [path, text] : files)
        paths.push_back(path);
    project.set_tree(facts_of(paths));
    for (const auto& [path, text] : files) {
        Scanned scanned;
        read_text(path, text, false, policy, scanned,
                  options.look_alikes ? Keep::kWithLetters : Keep::kWithTokens);
        project.take(std::move(scanned));
        ++report.stats.files;
        report.stats.bytes += text.size();
    }
    project.learn(nullptr);
    // In memory everything is cheap: whoever uses a learned name is read too.
    std::set<std::string, std::less<>> read;
    for (const auto& file : project.files())
        read.insert(file.source.path());
    for (const auto& [path, text] : files) {
        if (read.contains(path)) continue;
        ParsedFile file;
        file.source = Source(path, text);
        if (file.source.form().derived) continue;
        cut(file);
        project.files().push_back(std::move(file));
    }
    project.finish({});
    if (learned != nullptr) *learned = std::move(project.model());
    return report;
}

}  // namespace segue::audit
