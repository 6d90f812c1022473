#include "audit/audit.hpp"

#include <fcntl.h>
#include <fmt/format.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <atomic>
#include <cerrno>
#include <chrono>
#include <climits>
#include <cstdlib>
#include <cstring>
#include <mutex>
#include <thread>

#include "audit/baseline.hpp"
#include "audit/flow/flow.hpp"
#include "audit/judge.hpp"
#include "audit/learned.hpp"
#include "audit/rules/rule.hpp"
#include "audit/suppress.hpp"
#include "audit/syntax/tree.hpp"
#include "audit/text/matcher.hpp"
#include "audit/text/vocabulary.hpp"
#include "audit/tree_hash.hpp"
#include "audit/walk/ignore.hpp"
#include "base/text.hpp"

namespace segue::audit {
namespace {

constexpr std::size_t kMaxRead = 16U << 20;  // larger files are scanned, not read
constexpr std::size_t kPiece = 1U << 20;

/// One for the process: building it costs a millisecond.
const Matcher& scanner() {
    static const Matcher matcher(scan_literals());
    return matcher;
}
const Matcher& word_scanner() {
    static constexpr std::string_view kStrong[] = {"ollama", "11434"};
    static const Matcher matcher(kStrong);
    return matcher;
}

class File {
public:
    explicit File(const std::string& path)
        : fd_(open(path.c_str(), O_RDONLY | O_CLOEXEC | O_NOCTTY)) {}
    ~File() {
        if (fd_ >= 0) close(fd_);
    }
    File(const File&) = delete;
    File& operator=(const File&) = delete;
    bool ok() const { return fd_ >= 0; }
    /// -1 on an error, 0 at the end.
    ssize_t read_some(char* to, std::size_t size) const {
        while (true) {
            const auto count = ::read(fd_, to, size);
            if (count >= 0 || errno != EINTR) return count;
        }
    }

private:
    int fd_;
};

template <class Work>
void in_parallel(std::size_t count, unsigned threads, Work&& work) {
    std::atomic<std::size_t> next{0};
    const auto body = [&] {
        for (std::size_t i = next++; i < count; i = next++)
            work(i);
    };
    std::vector<std::jthread> helpers;
    const auto wanted = std::min<std::size_t>(
        threads == 0 ? std::max(1U, std::thread::hardware_concurrency()) : threads, count);
    for (std::size_t i = 1; i < wanted; ++i)
        helpers.emplace_back(body);
    body();
}

/// What became of one file.
struct Scanned {
    enum class State : std::uint8_t { kNothing, kRead, kDerived, kUnread } state = State::kNothing;
    ParsedFile file;
    Finding derived;
    std::string reason;
    std::set<std::string, std::less<>> routes;  // that it serves, when it is dropped
    std::uint64_t bytes = 0;
    bool matched = false;
};

/// A derived file gets one note, at the first place that holds the word.
bool derived_note(const ParsedFile& file, std::string_view why, Finding& out) {
    const auto text = file.source.text();
    auto at = find_word(text);
    if (!at) at = find_port(text);
    if (!at) return false;
    out = finding_at(file, at->begin, at->end);
    out.rule = 150;
    out.level = Level::kNote;
    out.confidence = Confidence::kCertain;
    out.message = std::string(why) +
                  (why == "vendored" ? ": change it where it comes from" : ": regenerate it");
    out.fix.mode = "none";
    return true;
}

enum class Keep : std::uint8_t { kWithTokens, kWithLetters, kAlways };

void read_text(std::string path, std::string bytes, bool outside, const Policy& policy,
               Scanned& out, Keep keep = Keep::kWithTokens) {
    if (bytes.starts_with("version https://git-lfs.github.com/spec/")) {
        if (has_word(path)) {
            out.state = Scanned::State::kUnread;
            out.reason = "a Git LFS pointer: fetch the file to audit it";
        }
        return;
    }
    out.file.source = Source(std::move(path), std::move(bytes));
    out.file.outside_git = outside;
    auto& form = out.file.source.form();
    const auto& shown = out.file.source.path();
    const auto listed = [&](const std::vector<std::string>& globs) {
        return std::any_of(globs.begin(), globs.end(),
                           [&](const std::string& glob) { return wildmatch(glob, shown); });
    };
    if (listed(policy.history)) form.history = true;
    if (listed(policy.generated)) form.derived_why = "generated";
    if (listed(policy.vendored)) form.derived_why = "vendored";
    form.derived = !form.derived_why.empty();
    if (form.derived) {
        if (derived_note(out.file, form.derived_why, out.derived))
            out.state = Scanned::State::kDerived;
        out.file = ParsedFile{};
        return;
    }
    out.file.segments = read_segments(out.file.source);
    out.file.tokens = find_tokens(out.file.source, out.file.segments);
    const auto name =
        std::string_view(out.file.source.path()).substr(out.file.source.path().rfind('/') + 1);
    if (keep != Keep::kAlways && out.file.tokens.empty() && !has_word(name) &&
        (keep == Keep::kWithTokens || !has_letters(out.file.source.text())) &&
        out.file.source.text().find("segue: allow") == std::string_view::npos && !form.manifest) {
        Model served;
        learn_routes(out.file, served);
        out.routes = std::move(served.routes);
        out.file = ParsedFile{};
        return;
    }
    out.state = Scanned::State::kRead;
}

/// Reads and scans one file; `also` is a second set of literals (learned names).
void scan_file(const WalkedFile& walked, const Policy& policy, const Matcher& matcher, Scanned& out,
               Keep keep = Keep::kWithTokens) {
    const File file(walked.absolute);
    if (!file.ok()) {
        out.state = Scanned::State::kUnread;
        out.reason = fmt::format("cannot be opened: {}", std::strerror(errno));
        return;
    }
    std::string bytes;
    if (walked.size <= kMaxRead) bytes.reserve(walked.size + 1);
    std::vector<char> piece;
    Matcher::State state;
    Matcher::State word_state;
    bool too_large = false;
    bool word = false;
    while (true) {
        ssize_t count = 0;
        if (!too_large) {
            const auto old = bytes.size();
            const auto room = std::max<std::size_t>(
                std::min<std::size_t>(kPiece,
                                      walked.size + 1 - std::min<std::uint64_t>(walked.size, old)),
                4096);
            bytes.resize(old + room);
            count = file.read_some(bytes.data() + old, room);
            bytes.resize(old + static_cast<std::size_t>(std::max<ssize_t>(count, 0)));
            if (count > 0) {
                const auto fresh = std::string_view(bytes).substr(old);
                if (!out.matched) out.matched = matcher.scan(fresh, state);
                if (bytes.size() > kMaxRead) {
                    too_large = true;
                    word = word_scanner().scan(bytes, word_state);
                    bytes.clear();
                    bytes.shrink_to_fit();
                    piece.resize(kPiece);
                }
            }
        } else {
            count = file.read_some(piece.data(), piece.size());
            if (count > 0 && !word)
                word = word_scanner().scan({piece.data(), static_cast<std::size_t>(count)},
                                           word_state);
        }
        if (count < 0) {
            out.state = Scanned::State::kUnread;
            out.reason = fmt::format("cannot be read: {}", std::strerror(errno));
            return;
        }
        if (count == 0) break;
        out.bytes += static_cast<std::uint64_t>(count);
    }
    if (too_large) {
        if (!word && !walked.named) return;
        out.state = Scanned::State::kUnread;
        out.reason = word
                         ? "larger than 16 MiB: only its bytes were scanned, and they hold the word"
                         : "larger than 16 MiB: only its bytes were scanned";
        return;
    }
    const auto name = std::string_view(walked.path).substr(walked.path.rfind('/') + 1);
    const bool wide =
        bytes.size() >= 2 && bytes.size() < kMaxRead &&
        (bytes.starts_with("\xff\xfe") || bytes.starts_with("\xfe\xff") || (bytes.find('\0') < 2));
    if (!out.matched && !wide && !has_word(name)) {
        const auto form_name = to_lower(name);
        const bool manifest = form_name == "package.json" || form_name == "pyproject.toml" ||
                              form_name == "cargo.toml" || form_name == "go.mod";
        if (!manifest) return;
    }
    if (looks_binary(bytes)) {
        if (word_scanner().matches(bytes)) {
            out.state = Scanned::State::kUnread;
            out.reason = "binary, and its bytes hold the word";
        }
        return;
    }
    read_text(walked.path, std::move(bytes), walked.outside_git, policy, out, keep);
}

class Run {
public:
    Run(const Options& options, Report& report) : options_(options), report_(report) {}

