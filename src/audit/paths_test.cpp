#include "audit/paths.hpp"

#include <gtest/gtest.h>

namespace segue::audit {
namespace {

TEST(Paths, FilesAndFoldersByWholePathAndByEnding) {
    const Paths paths(std::vector<std::string>{"app/LLM/Client.py", "app/llm/other.py", "main.py",
                                               "web/src/App.vue"});
    EXPECT_TRUE(paths.has_file("app/llm/client"));
    EXPECT_TRUE(paths.has_file("main"));
    EXPECT_FALSE(paths.has_file("client"));
    EXPECT_TRUE(paths.has_file_ending("llm/client"));
    EXPECT_TRUE(paths.has_file_ending("client"));
    EXPECT_FALSE(paths.has_file_ending("lm/client"));
    EXPECT_FALSE(paths.has_file_ending("main"));  // nothing stands before it
    EXPECT_TRUE(paths.has_folder("app"));
    EXPECT_TRUE(paths.has_folder("llm"));
    EXPECT_TRUE(paths.has_folder("app/llm"));
    EXPECT_TRUE(paths.has_folder("web/src"));
    EXPECT_FALSE(paths.has_folder("b/src"));
    EXPECT_FALSE(paths.has_folder("main"));
    EXPECT_TRUE(paths.has_folder_ending("llm"));
    EXPECT_FALSE(paths.has_folder_ending("app"));
}

}  // namespace
}  // namespace segue::audit
