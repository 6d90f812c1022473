// What the server refuses by itself: bad syntax, limits, deadlines (conformance cases C129 to
// C136).
#include <gmock/gmock.h>
#include <sys/resource.h>

#include "net/server.hpp"
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
using testkit::status_of;

class ServerRefusalTest : public ServerTest {
protected:
    /// The status of the answer to these bytes; the server must close after it.
    int refused(const std::string& bytes) {
        RawClient client(listener_->port());
        client.send(bytes);
        const std::string answer = client.rest();
        EXPECT_THAT(answer, HasSubstr("Connection: close\r\n"));
        EXPECT_FALSE(client.was_reset());
        return status_of(answer);
    }
    /// What the server counted, in order.
    std::string refusals() {
        std::string out;
        on_loop([&] { out = refusals_; });
        return out;
    }
};

TEST_F(ServerRefusalTest, BadSyntaxIsAnsweredAndTheConnectionCloses) {
    start();
    const std::string post = "POST /p HTTP/1.1\r\nHost: a\r\n";
    EXPECT_EQ(refused("nonsense\r\n\r\n"), 400);
    EXPECT_EQ(refused("GET / HTTP/1.1\r\n\r\n"), 400);
    EXPECT_EQ(refused("GET / HTTP/3.0\r\nHost: a\r\n\r\n"), 505);
    EXPECT_EQ(refused(post + "Content-Length: 3\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n"),
              400);
    EXPECT_EQ(refused(post + "Content-Length: 3\r\nContent-Length: 4\r\n\r\nabcd"), 400);
    EXPECT_EQ(refused(post + "X: a\r\n b\r\n\r\n"), 400);
    EXPECT_EQ(refused(post + "X : a\r\n\r\n"), 400);
    EXPECT_EQ(refused(post + "Transfer-Encoding: rot13, chunked\r\n\r\n"), 501);
    EXPECT_EQ(refused(post + "Transfer-Encoding: chunked, gzip\r\n\r\n"), 400);
    EXPECT_EQ(refused(post + "Expect: x\r\nContent-Length: 2\r\n\r\n"), 417);
    EXPECT_EQ(journal_.text(), "");  // no handler was made
}

TEST_F(ServerRefusalTest, BadChunksEndTheExchange) {
    start();
    const std::string post = "POST /p HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n";
    EXPECT_EQ(refused(post + "0x5\r\nabcde\r\n0\r\n\r\n"), 400);
    EXPECT_EQ(refused(post + "fffffffffffffffff\r\n"), 400);
    EXPECT_EQ(refused(post + "3\nabc\r\n0\r\n\r\n"), 400);
    EXPECT_TRUE(journal_.wait_for("gone /p\ndestroyed /p"));
    EXPECT_THAT(journal_.text(), Not(HasSubstr("end /p")));
}

TEST_F(ServerRefusalTest, BadChunkAfterTheHeadWasSentCutsTheAnswer) {
    scripts_["/s"].on_head = [](ScriptedHandler& h) {
        h.responder.send_head(200, {}, Responder::Framing::kChunked);
        h.responder.send_body("x");
    };
    start();
    RawClient client(listener_->port());
    client.send("POST /s HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n");
    client.until("x\r\n");
    client.send("zz\r\n");
    EXPECT_EQ(client.rest(), "");
    EXPECT_TRUE(journal_.wait_for("gone /s"));
}

TEST_F(ServerRefusalTest, AnswersBeforeTheBadRequestAreDelivered) {
    scripts_["/late"].on_end = [](ScriptedHandler& h) {
        h.timer = h.responder.loop().after(milliseconds(10),
                                           [&h] { h.responder.respond(200, {}, "late"); });
    };
    start();
    RawClient client(listener_->port());
    client.send("GET /late HTTP/1.1\r\nHost: a\r\n\r\nGET /bad HTTP/1.1\r\n\r\n");
    EXPECT_EQ(body_of(client.answer()), "late");
    EXPECT_THAT(client.rest(), HasSubstr("[/bad] missing Host header"));
}