    /// Files that are routes: Next, Nuxt, SvelteKit.
    void add_file_route(const std::string& path) {
        for (const std::string_view folder :
             {"app/api/", "server/api/", "pages/api/", "routes/api/"}) {
            const auto at = path.find(folder);
            if (at == std::string::npos) continue;
            auto rest = path.substr(at + folder.size());
            rest = rest.substr(0, rest.find_last_of('.'));
            for (const std::string_view end :
                 {"/route", "/index", "/+server", ".post", ".get", ".delete", ".put"})
                if (rest.ends_with(end)) rest.resize(rest.size() - end.size());
            model_.routes.emplace("/api/" + rest);
        }
    }
    void add_path(const std::string& path) {
        const std::string lower = to_lower(path);
        add_file_route(lower);
        const auto slash = lower.rfind('/');
        const auto dot = lower.rfind('.');
        model_.files.insert(dot != std::string::npos && (slash == std::string::npos || dot > slash)
                                ? lower.substr(0, dot)
                                : lower);
        for (std::size_t at = 0; (at = lower.find('/', at)) != std::string::npos; ++at) {
            const auto begin = at == 0 ? std::string::npos : lower.rfind('/', at - 1);
            model_.folders.insert(lower.substr(begin == std::string::npos ? 0 : begin + 1,
                                               at - (begin == std::string::npos ? 0 : begin + 1)));
            model_.folders.insert(lower.substr(0, at));
        }
    }

