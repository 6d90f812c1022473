#include "audit/walk/git.hpp"

#include <fcntl.h>
#include <spawn.h>
#include <sys/wait.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <charconv>
#include <cstdlib>

#include "base/text.hpp"

// NOLINTNEXTLINE(readability-redundant-declaration): POSIX wants the program to declare it
extern char** environ;

namespace segue::audit {
namespace {

std::vector<std::string> git(const std::string& folder, std::vector<std::string> arguments) {
    // Nothing of the repository is written, not even its index.
    std::vector<std::string> command{"git", "--no-optional-locks", "-C", folder};
    command.insert(command.end(), std::make_move_iterator(arguments.begin()),
                   std::make_move_iterator(arguments.end()));
    return command;
}

/// Where git looks for the user's own ignore rules when no setting names the file.
std::string usual_excludes() {
    const auto folder = [](const char* name) {
        const char* const value = std::getenv(name);  // NOLINT(concurrency-mt-unsafe)
        return std::string(value == nullptr ? "" : value);
    };
    const auto settings = folder("XDG_CONFIG_HOME");
    if (!settings.empty()) return settings + "/git/ignore";
    const auto home = folder("HOME");
    return home.empty() ? "" : home + "/.config/git/ignore";
}

/// The last value of a name in what `git config -z` lists.
std::optional<std::string> setting(const std::optional<std::string>& listed,
                                   std::string_view name) {
    std::optional<std::string> out;
    if (listed)
        for (const auto entry : split(*listed, '\0'))
            if (entry.starts_with(name) && entry.substr(name.size()).starts_with('\n'))
                out = entry.substr(name.size() + 1);
    return out;
}

}  // namespace

Command Command::start(const std::vector<std::string>& command) {
    Command out;
    int ends[2];
    if (pipe2(ends, O_CLOEXEC) != 0) return out;
    posix_spawn_file_actions_t actions;
    posix_spawn_file_actions_init(&actions);
    posix_spawn_file_actions_adddup2(&actions, ends[1], STDOUT_FILENO);
    posix_spawn_file_actions_addopen(&actions, STDERR_FILENO, "/dev/null", O_WRONLY, 0);
    posix_spawn_file_actions_addopen(&actions, STDIN_FILENO, "/dev/null", O_RDONLY, 0);
    std::vector<char*> argv;
    for (const auto& word : command)
        argv.push_back(const_cast<char*>(
            word.c_str()));  // NOLINT(cppcoreguidelines-pro-type-const-cast): exec's signature
    argv.push_back(nullptr);
    pid_t child = 0;
    const int failed = posix_spawnp(&child, argv[0], &actions, nullptr, argv.data(), environ);
    posix_spawn_file_actions_destroy(&actions);
    close(ends[1]);
    if (failed != 0) {
        close(ends[0]);
        return out;
    }
    out.output_ = ends[0];
    out.child_ = child;
    return out;
}

std::optional<std::string> Command::finish() {
    if (output_ < 0) return std::nullopt;
    std::string out;
    char buffer[65536];
    while (true) {
        const auto count = read(output_, buffer, sizeof buffer);
        if (count < 0 && errno == EINTR) continue;
        if (count <= 0) break;
        out.append(buffer, static_cast<std::size_t>(count));
    }
    close(output_);
    output_ = -1;
    int status = 0;
    while (waitpid(child_, &status, 0) < 0 && errno == EINTR) {
    }
    if (!WIFEXITED(status) || WEXITSTATUS(status) != 0) return std::nullopt;
    return out;
}

std::optional<std::string> output_of(const std::vector<std::string>& command) {
    return Command::start(command).finish();
}

GitFacts ask_git(const std::string& folder) {
    // All at once, and as few as can be: each is a few milliseconds of starting a program.
    auto listed = Command::start(git(folder, {"ls-files", "-z", "--cached", "--stage"}));
    auto place_asked = Command::start(git(folder, {"rev-parse", "--show-toplevel", "--git-path",
                                                   "info/exclude", "--revs-only", "HEAD"}));
    auto settings_asked =
        Command::start(git(folder, {"config", "-z", "--type=path", "--get-regexp",
                                    "^(core\\.excludesfile|remote\\.origin\\.url)$"}));
    GitFacts facts;
    const auto place = place_asked.finish();
    const auto settings = settings_asked.finish();
    const auto files = listed.finish();
    if (!place) return {};
    facts.global_excludes = setting(settings, "core.excludesfile").value_or(usual_excludes());
    facts.remote = setting(settings, "remote.origin.url").value_or("");
    const auto lines = split(*place, '\n');
    facts.there = true;
    facts.top = std::string(lines[0]);
    if (lines.size() > 1 && !lines[1].empty())
        facts.exclude = lines[1].starts_with('/') ? std::string(lines[1])
                                                  : folder + "/" + std::string(lines[1]);
    if (lines.size() > 2) facts.commit = lines[2];
    if (files)
        for (const auto entry : split(*files, '\0')) {
            const auto tab = entry.find('\t');
            if (tab == std::string_view::npos) continue;
            if (entry.starts_with("160000"))
                facts.submodules.emplace_back(entry.substr(tab + 1));
            else if (facts.tracked.empty() || facts.tracked.back() != entry.substr(tab + 1))
                facts.tracked.emplace_back(entry.substr(tab + 1));  // in order, conflicts twice
        }
    return facts;
}

bool GitFacts::tracks(std::string_view path) const {
    return std::binary_search(tracked.begin(), tracked.end(), path, std::less<>());
}

bool GitFacts::tracks_below(std::string_view folder) const {
    const auto inside = std::string(folder) + "/";
    const auto at = std::lower_bound(tracked.begin(), tracked.end(), inside);
    return at != tracked.end() && at->starts_with(inside);
}

bool git_dirty(const std::string& folder) {
    const auto status = output_of(git(folder, {"status", "--porcelain", "-uno"}));
    return status && !status->empty();
}

bool Changes::holds(std::string_view path, std::uint32_t line) const {
    const auto file = files.find(path);
    return file != files.end() &&
           std::any_of(file->second.begin(), file->second.end(), [&](const Lines& lines) {
               return lines.first <= line && line <= lines.second;
           });
}

namespace {

/// "a\303\251\"b" as git writes it: the bytes that are meant.
std::string unquoted_path(std::string_view text) {
    // git ends a path that holds a space with a tab.
    if (text.ends_with('\t')) text.remove_suffix(1);
    if (text.size() < 2 || !text.starts_with('"') || !text.ends_with('"')) return std::string(text);
    text = text.substr(1, text.size() - 2);
    std::string out;
    for (std::size_t i = 0; i < text.size(); ++i) {
        if (text[i] != '\\' || i + 1 == text.size()) {
            out.push_back(text[i]);
            continue;
        }
        const char c = text[++i];
        if (c >= '0' && c <= '3' && i + 2 < text.size()) {
            out.push_back(
                static_cast<char>((c - '0') * 64 + (text[i + 1] - '0') * 8 + (text[i + 2] - '0')));
            i += 2;
        } else {
            out.push_back(c == 'n' ? '\n' : c == 't' ? '\t' : c == 'r' ? '\r' : c);
        }
    }
    return out;
}

/// "-12,3" or "+7": where a hunk begins and how many lines it has.
Changes::Lines hunk_side(std::string_view header, char sign) {
    std::uint32_t from = 0;
    std::uint32_t count = 1;
    const auto at = header.find(sign);
    if (at == std::string_view::npos) return {0, 0};
    const auto* const end = header.data() + header.size();
    const auto read = std::from_chars(header.data() + at + 1, end, from);
    if (read.ptr < end && *read.ptr == ',') std::from_chars(read.ptr + 1, end, count);
    return {from, count};
}

}  // namespace

Changes parse_diff(std::string_view diff) {
    Changes out;
    std::vector<Changes::Lines>* lines = nullptr;
    std::uint64_t body = 0;  // lines of the hunk that are still to come: they may look like headers
    for (const auto line : split(diff, '\n')) {
        if (body > 0 && (line.starts_with('+') || line.starts_with('-'))) {
            --body;
        } else if (line.starts_with("+++ ")) {
            const auto path = unquoted_path(line.substr(4));
            lines = path == "/dev/null" ? nullptr : &out.files[path];
        } else if (line.starts_with("@@ ")) {
            const auto gone = hunk_side(line, '-');
            const auto fresh = hunk_side(line, '+');
            body = std::uint64_t{gone.second} + fresh.second;
            if (lines != nullptr && fresh.second > 0)
                lines->emplace_back(fresh.first, fresh.first + fresh.second - 1);
        }
    }
    return out;
}

Result<Changes> changes_since(const std::string& folder, const std::string& revision) {
    if (revision.starts_with('-'))
        return fail(Fault::kInvalid, "'" + revision + "' is no revision");
    const auto diff =
        output_of(git(folder, {"diff", "--unified=0", "--no-color", "--no-ext-diff",
                               "--no-textconv", "--relative", "--no-prefix", revision, "--", "."}));
    if (!diff)
        return fail(Fault::kInvalid, "git knows no revision '" + revision + "' in " + folder +
                                         "; name a commit, a branch or a tag");
    return parse_diff(*diff);
}

}  // namespace segue::audit
