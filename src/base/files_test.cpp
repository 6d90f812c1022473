#include "base/files.hpp"

#include <gtest/gtest.h>
#include <sys/stat.h>

#include <atomic>
#include <filesystem>
#include <fstream>
#include <thread>

#include "base/ids.hpp"

namespace segue {
namespace {

class Files : public testing::Test {
protected:
    void TearDown() override { std::filesystem::remove_all(folder_); }
    std::string path(const std::string& name) const { return folder_ + "/" + name; }
    std::string folder_ = testing::TempDir() + "segue-files-" + random_hex(8);
};

TEST_F(Files, ReplacesAndReadsAndMakesTheFolder) {
    EXPECT_EQ(read_file(path("sub/a")).error().fault, Fault::kNotFound);
    ASSERT_TRUE(replace_file(path("sub/a"), "one", FileAccess::kOwner));
    ASSERT_TRUE(replace_file(path("sub/a"), "two", FileAccess::kOwner));
    EXPECT_EQ(read_file(path("sub/a")).value(), "two");
    struct stat status {};
    ASSERT_EQ(::stat(path("sub/a").c_str(), &status), 0);
    EXPECT_EQ(status.st_mode & 0777, 0600U);
    EXPECT_FALSE(std::filesystem::exists(path("sub/a.new")));
    ASSERT_EQ(::stat(path("sub").c_str(), &status), 0);
    EXPECT_EQ(status.st_mode & 0777, 0700U);
}

TEST_F(Files, ALeftOverWithOtherPermissionsIsNotUsed) {
    std::filesystem::create_directories(folder_);
    std::ofstream(path("a.new")) << "left over";
    ASSERT_TRUE(replace_file(path("a"), "x", FileAccess::kOwner));
    struct stat status {};
    ASSERT_EQ(::stat(path("a").c_str(), &status), 0);
    EXPECT_EQ(status.st_mode & 0777, 0600U);
}

TEST_F(Files, WhatCannotBeWrittenSaysSoAndLosesNothing) {
    std::filesystem::create_directories(path("taken/inside"));
    const auto done = replace_file(path("taken"), "x", FileAccess::kOwner);
    ASSERT_FALSE(done);
    EXPECT_EQ(done.error().fault, Fault::kIo);
    EXPECT_NE(done.error().detail.find("taken"), std::string::npos);
    EXPECT_FALSE(std::filesystem::exists(path("taken.new")));
}

TEST_F(Files, OneHolderAtATime) {
    // Atomic: what orders the holders is a file's lock, which a thread sanitizer cannot see.
    std::atomic<int> inside{0};
    std::atomic<int> most{0};
    std::vector<std::jthread> threads;
    for (int i = 0; i < 4; ++i)
        threads.emplace_back([&] {
            const auto lock = FileLock::take(path("counted"));
            ASSERT_TRUE(lock);
            const int now = ++inside;
            if (now > most) most = now;
            std::this_thread::yield();
            --inside;
        });
    threads.clear();
    EXPECT_EQ(most.load(), 1);
}

}  // namespace
}  // namespace segue
