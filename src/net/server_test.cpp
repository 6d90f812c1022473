// Exchanges that go well: framing, keep-alive, pipelining, back-pressure, cutting, draining.
#include "net/server.hpp"

#include <gmock/gmock.h>

#include "net/server_test_kit.hpp"

namespace segue::net {
namespace {

using std::chrono::milliseconds;
using testing::HasSubstr;
using testing::Not;
using testing::StartsWith;
using testkit::body_of;
using testkit::RawClient;
using testkit::Script;
using testkit::ScriptedHandler;
using testkit::ServerTest;

TEST_F(ServerTest, AnswersAndKeepsTheConnection) {
    start();
    RawClient client(listener_->port());
    for (int i = 0; i < 3; ++i) {
        client.send("POST /a?q HTTP/1.1\r\nHost: a\r\nContent-Length: 5\r\n\r\nhello");
        const std::string answer = client.answer();
        EXPECT_THAT(
            answer,
            StartsWith(
                "HTTP/1.1 200 OK\r\nContent-Type: text/plain\r\nContent-Length: 13\r\nDate: "));
        EXPECT_THAT(answer, HasSubstr(" GMT\r\n\r\nPOST /a hello"));
        EXPECT_THAT(answer, Not(HasSubstr("Connection:")));
    }
    EXPECT_EQ(connections(), 1U);
    EXPECT_TRUE(eventually([&] { return server_->active() == 0; }));
}

TEST_F(ServerTest, ChunkedBodyWithExtensionsAndTrailers) {
    start();
    RawClient client(listener_->port());
    client.send(
        "POST /a HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n3;x=1\r\nabc\r\n");
    client.send("2\r\nde\r\n0\r\nX-Trailer: 1\r\n\r\n");
    EXPECT_EQ(body_of(client.answer()), "POST /a abcde");
    client.send("GET /b HTTP/1.1\r\nHost: a\r\n\r\n");
    EXPECT_EQ(body_of(client.answer()), "GET /b ");
}

TEST_F(ServerTest, PipelinedRequestsAreAnsweredInOrder) {
    // The first answer comes late, the second is a stream, the third at once.
    scripts_["/late"].on_end = [](ScriptedHandler& h) {
        h.timer = h.responder.loop().after(milliseconds(20),
                                           [&h] { h.responder.respond(200, {}, "late"); });
    };
    scripts_["/stream"].on_end = [](ScriptedHandler& h) {
        h.responder.send_head(200, {}, Responder::Framing::kChunked);
        h.responder.send_body("one");
        h.timer = h.responder.loop().after(milliseconds(20), [&h] {
            h.responder.send_body("two!");
            h.responder.finish();
        });
    };
    start();
    RawClient client(listener_->port());
    client.send(
        "GET /late HTTP/1.1\r\nHost: a\r\n\r\nGET /stream HTTP/1.1\r\nHost: a\r\n\r\n"
        "POST /now HTTP/1.1\r\nHost: a\r\nContent-Length: 2\r\n\r\nhiGET /z HTTP/1.1\r\nHost: "
        "a\r\nConnection: close\r\n\r\n");
    EXPECT_EQ(body_of(client.answer()), "late");
    EXPECT_THAT(client.until("0\r\n\r\n"), HasSubstr("\r\n\r\n3\r\none\r\n4\r\ntwo!\r\n0\r\n\r\n"));
    EXPECT_EQ(body_of(client.answer()), "POST /now hi");
    EXPECT_EQ(body_of(client.rest()), "GET /z ");
}

TEST_F(ServerTest, ManyPipelinedRequestsWithoutReading) {
    limits_.high_water = 4096;
    limits_.low_water = 1024;
    start();
    RawClient client(listener_->port(), 4096);
    std::thread writer([&] {
        for (int i = 0; i < 5000; ++i)
            client.send("GET /p HTTP/1.1\r\nHost: a\r\n\r\n");
    });
    for (int i = 0; i < 5000; ++i)
        ASSERT_EQ(body_of(client.answer()), "GET /p ") << i;
    writer.join();
}

TEST_F(ServerTest, Http10EndsByClose) {
    scripts_["/stream"].on_end = [](ScriptedHandler& h) {
        h.responder.send_head(200, {}, Responder::Framing::kChunked);
        h.responder.send_body("abc");
        h.responder.send_body("def");
        h.responder.finish();
    };
    start();
    RawClient client(listener_->port());
    client.send("GET /stream HTTP/1.0\r\n\r\n");
    const std::string answer = client.rest();
    EXPECT_THAT(answer, Not(HasSubstr("Transfer-Encoding")));
    EXPECT_THAT(answer, HasSubstr("Connection: close\r\n\r\nabcdef"));
    EXPECT_EQ(body_of(answer), "abcdef");
    RawClient kept(listener_->port());
    for (int i = 0; i < 2; ++i) {
        kept.send("GET /x HTTP/1.0\r\nConnection: keep-alive\r\n\r\n");
        EXPECT_THAT(kept.answer(), HasSubstr("Connection: keep-alive\r\n"));
    }
}

TEST_F(ServerTest, HeadHasNoBodyBytes) {
    scripts_["/stream"].on_end = [](ScriptedHandler& h) {
        h.responder.send_head(200, {}, Responder::Framing::kChunked);
        h.responder.send_body("abc");
        h.responder.finish();
    };
    start();
    RawClient client(listener_->port());
    client.send(
        "HEAD /x HTTP/1.1\r\nHost: a\r\n\r\nHEAD /stream HTTP/1.1\r\nHost: a\r\n\r\n"
        "GET /y HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n");
    EXPECT_THAT(client.until("\r\n\r\n"), HasSubstr("Content-Length: 8\r\n"));
    EXPECT_THAT(client.until("\r\n\r\n"), HasSubstr("Transfer-Encoding: chunked\r\n"));
    EXPECT_THAT(client.rest(), StartsWith("HTTP/1.1 200 OK\r\n"));
}

TEST_F(ServerTest, NoContentAndCleanHeaders) {
    scripts_["/none"].on_end = [](ScriptedHandler& h) {
        h.responder.respond(
            204, {{"X", "a\r\nEvil: 1"}, {"content-length", "9"}, {"Connection", "x"}}, "");
    };
    start();
    RawClient client(listener_->port());
    client.send("GET /none HTTP/1.1\r\nHost: a\r\n\r\n");
    const std::string answer = client.until("\r\n\r\n");
    EXPECT_THAT(answer, StartsWith("HTTP/1.1 204 No Content\r\nX: a  Evil: 1\r\nDate: "));
    EXPECT_THAT(answer, Not(HasSubstr("ontent-")));
    client.send("GET /x HTTP/1.1\r\nHost: a\r\n\r\n");
    EXPECT_EQ(body_of(client.answer()), "GET /x ");
}

TEST_F(ServerTest, CloseAfter) {
    scripts_["/bye"].on_head = [](ScriptedHandler& h) { h.responder.close_after(); };
    scripts_["/bye"].on_end = [](ScriptedHandler& h) { h.responder.respond(200, {}, "bye"); };
    start();
    RawClient client(listener_->port());
    client.send("GET /bye HTTP/1.1\r\nHost: a\r\n\r\nGET /x HTTP/1.1\r\nHost: a\r\n\r\n");
    EXPECT_THAT(client.rest(), HasSubstr("Connection: close\r\n\r\nbye"));
    client.close();
    EXPECT_TRUE(eventually([&] { return connections() == 0; }));
}

TEST_F(ServerTest, AbortKeepsWhatWasQueuedAndLeavesOutTheLastChunk) {
    const std::string big(3'000'000, 'x');
    scripts_["/cut"].on_end = [&](ScriptedHandler& h) {
        h.responder.send_head(200, {}, Responder::Framing::kChunked);
        h.responder.send_body(big);
        h.responder.abort();
    };
    start();
    for (const std::string version : {"HTTP/1.1", "HTTP/1.0"}) {
        RawClient client(listener_->port());
        client.send("GET /cut " + version +
                    "\r\nHost: a\r\n\r\nGET /x HTTP/1.1\r\nHost: a\r\n\r\n");
        const std::string answer = client.rest();
        EXPECT_EQ(static_cast<std::size_t>(std::count(answer.begin(), answer.end(), 'x')),
                  big.size());
        EXPECT_THAT(answer.substr(answer.size() - 7), Not(HasSubstr("0\r\n\r\n")));
        // Only a reset tells an HTTP/1.0 client that the answer is broken.
        EXPECT_EQ(client.was_reset(), version == "HTTP/1.0");
        EXPECT_TRUE(client.at_end());
    }
}

TEST_F(ServerTest, AnswerShorterThanItsLengthIsCut) {
    scripts_["/short"].on_end = [](ScriptedHandler& h) {
        h.responder.send_head(200, {}, Responder::Framing::kLength, 10);
        h.responder.send_body("abc");
        h.responder.finish();
    };
    start();
    RawClient client(listener_->port());
    client.send("GET /short HTTP/1.1\r\nHost: a\r\n\r\n");
    EXPECT_EQ(body_of(client.rest()), "abc");
}

TEST_F(ServerTest, AnswerFromTheHeadDropsASmallBody) {
    scripts_["/no"].on_head = [](ScriptedHandler& h) { h.responder.respond(401, {}, "no"); };
    start();
    RawClient client(listener_->port());
    client.send("POST /no HTTP/1.1\r\nHost: a\r\nContent-Length: 10\r\n\r\n01234");
    EXPECT_EQ(body_of(client.answer()), "no");
    client.send("56789GET /x HTTP/1.1\r\nHost: a\r\n\r\n");
    EXPECT_EQ(body_of(client.answer()), "GET /x ");
    EXPECT_THAT(journal_.text(), Not(HasSubstr("end /no")));
}

TEST_F(ServerTest, AnswerFromTheHeadToALargeBodyReachesTheClient) {
    scripts_["/no"].on_head = [](ScriptedHandler& h) { h.responder.respond(401, {}, "no"); };
    start();
    RawClient client(listener_->port());
    client.send("POST /no HTTP/1.1\r\nHost: a\r\nContent-Length: 30000000\r\n\r\n");
    EXPECT_TRUE(
        client.send(std::string(30'000'000, 'x')));  // a client that writes all before it reads
    const std::string answer = client.rest();
    EXPECT_THAT(answer, HasSubstr("Connection: close\r\n\r\nno"));
    EXPECT_FALSE(client.was_reset());
}

TEST_F(ServerTest, SlowReaderIsFeltByTheProducer) {
    limits_.high_water = 64 * 1024;
    limits_.low_water = 16 * 1024;
    constexpr int kPieces = 400;
    const std::string piece(16 * 1024, 'p');
    std::atomic<std::size_t> most{0};
    const auto produce = [&](ScriptedHandler& h) {
        while (h.step < kPieces && h.responder.unsent() <= limits_.high_water) {
            h.responder.send_body(piece);
            ++h.step;
            most = std::max(most.load(), h.responder.unsent());
        }
        if (h.step == kPieces) h.responder.finish();
    };
    scripts_["/long"].on_end = [&](ScriptedHandler& h) {
        h.responder.send_head(200, {}, Responder::Framing::kChunked);
        produce(h);
    };
    scripts_["/long"].on_drained = produce;
    start();
    RawClient client(listener_->port(), 8192);
    client.send("GET /long HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n");
    RawClient other(listener_->port());
    other.send("GET /x HTTP/1.1\r\nHost: a\r\n\r\n");
    EXPECT_EQ(body_of(other.answer()), "GET /x ");
    EXPECT_EQ(server_->active(), 1U);
    const std::string answer = client.rest();
    EXPECT_EQ(static_cast<std::size_t>(std::count(answer.begin(), answer.end(), 'p')),
              piece.size() * kPieces);
    EXPECT_LT(most.load(), limits_.high_water + 2 * piece.size());
}

TEST_F(ServerTest, GoneClientIsNoticedWhileTheHandlerWaits) {
    scripts_["/wait"] = Script{.on_head = {}, .on_end = [](ScriptedHandler&) {}, .on_drained = {}};
    start();
    {
        RawClient client(listener_->port());
        client.send("GET /wait HTTP/1.1\r\nHost: a\r\n\r\n");
        ASSERT_TRUE(journal_.wait_for("end /wait"));
        EXPECT_EQ(server_->active(), 1U);
    }
    EXPECT_TRUE(journal_.wait_for("gone /wait\ndestroyed /wait"));
    EXPECT_EQ(connections(), 0U);
    EXPECT_EQ(server_->active(), 0U);
}

TEST_F(ServerTest, GoneIsNoticedBehindPipelinedBytesAfterAResetAndAHalfClose) {
    for (const std::string path : {"/pipelined", "/reset", "/half", "/stream", "/body"})
        scripts_[path] = Script{.on_head = {}, .on_end = [](ScriptedHandler&) {}, .on_drained = {}};
    scripts_["/stream"].on_end = [](ScriptedHandler& h) {
        h.responder.send_head(200, {}, Responder::Framing::kChunked);
        h.responder.send_body("x");
    };
    start();
    const auto get = [](const std::string& path) {
        return "GET " + path + " HTTP/1.1\r\nHost: a\r\n\r\n";
    };
    RawClient pipelined(listener_->port());
    pipelined.send(get("/pipelined") + get("/next") + get("/next"));
    ASSERT_TRUE(journal_.wait_for("end /pipelined"));
    pipelined.close();
    EXPECT_TRUE(journal_.wait_for("gone /pipelined"));
    RawClient reset(listener_->port());
    reset.send(get("/reset"));
    ASSERT_TRUE(journal_.wait_for("end /reset"));
    reset.reset();
    EXPECT_TRUE(journal_.wait_for("gone /reset"));
    RawClient half(listener_->port());
    half.send(get("/half"));
    half.shut();
    EXPECT_TRUE(journal_.wait_for("gone /half"));
    RawClient stream(listener_->port());
    stream.send(get("/stream"));
    EXPECT_THAT(stream.until("1\r\nx\r\n"), HasSubstr("200 OK"));
    stream.close();
    EXPECT_TRUE(journal_.wait_for("gone /stream"));
    RawClient body(listener_->port());
    body.send("POST /body HTTP/1.1\r\nHost: a\r\nContent-Length: 9\r\n\r\nabc");
    ASSERT_TRUE(journal_.wait_for("head POST /body"));
    body.close();
    EXPECT_TRUE(journal_.wait_for("gone /body"));
    EXPECT_THAT(journal_.text(), Not(HasSubstr("/next")));
}

TEST_F(ServerTest, HalfClosedClientGetsAnAnswerThatIsMadeAtOnce) {
    start();
    RawClient client(listener_->port());
    client.send("GET /x HTTP/1.1\r\nHost: a\r\n\r\n");
    client.shut();
    EXPECT_EQ(body_of(client.rest()), "GET /x ");
}

TEST_F(ServerTest, DrainClosesIdleOnesAndLetsBusyOnesFinish) {
    std::atomic<ScriptedHandler*> busy{nullptr};
    scripts_["/busy"].on_end = [&](ScriptedHandler& h) { busy = &h; };
    start();
    RawClient idle(listener_->port());
    idle.send("GET /x HTTP/1.1\r\nHost: a\r\n\r\n");
    idle.answer();
    RawClient client(listener_->port());
    client.send("GET /busy HTTP/1.1\r\nHost: a\r\n\r\n");
    ASSERT_TRUE(journal_.wait_for("end /busy"));
    on_loop([&] { server_->drain(); });
    EXPECT_EQ(idle.rest(), "");
    on_loop([&] { busy.load()->responder.respond(200, {}, "done"); });
    EXPECT_THAT(client.rest(), HasSubstr("Connection: close\r\n\r\ndone"));
}

TEST_F(ServerTest, CloseAllTellsHandlers) {
    scripts_["/busy"] = Script{.on_head = {}, .on_end = [](ScriptedHandler&) {}, .on_drained = {}};
    start();
    RawClient client(listener_->port());
    client.send("GET /busy HTTP/1.1\r\nHost: a\r\n\r\n");
    ASSERT_TRUE(journal_.wait_for("end /busy"));
    on_loop([&] { server_->close_all(); });
    EXPECT_EQ(client.rest(), "");
    EXPECT_TRUE(journal_.wait_for("gone /busy\ndestroyed /busy"));
}

TEST_F(ServerTest, StoppedAcceptingTakesNoMore) {
    start();
    on_loop([&] { server_->stop_accepting(); });
    RawClient client(listener_->port());
    client.send("GET /x HTTP/1.1\r\nHost: a\r\n\r\n");
    std::this_thread::sleep_for(milliseconds(20));
    EXPECT_EQ(connections(), 0U);
}

TEST_F(ServerTest, ServerMayGoWhileRequestsRun) {
    scripts_["/busy"] = Script{.on_head = {}, .on_end = [](ScriptedHandler&) {}, .on_drained = {}};
    start();
    RawClient client(listener_->port());
    client.send("GET /busy HTTP/1.1\r\nHost: a\r\n\r\n");
    ASSERT_TRUE(journal_.wait_for("end /busy"));
    on_loop([&] { server_.reset(); });
    EXPECT_THAT(journal_.text(), HasSubstr("destroyed /busy"));
    EXPECT_EQ(client.rest(), "");
}

}  // namespace
}  // namespace segue::net
