#include "base/line_writer.hpp"

#include <fcntl.h>
#include <gtest/gtest.h>
#include <unistd.h>

#include <array>
#include <cstddef>

namespace segue::log {
namespace {

class LineWriterTest : public testing::Test {
protected:
    void SetUp() override { ASSERT_EQ(::pipe2(ends_.data(), O_CLOEXEC), 0); }
    void TearDown() override {
        for (const int end : ends_)
            ::close(end);
    }
    /// All that is in the pipe now.
    std::string read_all() {
        ::fcntl(ends_[0], F_SETFL, O_NONBLOCK);
        std::string out;
        std::array<char, 65536> buffer{};
        while (true) {
            const auto got = ::read(ends_[0], buffer.data(), buffer.size());
            if (got <= 0) return out;
            out.append(buffer.data(), static_cast<std::size_t>(got));
        }
    }
    std::array<int, 2> ends_{};
};

TEST_F(LineWriterTest, LinesArriveWhole) {
    LineWriter writer(ends_[1]);
    EXPECT_TRUE(writer.write("one"));
    EXPECT_TRUE(writer.write(std::string(10'000, 'x')));
    EXPECT_EQ(read_all(), "one\n" + std::string(10'000, 'x') + "\n");
    EXPECT_EQ(writer.take_lost(), 0U);
}

// Found by tests/faults: a log pipe that nobody read stopped both workers.
TEST_F(LineWriterTest, AFullPipeCostsLinesAndNoTime) {
    LineWriter writer(ends_[1]);
    std::uint64_t taken = 0;
    const std::string line(1000, 'x');
    for (int i = 0; i < 1000; ++i)
        taken += writer.write(line) ? 1 : 0;
    EXPECT_GT(taken, 0U);
    EXPECT_EQ(taken + writer.take_lost(), 1000U);
    EXPECT_EQ(writer.take_lost(), 0U);

    read_all();
    EXPECT_TRUE(writer.write("after"));
    EXPECT_TRUE(read_all().ends_with("after\n"));
}

TEST_F(LineWriterTest, ALineThatWasCutEndsBeforeTheNext) {
    LineWriter writer(ends_[1]);
    EXPECT_FALSE(writer.write(std::string(1'000'000, 'x')));  // more than a pipe holds
    const std::string half = read_all();
    EXPECT_EQ(half.find('\n'), std::string::npos);
    EXPECT_TRUE(writer.write("next"));
    EXPECT_EQ(read_all(), "\nnext\n");
}

TEST(LineWriter, AFullDiskCostsLines) {
    const int full = ::open("/dev/full", O_WRONLY | O_CLOEXEC);
    if (full < 0) GTEST_SKIP() << "there is no /dev/full";
    LineWriter writer(full);
    EXPECT_FALSE(writer.write("one"));
    EXPECT_EQ(writer.take_lost(), 1U);
    ::close(full);
}

}  // namespace
}  // namespace segue::log