TEST_F(ServerRefusalTest, HeaderLimits) {
    start();
    EXPECT_EQ(
        refused("GET / HTTP/1.1\r\nHost: a\r\nX: " + std::string(64 * 1024, 'x') + "\r\n\r\n"),
        431);
    std::string many = "GET / HTTP/1.1\r\nHost: a\r\n";
    for (int i = 0; i < 128; ++i)
        many += "X: 1\r\n";
    EXPECT_EQ(refused(many + "\r\n"), 431);
}

TEST_F(ServerRefusalTest, BodyLimitFromTheLengthAtOnce) {
    limits_.max_body_bytes = 1000;
    start();
    RawClient client(listener_->port());
    client.send("POST /v1/messages HTTP/1.1\r\nHost: a\r\nContent-Length: 20000000\r\n\r\n");
    EXPECT_THAT(client.until("bytes is larger than 1000 bytes"),
                StartsWith("HTTP/1.1 413 Request Entity Too Large"));
    RawClient eager(listener_->port());  // writes all before it reads
    eager.send("POST /v1/messages HTTP/1.1\r\nHost: a\r\nContent-Length: 20000000\r\n\r\n");
    EXPECT_TRUE(eager.send(std::string(20'000'000, 'x')));
    EXPECT_THAT(eager.rest(), HasSubstr("[/v1/messages] request body"));
    EXPECT_FALSE(eager.was_reset());
}

TEST_F(ServerRefusalTest, BodyLimitOfAChunkedBody) {
    limits_.max_body_bytes = 1000;
    start();
    EXPECT_EQ(refused("POST /p HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n3e8\r\n" +
                      std::string(1000, 'x') + "\r\n1\r\n"),
              413);
    EXPECT_TRUE(journal_.wait_for("gone /p"));
}

TEST_F(ServerRefusalTest, LargeBodyUnderTheLimit) {
    start();
    RawClient client(listener_->port());
    const std::string body(20'000'000, 'b');
    client.send("POST /p HTTP/1.1\r\nHost: a\r\nContent-Length: 20000000\r\n\r\n" + body);
    EXPECT_EQ(body_of(client.answer()).size(), body.size() + 8);
}

TEST_F(ServerRefusalTest, ExpectContinue) {
    scripts_["/no"].on_head = [](ScriptedHandler& h) { h.responder.respond(401, {}, "no"); };
    start();
    RawClient client(listener_->port());
    client.send("POST /p HTTP/1.1\r\nHost: a\r\nExpect: 100-continue\r\nContent-Length: 2\r\n\r\n");
    EXPECT_EQ(client.until("\r\n\r\n"), "HTTP/1.1 100 Continue\r\n\r\n");
    client.send("hi");
    EXPECT_EQ(body_of(client.answer()), "POST /p hi");
    client.send(
        "POST /no HTTP/1.1\r\nHost: a\r\nExpect: 100-continue\r\nContent-Length: 2\r\n\r\n");
    EXPECT_THAT(client.rest(), HasSubstr("Connection: close\r\n\r\nno"));
}

TEST_F(ServerRefusalTest, HeadDeadline) {
    limits_.header_timeout = milliseconds(60);
    start();
    RawClient client(listener_->port());
    // A byte now and then does not put it off.
    std::thread writer([&] {
        for (const char c : std::string_view("GET /slow HTTP/1.1\r\nHost: a\r\n")) {
            if (!client.send(std::string(1, c))) break;
            std::this_thread::sleep_for(milliseconds(10));
        }
    });
    EXPECT_THAT(client.rest(), StartsWith("HTTP/1.1 408 Request Timeout\r\n"));
    writer.join();
}

TEST_F(ServerRefusalTest, BodyDeadlineCountsFromTheLastRead) {
    limits_.body_timeout = milliseconds(80);
    limits_.min_body_rate = 0;
    start();
    RawClient client(listener_->port());
    client.send("POST /p HTTP/1.1\r\nHost: a\r\nContent-Length: 100\r\n\r\n");
    for (int i = 0; i < 6; ++i) {
        std::this_thread::sleep_for(milliseconds(30));
        client.send("x");
    }
    EXPECT_EQ(journal_.text(), "head POST /p\n");
    EXPECT_THAT(client.rest(), StartsWith("HTTP/1.1 408 Request Timeout\r\n"));
    EXPECT_TRUE(journal_.wait_for("gone /p"));
}

