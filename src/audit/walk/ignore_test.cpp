#include "audit/walk/ignore.hpp"

#include <gtest/gtest.h>
#include <algorithm>

#include <cstdio>
#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <mutex>
#include <string>
#include <vector>

#include "audit/walk/git.hpp"
#include "audit/walk/walker.hpp"

namespace segue::audit {
namespace {

namespace fs = std::filesystem;

struct Folder {
    Folder() {
        std::string name = (fs::temp_directory_path() / "segue-audit-XXXXXX").string();
        path = mkdtemp(name.data());
    }
    ~Folder() { fs::remove_all(path); }
    Folder(const Folder&) = delete;
    Folder& operator=(const Folder&) = delete;
    void write(const std::string& name, std::string_view text) const {
        fs::create_directories(fs::path(path + "/" + name).parent_path());
        std::ofstream(path + "/" + name, std::ios::binary) << text;
    }
    std::string path;
};

std::vector<std::string> walked(const std::string& root) {
    std::vector<std::string> names;
    const auto done = walk({root}, UseIgnoreRules::kYes);
    for (const auto& file : done->files)
        names.push_back(file.path);
    return names;
}

/// What git says of the same: `git ls-files --others --exclude-standard`.
std::vector<std::string> others(const std::string& root) {
    const auto listed =
        output_of({"git", "-C", root, "ls-files", "-z", "--others", "--exclude-standard"});
    std::vector<std::string> names;
    for (std::size_t at = 0; at < listed->size();) {
        names.push_back(listed->c_str() + at);
        at += names.back().size() + 1;
    }
    std::sort(names.begin(), names.end());
    return names;
}

TEST(Ignore, Wildmatch) {
    EXPECT_TRUE(wildmatch("*.log", "a.log"));
    EXPECT_FALSE(wildmatch("*.log", "a/b.log"));
    EXPECT_TRUE(wildmatch("**/b.log", "b.log"));
    EXPECT_TRUE(wildmatch("**/b.log", "x/y/b.log"));
    EXPECT_TRUE(wildmatch("a/**", "a/b/c"));
    EXPECT_TRUE(wildmatch("a/**/c", "a/c"));
    EXPECT_TRUE(wildmatch("a/**/c", "a/b/d/c"));
    EXPECT_FALSE(wildmatch("a/**/c", "ac"));
    EXPECT_TRUE(wildmatch("[a-c]x", "bx"));
    EXPECT_FALSE(wildmatch("[!a-c]x", "bx"));
    EXPECT_TRUE(wildmatch("\\*", "*"));
    EXPECT_FALSE(wildmatch("\\*", "a"));
    EXPECT_FALSE(wildmatch("[a", "a"));
    EXPECT_TRUE(wildmatch("a?c", "abc"));
    EXPECT_FALSE(wildmatch("a?c", "a/c"));
    // No exponential backtracking.
    EXPECT_FALSE(wildmatch("*a*a*a*a*a*a*a*a*a*b", std::string(5000, 'a')));
}

TEST(Ignore, AgreesWithGit) {
    const Folder folder;
    ASSERT_TRUE(output_of({"git", "init", "-q", folder.path}));
    folder.write(".gitignore",
                 "*.log\n!keep.log\n/build\nlogs/\n\\#hash\n\\!bang\nspace\\ \ntrail   \n# "
                 "comment\n**/deep/x.txt\na/**/z\nfoo/*\n!foo/bar\n[Tt]emp\n");
    folder.write("sub/.gitignore", "*.txt\n!/yes.txt\n/anchored\n");
    folder.write(".git/info/exclude", "excluded.txt\n");
    for (const char* name : {"a.log",        "keep.log",
                             "build/x",      "src/build/y",
                             "logs/a",       "src/logs/b",
                             "logs2",        "#hash",
                             "!bang",        "space ",
                             "trail",        "x/deep/x.txt",
                             "deep/x.txt",   "a/b/c/z",
                             "a/z",          "foo/bar/q",
                             "foo/other",    "Temp",
                             "temp/x",       "sub/no.txt",
                             "sub/yes.txt",  "sub/deeper/yes.txt",
                             "sub/anchored", "sub/deeper/anchored",
                             "excluded.txt", "plain.c"})
        folder.write(name, "x");
    const auto expected = others(folder.path);
    EXPECT_EQ(walked(folder.path), expected);
    EXPECT_EQ(untracked(folder.path, ask_git(folder.path)), expected);
    EXPECT_EQ(expected.size(), 9U);
}

TEST(Ignore, TheUsersOwnRulesCountAsInGit) {
    const Folder folder;
    const Folder settings;
    const char* const before = std::getenv("XDG_CONFIG_HOME");
    const std::string saved = before == nullptr ? "" : before;
    setenv("XDG_CONFIG_HOME", settings.path.c_str(), 1);
    settings.write("git/ignore", "*.mine\n");
    settings.write("other", "*.theirs\n");
    ASSERT_TRUE(output_of({"git", "init", "-q", folder.path}));
    for (const char* name : {"a.py", "b.mine", "c.theirs"})
        folder.write(name, "x");
    EXPECT_EQ(walked(folder.path), (std::vector<std::string>{"a.py", "c.theirs"}));
    EXPECT_EQ(others(folder.path), walked(folder.path));
    ASSERT_TRUE(output_of(
        {"git", "-C", folder.path, "config", "core.excludesFile", settings.path + "/other"}));
    EXPECT_EQ(walked(folder.path), (std::vector<std::string>{"a.py", "b.mine"}));
    EXPECT_EQ(others(folder.path), walked(folder.path));
    before == nullptr ? unsetenv("XDG_CONFIG_HOME") : setenv("XDG_CONFIG_HOME", saved.c_str(), 1);
}

TEST(Ignore, UntrackedIsWhatGitNeitherTracksNorIgnores) {
    const Folder folder;
    ASSERT_TRUE(output_of({"git", "init", "-q", folder.path}));
    folder.write(".gitignore", "built/\n.env\n");
    for (const char* name : {"a.py", "b.py", "built/kept.py", "built/new.py", ".env", "sub/c.py",
                             "sub/d.py", "sub-e.py", "new/deep/f.py"})
        folder.write(name, "x");
    ASSERT_TRUE(output_of({"git", "-C", folder.path, "add", "-f", "a.py", "built/kept.py",
                           "sub/c.py", ".gitignore"}));
    const std::vector<std::string> expected{"b.py", "new/deep/f.py", "sub-e.py", "sub/d.py"};
    EXPECT_EQ(others(folder.path), expected);
    EXPECT_EQ(untracked(folder.path, ask_git(folder.path)), expected);
    // Of a folder in it, as seen from there.
    EXPECT_EQ(untracked(folder.path + "/sub", ask_git(folder.path + "/sub")),
              (std::vector<std::string>{"d.py"}));
}

TEST(Git, KnowsCommitRemoteAndWhatItTracks) {
    const Folder folder;
    EXPECT_FALSE(ask_git(folder.path).there);
    ASSERT_TRUE(output_of({"git", "init", "-q", folder.path}));
    EXPECT_TRUE(ask_git(folder.path).there);
    EXPECT_EQ(ask_git(folder.path).commit, "");
    folder.write("a b.py", "x");
    folder.write("c/\xc3\xa9.py", "x");
    const auto git = [&](std::vector<std::string> words) {
        words.insert(words.begin(),
                     {"git", "-C", folder.path, "-c", "user.name=t", "-c", "user.email=t@t"});
        return output_of(words);
    };
    ASSERT_TRUE(git({"add", "-A"}));
    ASSERT_TRUE(git({"commit", "-qm", "all"}));
    ASSERT_TRUE(git({"config", "remote.origin.url", "https://example.org/acme/desk.git"}));
    const auto facts = ask_git(folder.path);
    EXPECT_EQ(facts.commit.size(), 40U);
    EXPECT_EQ(facts.remote, "https://example.org/acme/desk.git");
    EXPECT_EQ(facts.tracked, (std::vector<std::string>{"a b.py", "c/\xc3\xa9.py"}));
    EXPECT_TRUE(facts.tracks("a b.py"));
    EXPECT_FALSE(facts.tracks("c"));
    EXPECT_TRUE(facts.tracks_below("c"));
    EXPECT_FALSE(facts.tracks_below("a"));
    EXPECT_EQ(ask_git(folder.path + "/c").tracked, (std::vector<std::string>{"\xc3\xa9.py"}));
}

TEST(Walker, TrackedFilesAreReadEvenWhenIgnored) {
    const Folder folder;
    ASSERT_TRUE(output_of({"git", "init", "-q", folder.path}));
    folder.write("built/kept.py", "x");
    folder.write("built/other.py", "x");
    ASSERT_TRUE(output_of({"git", "-C", folder.path, "add", "built/kept.py"}));
    folder.write(".gitignore", "built/\n.env\n");
    folder.write(".env", "OLLAMA_URL=x");
    EXPECT_EQ(walked(folder.path),
              (std::vector<std::string>{".env", ".gitignore", "built/kept.py"}));
    const auto done = walk({folder.path}, UseIgnoreRules::kYes);
    for (const auto& file : done->files)
        EXPECT_EQ(file.outside_git, file.path == ".env") << file.path;
}

TEST(Walker, NamesWhatItDoesNotRead) {
    const Folder folder;
    folder.write("a.py", "x");
    fs::create_symlink("nowhere", folder.path + "/broken");
    fs::create_symlink("loop", folder.path + "/loop");
    fs::create_symlink("/etc", folder.path + "/out");
    fs::create_symlink("a.py", folder.path + "/inside.py");
    fs::create_directories(folder.path + "/nested/.git");
    const auto done = walk({folder.path}, UseIgnoreRules::kYes);
    ASSERT_TRUE(done);
    std::vector<std::string> reasons;
    for (const auto& file : done->not_read)
        reasons.push_back(file.path + ": " + file.reason);
    std::sort(reasons.begin(), reasons.end());
    EXPECT_EQ(reasons,
              (std::vector<std::string>{"broken: a broken link", "loop: a link in a loop",
                                        "nested: another git repository: audit it on its own",
                                        "out: a link out of the tree"}));
}

TEST(Walker, EachFileIsVisitedOnceWhereverItIsFound) {
    const Folder folder;
    std::vector<std::string> wanted;
    for (int i = 0; i < 300; ++i) {  // more than one thread visits of a folder
        const auto name = (i % 3 == 0 ? "many/" : "a/b/" + std::to_string(i % 7) + "/") + "f" +
                          std::to_string(i) + ".py";
        folder.write(name, "x");
        wanted.push_back(folder.path + "/" + name);
    }
    std::sort(wanted.begin(), wanted.end());
    using Paths = std::vector<std::string>;
    for (const auto& paths : {Paths{folder.path}, Paths{folder.path, folder.path + "/a"}}) {
        std::mutex guard;
        Paths visited;
        const auto done = walk(
            paths, UseIgnoreRules::kYes,
            [&](WalkedFile& file) {
                const std::scoped_lock lock(guard);
                visited.push_back(file.absolute);
                file.done = true;
            },
            4);
        ASSERT_TRUE(done);
        std::sort(visited.begin(), visited.end());
        EXPECT_EQ(visited, wanted);
        Paths listed;
        for (const auto& file : done->files) {
            listed.push_back(file.absolute);
            EXPECT_TRUE(file.done);
        }
        EXPECT_EQ(listed, wanted);
    }
}

TEST(Walker, APathThatIsNotThereNamesTheNearest) {
    const Folder folder;
    folder.write("backend/a.py", "x");
    const auto done = walk({folder.path + "/backnd"}, UseIgnoreRules::kYes);
    ASSERT_FALSE(done);
    EXPECT_EQ(done.error().fault, Fault::kNotFound);
    EXPECT_NE(done.error().detail.find("did you mean '" + folder.path + "/backend'?"),
              std::string::npos)
        << done.error().detail;
}

}  // namespace
}  // namespace segue::audit
