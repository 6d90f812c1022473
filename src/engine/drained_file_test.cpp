#include "engine/drained_file.hpp"

#include <gtest/gtest.h>

#include <filesystem>
#include <fstream>

namespace segue::engine {
namespace {

class DrainedFileTest : public ::testing::Test {
protected:
    DrainedFileTest() { std::filesystem::create_directories(folder_); }
    ~DrainedFileTest() override { std::filesystem::remove_all(folder_); }
    const std::string folder_ = ::testing::TempDir() + "drained-" + std::to_string(::getpid());
    const std::string path_ = folder_ + "/drained.json";
};

TEST_F(DrainedFileTest, IsThereAfterARestart) {
    {
        DrainedFile file(path_);
        EXPECT_FALSE(file.has("gpu \"1\""));
        EXPECT_TRUE(file.add("gpu \"1\""));
        EXPECT_TRUE(file.add("cpu"));
        EXPECT_TRUE(file.remove("cpu"));
        EXPECT_TRUE(file.remove("cpu"));
    }
    const DrainedFile again(path_);
    EXPECT_TRUE(again.has("gpu \"1\""));
    EXPECT_FALSE(again.has("cpu"));
}

TEST_F(DrainedFileTest, IsInForceWhereItCannotBeWritten) {
    std::ofstream(folder_ + "/file") << "no folder";
    DrainedFile file(folder_ + "/file/drained.json");
    EXPECT_FALSE(file.add("gpu"));
    EXPECT_TRUE(file.has("gpu"));
    std::ofstream(path_) << "no JSON";
    EXPECT_FALSE(DrainedFile(path_).has("gpu"));
    DrainedFile memory("");
    EXPECT_TRUE(memory.add("gpu"));
    EXPECT_TRUE(memory.has("gpu"));
}

}  // namespace
}  // namespace segue::engine
