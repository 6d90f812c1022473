#include "engine/first_seen.hpp"

#include <gtest/gtest.h>

#include <chrono>
#include <filesystem>
#include <fstream>

namespace segue::engine {
namespace {

using std::chrono::seconds;

std::vector<ServedModel> models(const std::vector<std::string>& names) {
    std::vector<ServedModel> made;
    for (const auto& name : names)
        made.push_back({name, "", 1024, {}, "", "", {}});
    return made;
}

class FirstSeenTest : public ::testing::Test {
protected:
    void SetUp() override {
        folder_ = std::filesystem::path(::testing::TempDir()) /
                  ("segue-first-seen-" + std::to_string(::getpid()) + "-" +
                   ::testing::UnitTest::GetInstance()->current_test_info()->name());
        std::filesystem::create_directories(folder_);
        file_ = (folder_ / "data" / "models.json").string();
    }
    void TearDown() override { std::filesystem::remove_all(folder_); }

    WallTime seen(FirstSeen& store, const std::string& engine, const std::string& model) {
        auto list = models({model});
        store.apply(engine, list, clock_.wall());
        return list.front().first_seen;
    }

    std::filesystem::path folder_;
    std::string file_;
    FakeClock clock_;
};

TEST_F(FirstSeenTest, SurvivesARestart) {
    WallTime first;
    {
        FirstSeen store(file_);
        clock_.advance(std::chrono::milliseconds(300));
        first = seen(store, "vllm", "m");
        clock_.advance(seconds(60));
        EXPECT_EQ(seen(store, "vllm", "m"), first);
    }
    clock_.advance(seconds(60));
    FirstSeen again(file_);
    EXPECT_EQ(seen(again, "vllm", "m"), first);
    EXPECT_EQ(again.find("vllm", "m"), first);
    EXPECT_EQ(again.find("other", "m"), std::nullopt);
    EXPECT_GT(seen(again, "other", "m"), first);
    EXPECT_FALSE(std::filesystem::exists(file_ + ".new"));
}

TEST_F(FirstSeenTest, WithoutAFileItIsMemoryOnly) {
    FirstSeen store("");
    const auto first = seen(store, "vllm", "m");
    clock_.advance(seconds(60));
    EXPECT_EQ(seen(store, "vllm", "m"), first);
    EXPECT_TRUE(std::filesystem::is_empty(folder_));
}

TEST_F(FirstSeenTest, AFolderThatCannotBeWrittenIsSaidOnceAndTriedAgain) {
    std::ofstream(folder_ / "data") << "a file where the folder should be";
    FirstSeen store(file_);
    ::testing::internal::CaptureStderr();
    const auto first = seen(store, "vllm", "m");
    clock_.advance(seconds(60));
    EXPECT_EQ(seen(store, "vllm", "m"), first);
    seen(store, "vllm", "n");
    const std::string log = ::testing::internal::GetCapturedStderr();
    EXPECT_EQ(log.find("kept only until segue ends"), log.rfind("kept only until segue ends"));
    EXPECT_NE(log.find("models.json"), std::string::npos) << log;

    std::filesystem::remove(folder_ / "data");  // the disk has room again
    seen(store, "vllm", "m");
    EXPECT_EQ(FirstSeen(file_).find("vllm", "m"), first);
}

TEST_F(FirstSeenTest, AFileThatIsNotOursIsSaidAndReplaced) {
    std::filesystem::create_directories(folder_ / "data");
    for (const char* text : {"", "x", "[]", R"({"models":7})", R"({"models":[7,{"engine":"e"}]})",
                             R"({"models":[{"engine":"e","model":"m","first_seen":1e300}]})"}) {
        std::ofstream(file_, std::ios::trunc) << text;
        ::testing::internal::CaptureStderr();
        FirstSeen store(file_);
        const auto first = seen(store, "e", "m");
        ::testing::internal::GetCapturedStderr();
        EXPECT_EQ(FirstSeen(file_).find("e", "m"), first) << text;
    }
}

TEST_F(FirstSeenTest, NamesThatComeAndGoDoNotFillTheFile) {
    FirstSeen store("");
    seen(store, "other", "stays");
    std::vector<std::string> names;
    for (std::size_t i = 0; i < FirstSeen::kMostModels; ++i)
        names.push_back("a" + std::to_string(i));
    auto list = models(names);
    store.apply("vllm", list, clock_.wall());
    EXPECT_TRUE(store.find("vllm", "a0"));
    seen(store, "vllm", "b");
    EXPECT_FALSE(store.find("vllm", "a0"));
    EXPECT_TRUE(store.find("vllm", "b"));
    EXPECT_TRUE(store.find("other", "stays"));
}

}  // namespace
}  // namespace segue::engine