    void learn_project(const Policy& policy, const Walk* walked) {
        for (const auto& name : policy.own_names)
            model_.own_names.insert(normalised(name));
        for (const auto& host : policy.gateway)
            model_.gateways.insert(host);
        for (const auto& name : policy.data_names)
            model_.data_names.insert(normalised(name));
        model_.model_ids = policy.models;
        if (walked != nullptr && !walked->git.remote.empty()) {
            auto remote = std::string_view(walked->git.remote);
            if (remote.ends_with(".git")) remote.remove_suffix(4);
            add_own(remote.substr(remote.find_last_of("/:") + 1));
        }
        if (walked != nullptr) {
            std::string root = walked->root;
            if (char resolved[PATH_MAX]; realpath(root.c_str(), resolved) != nullptr)
                root = resolved;
            add_own(std::string_view(root).substr(root.rfind('/') + 1));
        }
        for (const auto& file : files_)
            learn_own_names(file, model_);
        for (int round = 0; round < 4; ++round) {
            bool news = false;
            for (const auto& file : files_)
                news = learn_services(file, model_) || news;
            if (!news) break;
        }
        for (const auto& file : files_)
            learn(file, model_);
    }
    void add_own(std::string_view name) {
        const auto bare = normalised(name);
        if (has_word(name) && bare != "ollama" && bare.size() > 6) model_.own_names.insert(bare);
    }

    std::vector<std::string> learned_words() const {
        std::vector<std::string> words;
        for (const auto& [name, what] : model_.learned)
            words.push_back(to_lower(name));
        return words;
    }

    void finish(const Policy& policy) {
        in_parallel(files_.size(), options_.threads, [&](std::size_t i) {
            if (!model_.learned.empty()) add_learned_tokens(files_[i], model_);
        });
        const auto flown = follow(files_, model_, options_.threads, read_more_);
        report_.stats.parsed = flown.parsed;
        report_.stats.parsed_bytes = flown.bytes;
        std::mutex guard;
        in_parallel(files_.size(), options_.threads, [&](std::size_t i) {
            auto found = judge(files_[i], model_, options_.disabled);
            if (options_.look_alikes && !options_.disabled.contains(156)) {
                auto alike = look_alikes(files_[i], found);
                found.insert(found.end(), std::make_move_iterator(alike.begin()),
                             std::make_move_iterator(alike.end()));
            }
            const std::scoped_lock lock(guard);
            report_.findings.insert(report_.findings.end(), std::make_move_iterator(found.begin()),
                                    std::make_move_iterator(found.end()));
        });
        for (const auto& failed : flown.failed)
            report_.findings.push_back(failed);
        if (!options_.only.empty())
            std::erase_if(report_.findings,
                          [&](const Finding& f) { return !options_.only.contains(f.rule); });
        suppress(files_, policy, options_, report_);
        std::stable_sort(report_.findings.begin(), report_.findings.end(),
                         [](const Finding& a, const Finding& b) {
                             return std::tie(a.path, a.line, a.column, a.rule) <
                                    std::tie(b.path, b.line, b.column, b.rule);
                         });
        number(report_.findings);
    }

