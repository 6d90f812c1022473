#include "llm/framing/sse.hpp"

#include <gtest/gtest.h>

#include <ctime>
#include <string>
#include <string_view>
#include <vector>

namespace segue::llm {
namespace {

/// A copy of an event: views do not outlive the next feed.
struct Kept {
    std::string name;
    std::string data;
    bool comment_only = false;
    bool operator==(const Kept&) const = default;
};

struct Read {
    std::vector<Kept> events;
    std::string sources;
    bool ok = true;
    bool at_boundary = true;
};

Read read_in(const std::vector<std::string_view>& pieces, std::size_t limit = 1024) {
    SseSplitter splitter(limit);
    Read read;
    for (const std::string_view piece : pieces) {
        std::vector<SseEvent> events;
        read.ok = splitter.feed(piece, events) && read.ok;
        for (const SseEvent& event : events) {
            read.events.push_back(
                {std::string(event.name), std::string(event.data), event.comment_only});
            read.sources += event.source;
        }
    }
    read.at_boundary = splitter.at_boundary();
    return read;
}

void expect_at_every_split(std::string_view input, const std::vector<Kept>& expected) {
    for (std::size_t first = 0; first <= input.size(); ++first) {
        for (std::size_t second = first; second <= input.size(); ++second) {
            const Read read = read_in({input.substr(0, first), input.substr(first, second - first),
                                       input.substr(second)});
            ASSERT_TRUE(read.ok);
            ASSERT_EQ(read.events, expected) << "cut at " << first << " and " << second;
            // The last LF of a CR LF may be left over when the CR was already the end.
            ASSERT_TRUE(input.starts_with(read.sources));
            ASSERT_LE(input.size() - read.sources.size(), 1U);
            ASSERT_TRUE(read.at_boundary);
        }
    }
}

TEST(SseSplitter, EndsLinesWithLf) {
    expect_at_every_split("data: {\"a\":1}\n\nevent: ping\ndata: x\n\n",
                          {{"", "{\"a\":1}", false}, {"ping", "x", false}});
}

TEST(SseSplitter, EndsLinesWithCrLf) {
    expect_at_every_split("data: a\r\n\r\nevent: e\r\ndata: b\r\n\r\n",
                          {{"", "a", false}, {"e", "b", false}});
}

TEST(SseSplitter, EndsLinesWithCr) {
    expect_at_every_split("data: a\r\revent: e\rdata: b\r\r",
                          {{"", "a", false}, {"e", "b", false}});
}

TEST(SseSplitter, MixesLineEnds) {
    expect_at_every_split("data: a\r\n\ndata: b\n\r\ndata: c\r\n\r",
                          {{"", "a", false}, {"", "b", false}, {"", "c", false}});
}

TEST(SseSplitter, JoinsDataLines) {
    expect_at_every_split(
        "data: first\ndata:second\ndata\ndata:  two spaces\n\ndata: a\ndata: b\n\n",
        {{"", "first\nsecond\n\n two spaces", false}, {"", "a\nb", false}});
}

TEST(SseSplitter, GivesCommentsAndOtherFieldsApart) {
    expect_at_every_split(": keep-alive\n\nid: 7\n\n: note\ndata: x\nretry: 3\n\n",
                          {{"", "", true}, {"", "", true}, {"", "x", false}});
}

TEST(SseSplitter, ToleratesExtraBlankLinesAndAByteOrderMark) {
    expect_at_every_split(
        "\xEF\xBB\xBF"
        "data: a\n\n\n\ndata: b\n\n",
        {{"", "a", false}, {"", "b", false}});
}

TEST(SseSplitter, KeepsAColonInTheValue) {
    expect_at_every_split("data:a: b\n\n", {{"", "a: b", false}});
}

TEST(SseSplitter, KeepsUtf8Whole) {
    expect_at_every_split("data: \xF0\x9F\x91\xA9\xE2\x80\x8D\xC2\x85\n\n",
                          {{"", "\xF0\x9F\x91\xA9\xE2\x80\x8D\xC2\x85", false}});
}

TEST(SseSplitter, AnUnfinishedEventIsNoBoundary) {
    EXPECT_FALSE(read_in({"data: x\n"}).at_boundary);
    EXPECT_FALSE(read_in({"d"}).at_boundary);
    EXPECT_TRUE(read_in({""}).at_boundary);
    EXPECT_TRUE(read_in({"data: x\n\n"}).at_boundary);
}

TEST(SseSplitter, RefusesAnEventOverTheLimit) {
    const std::string event = "data: " + std::string(30, 'x') + "\n\n";
    for (std::size_t cut = 0; cut <= event.size(); ++cut) {
        const std::string_view view = event;
        EXPECT_TRUE(read_in({view.substr(0, cut), view.substr(cut)}, event.size()).ok);
        EXPECT_FALSE(read_in({view.substr(0, cut), view.substr(cut)}, event.size() - 1).ok);
    }
    EXPECT_FALSE(read_in({std::string(100, 'x')}, 50).ok);
}

TEST(SseSplitter, BlankLinesAndHalfLineEndsBeforeALongLine) {
    expect_at_every_split("data: a\r\n\r\n\r\n\r\ndata: b\rdata: c\r\n\r\n",
                          {{"", "a", false}, {"", "b\nc", false}});
}

// C118 under load: an engine's event of 10 MB was searched and copied again with each read, and
// held its worker for seconds. Time of this thread's CPU, so that a busy machine does not matter.
TEST(SseSplitter, ALongOneIsNotReadAgainWithEachPiece) {
    const std::string piece(4096, 'x');
    SseSplitter splitter(std::size_t{64} << 20);
    std::vector<SseEvent> out;
    const auto cpu = [] {
        timespec now{};
        clock_gettime(CLOCK_THREAD_CPUTIME_ID, &now);
        return static_cast<double>(now.tv_sec) + static_cast<double>(now.tv_nsec) * 1e-9;
    };
    const double before = cpu();
    ASSERT_TRUE(splitter.feed("data: ", out));
    for (int i = 0; i < 4096; ++i)
        ASSERT_TRUE(splitter.feed(piece, out));
    ASSERT_TRUE(out.empty());
    ASSERT_TRUE(splitter.feed("\n\n", out));
    EXPECT_LT(cpu() - before, 5.0);
    ASSERT_EQ(out.size(), 1U);
    EXPECT_EQ(out[0].data.size(), 4096U * 4096U);
}

}  // namespace
}  // namespace segue::llm
