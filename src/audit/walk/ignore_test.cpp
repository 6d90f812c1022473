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
    // Each file's fate is what git says (`git ls-files --others --exclude-standard`).
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
    const auto others = output_of({"git", "-C", folder.path, "-c", "core.excludesFile=/dev/null",
                                   "ls-files", "-z", "--others", "--exclude-standard"});
    ASSERT_TRUE(others);
    std::vector<std::string> expected;
    for (std::size_t at = 0; at < others->size();) {
        expected.push_back(others->c_str() + at);
        at += expected.back().size() + 1;
    }
    std::sort(expected.begin(), expected.end());
    EXPECT_EQ(walked(folder.path), expected);
    EXPECT_EQ(expected.size(), 9U);
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
