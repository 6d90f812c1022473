#include "audit/walk/git.hpp"

#include <fcntl.h>
#include <spawn.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cerrno>
#include <charconv>

#include "base/text.hpp"

// NOLINTNEXTLINE(readability-redundant-declaration): POSIX wants the program to declare it
extern char** environ;

namespace segue::audit {
namespace {

std::vector<std::string> git(const std::string& folder, std::vector<std::string> arguments) {
    std::vector<std::string> command{"git", "-C", folder};
    command.insert(command.end(), std::make_move_iterator(arguments.begin()),
                   std::make_move_iterator(arguments.end()));
    return command;
}

std::string first_line(const std::optional<std::string>& output) {
    return output ? std::string(trim(std::string_view(*output).substr(0, output->find('\n'))))
                  : std::string();
}

}  // namespace

std::optional<std::string> output_of(const std::vector<std::string>& command) {
    int ends[2];
    if (pipe2(ends, O_CLOEXEC) != 0) return std::nullopt;
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
    std::string out;
    if (failed == 0) {
        char buffer[65536];
        while (true) {
            const auto count = read(ends[0], buffer, sizeof buffer);
            if (count < 0 && errno == EINTR) continue;
            if (count <= 0) break;
            out.append(buffer, static_cast<std::size_t>(count));
        }
    }
    close(ends[0]);
    if (failed != 0) return std::nullopt;
    int status = 0;
    while (waitpid(child, &status, 0) < 0 && errno == EINTR) {
    }
    if (!WIFEXITED(status) || WEXITSTATUS(status) != 0) return std::nullopt;
    return out;
}

GitFacts ask_git(const std::string& folder) {
    GitFacts facts;
    const auto place =
        output_of(git(folder, {"rev-parse", "--show-toplevel", "--git-path", "info/exclude"}));
    if (!place) return facts;
    const auto lines = split(*place, '\n');
    facts.there = true;
    facts.top = std::string(lines[0]);
    if (lines.size() > 1 && !lines[1].empty())
        facts.exclude = lines[1].starts_with('/') ? std::string(lines[1])
                                                  : folder + "/" + std::string(lines[1]);
    facts.commit = first_line(output_of(git(folder, {"rev-parse", "--verify", "-q", "HEAD"})));
    facts.global_excludes =
        first_line(output_of(git(folder, {"config", "--type=path", "--get", "core.excludesFile"})));
    facts.remote = first_line(output_of(git(folder, {"config", "--get", "remote.origin.url"})));
    if (const auto files = output_of(git(folder, {"ls-files", "-z", "--cached", "--stage"}))) {
        for (const auto entry : split(*files, '\0')) {
            const auto tab = entry.find('\t');
            if (tab == std::string_view::npos) continue;
            const std::string path(entry.substr(tab + 1));
            if (entry.starts_with("160000"))
                facts.submodules.push_back(path);
            else
                facts.tracked.insert(path);
        }
    }
    return facts;
}

bool git_dirty(const std::string& folder) {
    const auto status = output_of(git(folder, {"status", "--porcelain", "-uno"}));
    return status && !status->empty();
}

Result<std::set<std::pair<std::string, std::uint32_t>>> changed_lines(const std::string& folder,
                                                                      const std::string& revision) {
    if (revision.starts_with('-'))
        return fail(Fault::kInvalid, "'" + revision + "' is no revision");
    const auto diff = output_of(git(folder, {"diff", "--unified=0", "--no-color", "--no-ext-diff",
                                             "--relative", "--no-prefix", revision, "--", "."}));
    if (!diff)
        return fail(Fault::kInvalid, "git knows no revision '" + revision + "' in " + folder +
                                         "; name a commit, a branch or a tag");
    std::set<std::pair<std::string, std::uint32_t>> lines;
    std::string path;
    for (const auto line : split(*diff, '\n')) {
        if (line.starts_with("+++ ")) {
            path = std::string(line.substr(4));
            if (path.starts_with('"') && path.size() > 2) path = path.substr(1, path.size() - 2);
        } else if (line.starts_with("@@ ")) {
            const auto plus = line.find('+');
            std::uint32_t from = 0;
            std::uint32_t count = 1;
            const auto* const begin = line.data() + plus + 1;
            const auto* const end = line.data() + line.size();
            const auto read = std::from_chars(begin, end, from);
            if (read.ptr < end && *read.ptr == ',') std::from_chars(read.ptr + 1, end, count);
            for (std::uint32_t i = 0; i < count; ++i)
                lines.emplace(path, from + i);
        }
    }
    if (const auto fresh =
            output_of(git(folder, {"ls-files", "-z", "--others", "--exclude-standard"})))
        for (const auto file : split(*fresh, '\0'))
            if (!file.empty()) lines.emplace(std::string(file), 0);
    return lines;
}

}  // namespace segue::audit