TEST_F(ServerRefusalTest, BodyThatTricklesIsRefused) {
    limits_.body_timeout = milliseconds(100);
    limits_.min_body_rate = 1000;
    start();
    RawClient client(listener_->port());
    client.send("POST /p HTTP/1.1\r\nHost: a\r\nContent-Length: 100000\r\n\r\n");
    std::thread writer([&] {  // 100 bytes a second, never silent for long
        for (int i = 0; i < 400 && client.send("x"); ++i)
            std::this_thread::sleep_for(milliseconds(10));
    });
    EXPECT_THAT(client.rest(), HasSubstr("[/p] the request body came slower than 1000 bytes"));
    writer.join();
    EXPECT_TRUE(journal_.wait_for("gone /p"));
    EXPECT_EQ(refusals(), "body_timeout ");
}

TEST_F(ServerRefusalTest, BodyThatIsFastEnoughMayTakeLong) {
    limits_.body_timeout = milliseconds(100);
    limits_.min_body_rate = 1000;
    start();
    RawClient client(listener_->port());
    client.send("POST /p HTTP/1.1\r\nHost: a\r\nContent-Length: 40000\r\n\r\n");
    for (int i = 0; i < 40; ++i) {  // far longer than body_timeout in all
        client.send(std::string(1000, 'x'));
        std::this_thread::sleep_for(milliseconds(5));
    }
    EXPECT_EQ(body_of(client.answer()).size(), 40'008U);
}

TEST_F(ServerRefusalTest, AConnectionTooManyIsAnsweredAndClosed) {
    limits_.max_connections = 1;
    start();
    RawClient first(listener_->port());
    first.send("GET /x HTTP/1.1\r\nHost: a\r\n\r\n");
    EXPECT_EQ(body_of(first.answer()), "GET /x ");
    RawClient second(listener_->port());
    second.send("POST /y HTTP/1.1\r\nHost: a\r\nContent-Length: 2\r\n\r\nhi");
    const std::string answer = second.rest();
    EXPECT_THAT(answer, StartsWith("HTTP/1.1 503 Service Unavailable\r\n"));
    EXPECT_THAT(answer, HasSubstr("Retry-After: 1\r\nConnection: close\r\n\r\n[/y] too many"));
    EXPECT_FALSE(second.was_reset());
    first.send("GET /z HTTP/1.1\r\nHost: a\r\n\r\n");
    EXPECT_EQ(body_of(first.answer()), "GET /z ");
    first.close();
    EXPECT_TRUE(eventually([&] { return connections() == 0; }));
    RawClient third(listener_->port());
    third.send("GET /w HTTP/1.1\r\nHost: a\r\n\r\n");
    EXPECT_EQ(body_of(third.answer()), "GET /w ");
    EXPECT_EQ(refusals(), "connections ");
}

TEST_F(ServerRefusalTest, TooManyFromOneAddress) {
    limits_.max_connections_per_address = 1;
    start();
    RawClient first(listener_->port());
    first.send("GET /x HTTP/1.1\r\nHost: a\r\n\r\n");
    first.answer();
    EXPECT_EQ(refused("GET /y HTTP/1.1\r\nHost: a\r\n\r\n"), 429);
    RawClient silent(listener_->port());  // gets no answer, as it asks nothing
    EXPECT_EQ(silent.rest(), "");
    EXPECT_EQ(refusals(), "address_connections address_connections ");
}

TEST_F(ServerRefusalTest, AStormOfConnectionsIsMostlyClosedWithoutAWord) {
    limits_.max_connections = 1;
    start();
    RawClient first(listener_->port());
    first.send("GET /x HTTP/1.1\r\nHost: a\r\n\r\n");
    first.answer();
    std::vector<std::unique_ptr<RawClient>> storm;
    for (int i = 0; i < 200; ++i)
        storm.push_back(std::make_unique<RawClient>(listener_->port()));
    EXPECT_TRUE(eventually([&] { return refused_.load() == 200; }));
    EXPECT_LE(connections(), 65U);
    storm.clear();
    EXPECT_TRUE(eventually([&] { return connections() == 1; }));
}

TEST_F(ServerRefusalTest, AClientThatTakesNothingIsCut) {
    limits_.write_timeout = milliseconds(100);
    scripts_["/big"].on_end = [](ScriptedHandler& h) {
        h.responder.send_head(200, {}, Responder::Framing::kChunked);
        // More than the kernel holds for a reader that does not read.
        h.responder.send_body(std::string(16'000'000, 'x'));
    };
    start();
    RawClient client(listener_->port(), 4096);
    client.send("GET /big HTTP/1.1\r\nHost: a\r\n\r\n");
    EXPECT_TRUE(journal_.wait_for("gone /big"));
    EXPECT_TRUE(eventually([&] { return connections() == 0; }));
    EXPECT_EQ(refusals(), "write_timeout ");
}

TEST_F(ServerRefusalTest, AClientThatTakesLittleIsNotCut) {
    limits_.write_timeout = milliseconds(400);
    scripts_["/big"].on_end = [](ScriptedHandler& h) {
        h.responder.respond(200, {}, std::string(3'000'000, 'x'));
    };
    start();
    RawClient client(listener_->port(), 4096);
    client.send("GET /big HTTP/1.1\r\nHost: a\r\n\r\n");
    std::size_t got = client.until("\r\n\r\n").size();
    for (int i = 0; i < 30; ++i) {  // 1.2 s: three times the limit
        std::this_thread::sleep_for(milliseconds(40));
        got += client.some(20'000);
    }
    got += client.rest_of(3'000'000 - got);
    EXPECT_GE(got, 3'000'000U);
    EXPECT_EQ(refusals(), "");
}

TEST_F(ServerRefusalTest, IdleConnectionIsClosedWithoutAWord) {
    limits_.idle_timeout = milliseconds(50);
    limits_.header_timeout = milliseconds(10);
    start();
    RawClient fresh(listener_->port());
    RawClient used(listener_->port());
    used.send("GET /x HTTP/1.1\r\nHost: a\r\n\r\n");
    used.answer();
    used.send("\r\n");  // an empty line is no request
    EXPECT_EQ(fresh.rest(), "");
    EXPECT_EQ(used.rest(), "");
}

TEST_F(ServerRefusalTest, WaitingAnswerHasNoDeadlineHere) {
    limits_.idle_timeout = limits_.header_timeout = limits_.body_timeout = milliseconds(20);
    scripts_["/late"].on_end = [](ScriptedHandler& h) {
        h.timer = h.responder.loop().after(milliseconds(100),
                                           [&h] { h.responder.respond(200, {}, "late"); });
    };
    start();
    RawClient client(listener_->port());
    client.send("GET /late HTTP/1.1\r\nHost: a\r\n\r\n");
    EXPECT_EQ(body_of(client.answer()), "late");
}

TEST_F(ServerRefusalTest, NoDescriptorsLeftDoesNotSpin) {
    start();
    rlimit before{};
    ASSERT_EQ(::getrlimit(RLIMIT_NOFILE, &before), 0);
    RawClient client(listener_->port());
    client.send("GET /x HTTP/1.1\r\nHost: a\r\n\r\n");
    EXPECT_EQ(body_of(client.answer()), "GET /x ");
    const int next = ::dup(0);
    const int spare = ::dup(0);
    ::close(spare);
    rlimit tight = before;
    tight.rlim_cur = static_cast<rlim_t>(spare + 1);
    RawClient waiting(
        listener_->port());  // takes the last descriptor; nothing is left to accept with
    ASSERT_EQ(::setrlimit(RLIMIT_NOFILE, &tight), 0);
    rusage start_use{};
    ::getrusage(RUSAGE_SELF, &start_use);
    waiting.send("GET /y HTTP/1.1\r\nHost: a\r\n\r\n");
    std::this_thread::sleep_for(milliseconds(200));
    rusage end_use{};
    ::getrusage(RUSAGE_SELF, &end_use);
    ASSERT_EQ(::setrlimit(RLIMIT_NOFILE, &before), 0);
    ::close(next);
    EXPECT_EQ(body_of(waiting.answer()), "GET /y ");
    const auto micros = [](const rusage& use) {
        return (use.ru_utime.tv_sec + use.ru_stime.tv_sec) * 1'000'000 + use.ru_utime.tv_usec +
               use.ru_stime.tv_usec;
    };
    EXPECT_LT(micros(end_use) - micros(start_use), 100'000);
}

}  // namespace
}  // namespace segue::net
