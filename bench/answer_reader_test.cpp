#include "answer_reader.hpp"

#include <gtest/gtest.h>

#include <string>
#include <vector>

namespace bench {
namespace {

constexpr Orders kOrders{0x2a, 3, 0};

std::string event(std::uint32_t number, std::uint32_t marker = 0x2a) {
    std::string text;
    append_event(text, marker, number, 1000);
    return text;
}

std::string object(const std::string& text, const std::string& status = "200 OK") {
    const std::string body = R"({"content":")" + text + R"("})";
    return "HTTP/1.1 " + status + "\r\ncontent-length: " + std::to_string(body.size()) +
           "\r\n\r\n" + body;
}

std::string chunked(const std::vector<std::string>& pieces) {
    std::string out = "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n";
    for (const auto& piece : pieces) {
        char size[16];
        std::snprintf(size, sizeof size, "%zX\r\n", piece.size());
        out += size + piece + "\r\n";
    }
    return out + "0\r\n\r\n";
}

std::vector<std::string> good_stream() {
    return {"data: @ " + event(1) + "\n\n", "data: " + event(2) + "\n\n",
            "data: " + event(3) + "\n\n", "data: [DONE]\n\n"};
}

/// The last state, after the bytes came in two pieces cut at `cut`; the number of events in `seen`.
AnswerReader::State read(AnswerReader& reader, const std::string& bytes, std::string_view end,
                         std::size_t cut, std::uint32_t* seen = nullptr) {
    reader.reset(kOrders, end);
    std::uint32_t count = 0;
    const auto take = [&](const Event& got) { EXPECT_EQ(got.number, ++count); };
    auto state = AnswerReader::State::kMore;
    for (const auto piece :
         {std::string_view(bytes).substr(0, cut), std::string_view(bytes).substr(cut)})
        if (state == AnswerReader::State::kMore && !piece.empty()) state = reader.feed(piece, take);
    if (seen != nullptr) *seen = count;
    return state;
}

void expect_broken(const std::string& bytes, std::string_view end, std::string_view why) {
    for (std::size_t cut = 0; cut <= bytes.size(); ++cut) {
        AnswerReader reader;
        ASSERT_EQ(read(reader, bytes, end, cut), AnswerReader::State::kBroken) << cut << bytes;
        ASSERT_EQ(reader.why(), why) << cut;
    }
}

TEST(AnswerReaderTest, GoodAnswersAreCompleteAtEverySplit) {
    for (const auto& [bytes, end] : {std::pair(object(event(1) + event(2) + event(3)), ""),
                                     std::pair(chunked(good_stream()), "[DONE]")}) {
        AnswerReader reader;  // kept, as a connection keeps it
        for (std::size_t cut = 0; cut <= bytes.size(); ++cut) {
            std::uint32_t seen = 0;
            ASSERT_EQ(read(reader, bytes, end, cut, &seen), AnswerReader::State::kComplete)
                << cut << reader.why();
            ASSERT_EQ(seen, 3U);
        }
    }
}

TEST(AnswerReaderTest, LostDoubledAndForeignEventsAreFound) {
    expect_broken(object(event(1) + event(3)), "", "an event is missing or doubled");
    expect_broken(object(event(1) + event(2) + event(2) + event(3)), "",
                  "an event is missing or doubled");
    expect_broken(object(event(1) + event(2, 0x2b) + event(3)), "", "the bytes of another request");
    expect_broken(object(event(1) + event(2)), "", "the answer ended before its last event");
}

TEST(AnswerReaderTest, AnAnswerThatIsNotWholeIsNotTakenForOne) {
    expect_broken(object(event(1) + event(2) + event(3), "503 Service Unavailable"), "",
                  "another status than 200");
    auto pieces = good_stream();
    pieces.pop_back();
    expect_broken(chunked(pieces), "[DONE]", "the stream's end is not marked");
    expect_broken(chunked({event(1) + event(2) + event(3)}), "", "the object is not closed");

    AnswerReader reader;
    const std::string more = object(event(1) + event(2) + event(3)) + "x";
    EXPECT_EQ(read(reader, more, "", more.size()), AnswerReader::State::kBroken);
    EXPECT_EQ(reader.why(), "bytes after the end of the answer");
}

TEST(AnswerReaderTest, AConnectionThatEndsWithinTheAnswerIsBroken) {
    AnswerReader reader;
    const std::string bytes = chunked(good_stream());
    for (std::size_t size = 0; size < bytes.size(); ++size) {
        reader.reset(kOrders, "[DONE]");
        if (size > 0) reader.feed(std::string_view(bytes).substr(0, size), [](const Event&) {});
        ASSERT_EQ(reader.closed(), AnswerReader::State::kBroken) << size;
    }
    EXPECT_EQ(reader.why(), "closed within the answer");
}

TEST(OrdersTest, AreReadBackFromAPrompt) {
    const auto orders = read_orders(R"({"content":"[mk-0000002a n0200 g0005000] hello"})");
    ASSERT_TRUE(orders);
    EXPECT_EQ(orders->marker, 0x2aU);
    EXPECT_EQ(orders->events, 200U);
    EXPECT_EQ(orders->gap_us, 5000U);
    EXPECT_FALSE(read_orders("[mk-0000002a n0200 g00050"));
    EXPECT_FALSE(read_orders("[mk-0000002a n0x00 g0005000]"));
    EXPECT_FALSE(read_orders("a prompt without orders"));
}

}  // namespace
}  // namespace bench