    std::vector<ParsedFile> files_;
    Model model_;
    ReadMore read_more_;

private:
    const Options& options_;
    Report& report_;
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
    SEGUE_TRY(walked, walk(options.paths, options.ignore));
    Report report;
    report.root = walked.root;
    report.git = walked.git.there;
    report.commit = walked.git.commit;
    report.not_read = walked.not_read;
    SEGUE_TRY(policy, read_policy(walked.root));
    report.proof = policy.proof;
    if (options.identify) {
        report.dirty = walked.git.there && git_dirty(walked.root);
        SEGUE_TRY(hash, tree_sha256(walked.root, walked.git, walked.files, options.threads));
        report.tree_sha256 = std::move(hash);
    }
    Run run(options, report);
    for (const auto& file : walked.files)
        run.add_path(file.path);
    std::vector<std::uint8_t> kept(walked.files.size(), 0);
    std::mutex guard;
    const auto scan_all = [&](const Matcher& matcher, bool again) {
        in_parallel(walked.files.size(), options.threads, [&](std::size_t i) {
            const auto& file = walked.files[i];
            if (file.path == "segue-audit.yaml" || file.path.ends_with("/segue-audit.yaml")) return;
            if (is_rewrite_record(file.path)) return;
            if (again && kept[i] != 0) return;
            Scanned scanned;
            scan_file(file, policy, matcher, scanned,
                      options.look_alikes ? Keep::kWithLetters : Keep::kWithTokens);
            const std::scoped_lock lock(guard);
            if (!again) {
                run.model_.routes.merge(scanned.routes);
                ++report.stats.files;
                report.stats.bytes += scanned.bytes;
                report.stats.matched += scanned.matched ? 1 : 0;
            }
            switch (scanned.state) {
                case Scanned::State::kNothing: break;
                case Scanned::State::kRead:
                    kept[i] = 1;
                    run.files_.push_back(std::move(scanned.file));
                    break;
                case Scanned::State::kDerived:
                    kept[i] = 1;
                    if (!options.disabled.contains(150))
                        report.findings.push_back(std::move(scanned.derived));
                    break;
                case Scanned::State::kUnread:
                    kept[i] = 1;
                    report.not_read.push_back({file.path, scanned.reason, file.named});
                    break;
            }
        });
        // Threads finish in any order; the report must not.
        std::sort(run.files_.begin(), run.files_.end(),
                  [](const ParsedFile& a, const ParsedFile& b) {
                      return a.source.path() < b.source.path();
                  });
    };
    scan_all(scanner(), false);
    run.learn_project(policy, &walked);
    if (const auto words = run.learned_words(); !words.empty()) {
        const std::vector<std::string_view> views(words.begin(), words.end());
        const auto old = run.files_.size();
        const Matcher matcher(views);
        scan_all(matcher, true);
        (void)old;
    }
    // Code that imports a module which hands out a client, and holds no word itself.
    run.read_more_ = [&](const std::vector<std::string>& words) {
        const std::vector<std::string_view> views(words.begin(), words.end());
        const Matcher matcher(views);
        std::vector<ParsedFile> found;
        in_parallel(walked.files.size(), options.threads, [&](std::size_t i) {
            const auto& file = walked.files[i];
            if (kept[i] != 0 || !classify(file.path, {}).code || file.size > kPiece) return;
            Scanned scanned;
            scan_file(file, policy, matcher, scanned, Keep::kAlways);
            if (scanned.state != Scanned::State::kRead) return;
            const std::scoped_lock lock(guard);
            found.push_back(std::move(scanned.file));
        });
        std::sort(found.begin(), found.end(), [](const ParsedFile& a, const ParsedFile& b) {
            return a.source.path() < b.source.path();
        });
        return found;
    };
    run.finish(policy);
    if (!options.since.empty()) SEGUE_TRY_VOID(mark_since(options.since, report));
    if (!options.baseline.empty()) SEGUE_TRY_VOID(mark_baseline(options.baseline, report));
    std::sort(report.not_read.begin(), report.not_read.end(),
              [](const NotRead& a, const NotRead& b) { return a.path < b.path; });
    report.stats.seconds =
        std::chrono::duration<double>(std::chrono::steady_clock::now() - begin).count();
    return report;
}

Result<Policy> read_policy(const std::string& folder) {
    const auto name = folder + "/segue-audit.yaml";
    const File file(name);
    if (!file.ok()) return Policy{};
    std::string text(1U << 20, '\0');
    const auto count = file.read_some(text.data(), text.size());
    text.resize(static_cast<std::size_t>(std::max<ssize_t>(count, 0)));
    return parse_policy(text, name);
}

bool is_rewrite_record(std::string_view path) {
    const auto name = path.substr(path.rfind('/') + 1);
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
    Run run(options, report);
    for (const auto& [path, text] : files)
        run.add_path(path);
    for (const auto& [path, text] : files) {
        Scanned scanned;
        read_text(path, text, false, policy, scanned,
                  options.look_alikes ? Keep::kWithLetters : Keep::kWithTokens);
        run.model_.routes.merge(scanned.routes);
        if (scanned.state == Scanned::State::kRead) run.files_.push_back(std::move(scanned.file));
        if (scanned.state == Scanned::State::kDerived && !options.disabled.contains(150))
            report.findings.push_back(scanned.derived);
        ++report.stats.files;
        report.stats.bytes += text.size();
    }
    run.learn_project(policy, nullptr);
    // In memory everything is cheap: whoever uses a learned name is read too.
    for (const auto& [path, text] : files)
        if (std::none_of(run.files_.begin(), run.files_.end(),
                         [&](const ParsedFile& file) { return file.source.path() == path; })) {
            ParsedFile file;
            file.source = Source(path, text);
            if (file.source.form().derived) continue;
            file.segments = read_segments(file.source);
            file.tokens = find_tokens(file.source, file.segments);
            run.files_.push_back(std::move(file));
        }
    run.finish(policy);
    if (learned != nullptr) *learned = std::move(run.model_);
    return report;
}

}  // namespace segue::audit
