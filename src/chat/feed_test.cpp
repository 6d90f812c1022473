#include "chat/feed.hpp"

#include <gtest/gtest.h>

#include <thread>

#include "base/json.hpp"
#include "llm/framing/sse.hpp"

namespace segue::chat {
namespace {

struct Seen {
    std::string text;
    std::string reasoning;
    std::vector<std::string> others;
    Feed::Id last = 0;
    std::size_t events = 0;

    void take(std::string_view bytes) {
        llm::SseSplitter splitter(1 << 20);
        std::vector<llm::SseEvent> found;
        ASSERT_TRUE(splitter.feed(bytes, found));
        ASSERT_TRUE(splitter.at_boundary());
        for (const auto& event : found) {
            ++events;
            const auto source = event.source;
            const auto id = std::stoull(std::string(source.substr(4, source.find('\n') - 4)));
            ASSERT_GT(id, last);
            last = id;
            json::Parser parser;
            const auto root = parser.parse(event.data);
            ASSERT_TRUE(root);
            ASSERT_EQ((*root)["type"].string(), event.name);
            if (event.name == "text") {
                text += (*root)["text"].string();
            } else if (event.name == "reasoning") {
                reasoning += (*root)["text"].string();
            } else {
                others.emplace_back(event.name);
            }
        }
    }
};

std::shared_ptr<Feed> answer(Feed::Id base = 0) {
    auto feed = std::make_shared<Feed>(base);
    feed->event("started", R"({"type":"started"})");
    for (const auto* piece : {"think ", "hard"})
        feed->reasoning(piece);
    for (const auto* piece : {"Set ", "OLLAMA_HOST", "\n\"now\" ", "ä", "😀"})
        feed->text(piece);
    feed->event("usage", R"({"type":"usage"})");
    feed->text(" more");
    feed->end("finished", R"({"type":"finished"})");
    return feed;
}

TEST(Feed, IsTheSameFromEveryPlaceAndInEverySize) {
    const auto feed = answer(1000);
    for (std::size_t room = 1; room < 300; room += 13)
        for (Feed::Id cut = 0; cut <= 11; ++cut) {
            // Read up to an event, go away, come back with its id.
            Seen seen;
            {
                Feed::Follower first(feed, 0);
                std::string out;
                while (seen.last < 1000 + cut) {
                    out.clear();
                    first.read(room, out);
                    seen.take(out);
                }
            }
            Feed::Follower second(feed, seen.last);
            for (bool more = true; more;) {
                std::string out;
                more = second.read(room, out);
                seen.take(out);
            }
            EXPECT_EQ(seen.text, "Set OLLAMA_HOST\n\"now\" ä😀 more");
            EXPECT_EQ(seen.reasoning, "think hard");
            EXPECT_EQ(seen.others, (std::vector<std::string>{"started", "usage", "finished"}));
        }
}

TEST(Feed, WhoComesLateGetsManyPiecesAsOne) {
    auto feed = std::make_shared<Feed>();
    for (int i = 0; i < 1000; ++i)
        feed->text("word ");
    feed->end("finished", R"({"type":"finished"})");
    Feed::Follower follower(feed, 0);
    std::string out;
    EXPECT_FALSE(follower.read(64 * 1024, out));
    Seen seen;
    seen.take(out);
    EXPECT_EQ(seen.events, 2U);
    EXPECT_EQ(seen.text.size(), 5000U);
    EXPECT_EQ(seen.last, 1001U);
}

TEST(Feed, AnUnknownPlaceMeansTheBeginning) {
    const auto feed = answer(1000);
    for (const Feed::Id after : {Feed::Id{1}, Feed::Id{999}, Feed::Id{5000}}) {
        Feed::Follower follower(feed, after);
        std::string out;
        EXPECT_FALSE(follower.read(1 << 20, out));
        EXPECT_TRUE(out.starts_with("id: 1001\nevent: started\n")) << after;
    }
    Feed::Follower end(feed, 1011);
    std::string out;
    EXPECT_FALSE(end.read(1 << 20, out));
    EXPECT_EQ(out, "");
}

TEST(Feed, NothingComesAfterTheEnd) {
    const auto feed = answer();
    feed->text("late");
    feed->end("failed", "{}");
    Feed::Follower follower(feed, 0);
    std::string out;
    EXPECT_FALSE(follower.read(1 << 20, out));
    EXPECT_EQ(out.find("late"), std::string::npos);
    EXPECT_EQ(out.find("failed"), std::string::npos);
}

TEST(Feed, FollowersAreWokenAndMayGoAtAnyMoment) {
    auto feed = std::make_shared<Feed>();
    std::jthread writer([&] {
        for (int i = 0; i < 2000; ++i)
            feed->text("x");
        feed->end("finished", R"({"type":"finished"})");
    });
    std::atomic<int> woken{0};
    for (int i = 0; i < 50; ++i) {
        Feed::Follower follower(feed, 0);
        follower.on_ready([&] { woken.fetch_add(1); });
        std::string out;
        follower.read(100, out);
    }
    writer.join();
    Feed::Follower follower(feed, 0);
    std::string out;
    EXPECT_FALSE(follower.read(1 << 20, out));
    EXPECT_EQ(feed->text_so_far(), std::string(2000, 'x'));
    EXPECT_EQ(feed->followers(), 1U);
}

}  // namespace
}  // namespace segue::chat
