#include "audit/walk/git.hpp"

#include <gtest/gtest.h>

namespace segue::audit {
namespace {

TEST(Diff, NamesNewLinesByFile) {
    const auto changes = parse_diff(
        "diff --git a.py a.py\n--- a.py\n+++ a.py\n@@ -1,0 +2,3 @@ def f():\n+one\n+two\n+three\n"
        "@@ -9 +11 @@\n-old\n+new\n@@ -20,2 +21,0 @@\n-gone\n-gone\n"
        "diff --git b.py b.py\ndeleted file mode 100644\n--- b.py\n+++ /dev/null\n@@ -1 +0,0 "
        "@@\n-x\n");
    EXPECT_FALSE(changes.holds("a.py", 1));
    for (const std::uint32_t line : {2U, 3U, 4U, 11U})
        EXPECT_TRUE(changes.holds("a.py", line)) << line;
    for (const std::uint32_t line : {5U, 10U, 12U, 21U})
        EXPECT_FALSE(changes.holds("a.py", line)) << line;
    EXPECT_EQ(changes.files.size(), 1U);
}

TEST(Diff, PathsAndLinesMayLookLikeAnything) {
    const auto changes = parse_diff(
        "--- a b.md\t\n+++ a b.md\t\n@@ -0,0 +1,2 @@\n+++ other.md\n+@@ -1 +9 @@\n"
        "--- \"d/\\303\\251\\\"q\\\\.md\"\n+++ \"d/\\303\\251\\\"q\\\\.md\"\n@@ -0,0 +1 @@\n+x\n"
        "\\ No newline at end of file\n");
    EXPECT_TRUE(changes.holds("a b.md", 1));
    EXPECT_TRUE(changes.holds("a b.md", 2));
    EXPECT_FALSE(changes.holds("a b.md", 9));
    EXPECT_TRUE(changes.holds("d/\xc3\xa9\"q\\.md", 1));
    EXPECT_EQ(changes.files.size(), 2U);
}

}  // namespace
}  // namespace segue::audit
