#include "rewrite/core/diff.hpp"

#include <gtest/gtest.h>

#include "base/ids.hpp"

namespace segue::rewrite {
namespace {

TEST(Diff, OneLine) {
    EXPECT_EQ(patch_of({"f", "f", "a\nb\nc\n", "a\nB\nc\n"}),
              "diff --git a/f b/f\n--- a/f\n+++ b/f\n@@ -1,3 +1,3 @@\n a\n-b\n+B\n c\n");
}

TEST(Diff, NoLineEndAtTheEnd) {
    EXPECT_EQ(patch_of({"f", "f", "a", "b"}),
              "diff --git a/f b/f\n--- a/f\n+++ b/f\n@@ -1 +1 @@\n-a\n\\ No newline at end of "
              "file\n+b\n\\ No newline at end of file\n");
}

TEST(Diff, NewFileAndRename) {
    EXPECT_EQ(
        patch_of({"", "n", "", "x\n"}),
        "diff --git a/n b/n\nnew file mode 100644\n--- /dev/null\n+++ b/n\n@@ -0,0 +1 @@\n+x\n");
    EXPECT_EQ(patch_of({"o", "n", "x\n", "x\n"}),
              "diff --git a/o b/n\nsimilarity index 100%\nrename from o\nrename to n\n");
}

TEST(Diff, RunsRebuildTheNewText) {
    Random random(7);
    for (int round = 0; round < 300; ++round) {
        std::string before;
        std::string after;
        for (std::uint64_t i = random.below(30); i > 0; --i) {
            const std::string line(1, static_cast<char>('a' + random.below(4)));
            if (random.below(4) != 0) before += line + "\n";
            if (random.below(4) != 0) after += line + "\n";
        }
        const auto old_lines = lines_of(before);
        const auto new_lines = lines_of(after);
        std::string rebuilt;
        std::size_t at = 0;
        for (const auto& run : compare(old_lines, new_lines)) {
            for (; at < run.old_line; ++at)
                rebuilt += old_lines[at];
            at += run.old_count;
            for (std::size_t k = 0; k < run.new_count; ++k)
                rebuilt += new_lines[run.new_line + k];
        }
        for (; at < old_lines.size(); ++at)
            rebuilt += old_lines[at];
        EXPECT_EQ(rebuilt, after) << before << "---\n" << after;
    }
}

}  // namespace
}  // namespace segue::rewrite
