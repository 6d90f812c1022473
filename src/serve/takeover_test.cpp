#include "serve/takeover.hpp"

#include <fcntl.h>
#include <gtest/gtest.h>
#include <unistd.h>

#include <filesystem>
#include <mutex>

namespace segue::serve {
namespace {

using std::chrono::milliseconds;
using std::chrono::seconds;

class TakeoverTest : public ::testing::Test {
protected:
    void SetUp() override {
        std::string pattern =
            (std::filesystem::temp_directory_path() / "segue-takeover-XXXXXX").string();
        ASSERT_NE(mkdtemp(pattern.data()), nullptr);
        folder_ = pattern;
        auto listener = net::Listener::open("127.0.0.1:0");
        ASSERT_TRUE(listener);
        listener_.emplace(std::move(*listener));
    }
    void TearDown() override {
        server_.reset();
        std::filesystem::remove_all(folder_);
    }
    std::string path() const { return takeover_path(folder_.string()); }

    void serve(uid_t user = ::geteuid(), milliseconds patience = seconds(60)) {
        TakeoverServer::Options options;
        options.path = path();
        options.user = user;
        options.listeners = {listener_->fd()};
        options.patience = patience;
        options.stop_accepting = [this] { note("stop "); };
        options.accept_again = [this] { note("again "); };
        options.handed_over = [this] { note("over "); };
        auto server = TakeoverServer::start(std::move(options));
        ASSERT_TRUE(server) << server.error().detail;
        server_ = std::move(*server);
    }
    void note(std::string_view what) {
        const std::lock_guard lock(mutex_);
        journal_ += what;
    }
    bool heard(std::string_view what) {
        for (int i = 0; i < 500; ++i) {
            {
                const std::lock_guard lock(mutex_);
                if (journal_ == what) return true;
            }
            std::this_thread::sleep_for(milliseconds(10));
        }
        return false;
    }
    std::string say(net::LocalSocket& socket, std::string_view text) {
        EXPECT_TRUE(socket.send(text));
        auto answer = socket.receive(seconds(5));
        return answer && *answer ? (*answer)->text : "nothing";
    }

    std::filesystem::path folder_;
    std::optional<net::Listener> listener_;
    std::unique_ptr<TakeoverServer> server_;
    std::mutex mutex_;
    std::string journal_;
};

constexpr std::string_view kAsk = R"({"takeover":1,"version":"9.9.9","pid":7})";

TEST_F(TakeoverTest, HandsTheSocketOver) {
    serve();
    auto begun = Takeover::begin(path());
    ASSERT_TRUE(begun) << begun.error().detail;
    ASSERT_TRUE(*begun);
    Takeover& takeover = **begun;
    ASSERT_EQ(takeover.inheritance().listeners.size(), 1U);
    EXPECT_EQ(takeover.inheritance().listeners[0].address(), listener_->address());
    EXPECT_NE(takeover.inheritance().listeners[0].fd(), listener_->fd());
    EXPECT_EQ(takeover.inheritance().pid, ::getpid());
    EXPECT_TRUE(heard(""));
    EXPECT_FALSE(server_->handed_over());
    const auto completed = takeover.complete();
    ASSERT_TRUE(completed) << completed.error().detail;
    EXPECT_EQ(*completed, Takeover::End::kDraining);
    EXPECT_TRUE(heard("stop over "));
    EXPECT_TRUE(server_->handed_over());

    // One that comes too late for this process is sent to the next.
    const auto late = Takeover::begin(path());
    ASSERT_FALSE(late);
    EXPECT_NE(late.error().detail.find("just taken over"), std::string::npos);

    std::jthread ending([this] {
        std::this_thread::sleep_for(milliseconds(50));
        server_.reset();
    });
    takeover.wait_for_end({});  // returns because the old side has ended
}

TEST_F(TakeoverTest, NobodyThere) {
    const auto begun = Takeover::begin(path());
    ASSERT_TRUE(begun);
    EXPECT_FALSE(*begun);
}

TEST_F(TakeoverTest, ADeadSuccessorChangesNothing) {
    serve();
    { const auto begun = Takeover::begin(path()); }
    auto next = Takeover::begin(path());
    ASSERT_TRUE(next && *next);
    EXPECT_TRUE(heard(""));
    EXPECT_TRUE((*next)->complete());
}

TEST_F(TakeoverTest, DiesWhileItIsToldAndTheOldOneAcceptsAgain) {
    serve();
    {
        auto socket = net::LocalSocket::connect(path());
        ASSERT_TRUE(socket);
        say(*socket, kAsk);
        ASSERT_TRUE(socket->send(R"({"accepting":true})"));
    }
    // Whether the answer still reached it is a matter of luck; both ends are right.
    EXPECT_TRUE(heard("stop again ") || heard("stop over "));
    EXPECT_EQ(server_->handed_over(), journal_ == "stop over ");
}

TEST_F(TakeoverTest, AnotherUserIsRefused) {
    serve(::geteuid() + 1);
    const auto begun = Takeover::begin(path());
    ASSERT_FALSE(begun);
    EXPECT_NE(begun.error().detail.find("run the new one as the same user"), std::string::npos);
    EXPECT_TRUE(heard(""));
}

TEST_F(TakeoverTest, ASuccessorThatIsTooSlowMustNotAccept) {
    serve(::geteuid(), milliseconds(50));
    auto begun = Takeover::begin(path());
    ASSERT_TRUE(begun && *begun);
    std::this_thread::sleep_for(milliseconds(400));
    const auto completed = (*begun)->complete();
    ASSERT_FALSE(completed);
    EXPECT_NE(completed.error().detail.find("was not ready within"), std::string::npos);
    EXPECT_TRUE(heard(""));
}

TEST_F(TakeoverTest, TheOldOneIsStoppedMeanwhile) {
    serve();
    auto begun = Takeover::begin(path());
    ASSERT_TRUE(begun && *begun);
    server_->stop();
    const auto completed = (*begun)->complete();
    ASSERT_FALSE(completed);
    EXPECT_NE(completed.error().detail.find("told to stop meanwhile"), std::string::npos);
}

TEST_F(TakeoverTest, WhatIsNoSegueIsRefused) {
    serve();
    for (const std::string_view text :
         {"", "hello", "[]", "{", R"({"takeover":2,"version":"9.9.9"})", R"({"takeover":"1"})"}) {
        auto socket = net::LocalSocket::connect(path());
        ASSERT_TRUE(socket);
        if (text.empty()) continue;  // looked, and went
        const std::string answer = say(*socket, text);
        EXPECT_EQ(answer.rfind(R"({"error":")", 0), 0U) << text << ": " << answer;
    }
    EXPECT_TRUE(heard(""));
    auto begun = Takeover::begin(path());
    ASSERT_TRUE(begun && *begun);
    EXPECT_TRUE((*begun)->complete());
}

TEST_F(TakeoverTest, TheOldOneDiesAndTheNewOneGoesOn) {
    auto old = net::LocalListener::open(path());
    ASSERT_TRUE(old);
    std::jthread dying([&] {
        auto peer = old->accept();
        ASSERT_TRUE(peer);
        (void)peer->receive(seconds(5));
        ASSERT_TRUE(peer->send(kAsk, std::array{listener_->fd()}));
    });
    auto begun = Takeover::begin(path());
    ASSERT_TRUE(begun && *begun);
    dying.join();
    const auto completed = (*begun)->complete();
    ASSERT_TRUE(completed);
    EXPECT_EQ(*completed, Takeover::End::kDied);
}

}  // namespace
}  // namespace segue::serve
