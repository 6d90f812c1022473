#include "gateway/aliases.hpp"

#include <gtest/gtest.h>
#include <unistd.h>

#include <cstdlib>
#include <filesystem>
#include <fstream>

namespace segue::gateway {
namespace {

class Aliases : public ::testing::Test {
protected:
    void SetUp() override {
        std::string pattern =
            (std::filesystem::temp_directory_path() / "segue-aliases-XXXXXX").string();
        ASSERT_NE(mkdtemp(pattern.data()), nullptr);
        folder_ = pattern;
    }
    void TearDown() override { std::filesystem::remove_all(folder_); }
    std::string file() const { return (folder_ / "data" / "aliases.json").string(); }
    std::filesystem::path folder_;
};

TEST_F(Aliases, SurviveARestartWithTheirProfile) {
    {
        auto store = AliasStore::open(file());
        ASSERT_TRUE(store);
        ASSERT_TRUE((*store)->put(
            {"x:latest", "m:latest", nullptr, WallTime(std::chrono::seconds(5)),
             R"({"system":"Answer in one word.","parameters":{"temperature":0.1,"num_gpu":1}})"}));
        ASSERT_TRUE((*store)->put({"y:latest", "m:latest", nullptr, {}, ""}));
    }
    auto again = AliasStore::open(file());
    ASSERT_TRUE(again);
    const auto list = (*again)->list();
    ASSERT_EQ(list.size(), 2U);
    EXPECT_EQ(list[0].name, "x:latest");
    json::Parser parser;
    llm::Profile base;
    base.license = "MIT";
    const auto profile = profile_from_create(base, *parser.parse(list[0].overrides));
    ASSERT_TRUE(profile);
    EXPECT_EQ(profile->system, "Answer in one word.");
    EXPECT_EQ(profile->license, "MIT");
    EXPECT_EQ(profile->parameters.temperature, 0.1);
    EXPECT_EQ(profile->parameter_extras.size(), 1U);
    EXPECT_EQ(list[1].overrides, "");
    EXPECT_EQ((*again)->remove("x:latest"), true);
    EXPECT_EQ((*again)->remove("x:latest"), false);
}

TEST_F(Aliases, TwoProcessesDoNotUndoEachOther) {
    auto old = AliasStore::open(file());
    auto fresh = AliasStore::open(file());
    ASSERT_TRUE(old && fresh);
    ASSERT_TRUE((*old)->put({"a:latest", "m:latest", nullptr, {}, ""}));
    ASSERT_TRUE((*fresh)->put({"b:latest", "m:latest", nullptr, {}, ""}));
    EXPECT_EQ((*fresh)->list().size(), 2U);
    ASSERT_EQ((*old)->remove("b:latest"), true);
    EXPECT_EQ((*fresh)->list().size(), 2U);
    ASSERT_TRUE((*fresh)->refresh());
    ASSERT_EQ((*fresh)->list().size(), 1U);
    EXPECT_EQ((*fresh)->list()[0].name, "a:latest");
}

TEST_F(Aliases, ARuinedFileIsAnErrorAndStaysAsItIs) {
    std::filesystem::create_directories(folder_ / "data");
    std::ofstream(file()) << "{not json";
    const auto store = AliasStore::open(file());
    ASSERT_FALSE(store);
    EXPECT_NE(store.error().detail.find("aliases.json"), std::string::npos);
    EXPECT_EQ(std::filesystem::file_size(file()), 9U);
}

TEST_F(Aliases, AnUnwritableFolderChangesNothing) {
    std::ofstream(folder_ / "data") << "a file where the folder should be";
    auto store = AliasStore::open("");
    ASSERT_TRUE(store);
    EXPECT_TRUE((*store)->put({"x:latest", "m:latest", nullptr, {}, ""}));
    EXPECT_TRUE((*store)->put({"y:latest", "m:latest", nullptr, {}, ""}));
    EXPECT_TRUE((*store)->refresh());
    EXPECT_EQ((*store)->list().size(), 2U);
    auto blocked = AliasStore::open(file());
    ASSERT_TRUE(blocked);
    EXPECT_FALSE((*blocked)->put({"x:latest", "m:latest", nullptr, {}, ""}));
    EXPECT_TRUE((*blocked)->list().empty());
}

}  // namespace
}  // namespace segue::gateway
