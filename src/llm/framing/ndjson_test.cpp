#include "llm/framing/ndjson.hpp"

#include <gtest/gtest.h>

#include <ctime>
#include <string>
#include <string_view>
#include <vector>

namespace segue::llm {
namespace {

struct Read {
    std::vector<std::string> lines;
    std::string rest;
    bool ok = true;
};

Read read_in(const std::vector<std::string_view>& pieces, std::size_t limit = 1024) {
    LineSplitter splitter(limit);
    Read read;
    for (const std::string_view piece : pieces) {
        std::vector<std::string_view> lines;
        read.ok = splitter.feed(piece, lines) && read.ok;
        read.lines.insert(read.lines.end(), lines.begin(), lines.end());
    }
    read.rest = splitter.rest();
    return read;
}

TEST(LineSplitter, CutsAtEverySplit) {
    const std::string_view input =
        "{\"a\":1}\n\r\n{\"b\":\"\xF0\x9F\x91\xA9\xC2\x85\"}\r\n\n  \n{\"c\":3}";
    for (std::size_t first = 0; first <= input.size(); ++first) {
        for (std::size_t second = first; second <= input.size(); ++second) {
            const Read read = read_in({input.substr(0, first), input.substr(first, second - first),
                                       input.substr(second)});
            ASSERT_TRUE(read.ok);
            ASSERT_EQ(read.lines, (std::vector<std::string>{
                                      "{\"a\":1}", "{\"b\":\"\xF0\x9F\x91\xA9\xC2\x85\"}"}));
            ASSERT_EQ(read.rest, "{\"c\":3}");
        }
    }
}

TEST(LineSplitter, RefusesALineOverTheLimit) {
    const std::string_view input = "0123456789\r\n";
    for (std::size_t cut = 0; cut <= input.size(); ++cut) {
        EXPECT_TRUE(read_in({input.substr(0, cut), input.substr(cut)}, 10).ok) << cut;
        EXPECT_FALSE(read_in({input.substr(0, cut), input.substr(cut)}, 9).ok) << cut;
    }
    EXPECT_FALSE(read_in({std::string(100, 'x')}, 50).ok);
}

// C118 under load: an engine's event of 10 MB was searched and copied again with each read, and
// held its worker for seconds. Time of this thread's CPU, so that a busy machine does not matter.
TEST(LineSplitter, ALongOneIsNotReadAgainWithEachPiece) {
    const std::string piece(4096, 'x');
    LineSplitter splitter(std::size_t{64} << 20);
    std::vector<std::string_view> out;
    const auto cpu = [] {
        timespec now{};
        clock_gettime(CLOCK_THREAD_CPUTIME_ID, &now);
        return static_cast<double>(now.tv_sec) + static_cast<double>(now.tv_nsec) * 1e-9;
    };
    const double before = cpu();
    ASSERT_TRUE(splitter.feed("", out));
    for (int i = 0; i < 4096; ++i)
        ASSERT_TRUE(splitter.feed(piece, out));
    ASSERT_TRUE(out.empty());
    ASSERT_TRUE(splitter.feed("\n", out));
    EXPECT_LT(cpu() - before, 5.0);
    ASSERT_EQ(out.size(), 1U);
    EXPECT_EQ(out[0].size(), 4096U * 4096U);
}

}  // namespace
}  // namespace segue::llm
