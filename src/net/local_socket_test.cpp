#include "net/local_socket.hpp"

#include <fcntl.h>
#include <gtest/gtest.h>
#include <sys/stat.h>
#include <unistd.h>

#include <array>
#include <filesystem>
#include <fstream>
#include <thread>

namespace segue::net {
namespace {

using std::chrono::milliseconds;

class LocalSockets : public ::testing::Test {
protected:
    void SetUp() override {
        std::string pattern =
            (std::filesystem::temp_directory_path() / "segue-local-XXXXXX").string();
        ASSERT_NE(mkdtemp(pattern.data()), nullptr);
        folder_ = pattern;
    }
    void TearDown() override { std::filesystem::remove_all(folder_); }
    std::string path(std::string_view name = "socket") const { return (folder_ / name).string(); }
    std::filesystem::path folder_;
};

TEST_F(LocalSockets, CarryMessagesAndDescriptors) {
    auto listener = LocalListener::open(path());
    ASSERT_TRUE(listener) << listener.error().detail;
    auto client = LocalSocket::connect(path());
    ASSERT_TRUE(client);
    auto server = listener->accept();
    ASSERT_TRUE(server);
    EXPECT_EQ(server->peer_user(), ::geteuid());
    EXPECT_EQ(client->peer_user(), ::geteuid());

    std::array<int, 2> pipe_ends{};
    ASSERT_EQ(::pipe2(pipe_ends.data(), O_CLOEXEC), 0);
    const Fd reading(pipe_ends[0]);
    Fd writing(pipe_ends[1]);
    ASSERT_TRUE(server->send("one", std::array{writing.get()}));
    ASSERT_TRUE(server->send("two"));
    writing = Fd();  // the copy that was sent stays open

    auto first = client->receive(milliseconds(2'000));
    ASSERT_TRUE(first && *first);
    EXPECT_EQ((*first)->text, "one");
    ASSERT_EQ((*first)->fds.size(), 1U);
    EXPECT_NE(::fcntl((*first)->fds[0].get(), F_GETFD) & FD_CLOEXEC, 0);
    EXPECT_EQ(::write((*first)->fds[0].get(), "x", 1), 1);
    char got = 0;
    EXPECT_EQ(::read(reading.get(), &got, 1), 1);
    EXPECT_EQ(got, 'x');

    auto second = client->receive(milliseconds(2'000));
    ASSERT_TRUE(second && *second);
    EXPECT_EQ((*second)->text, "two");
    EXPECT_TRUE((*second)->fds.empty());
    auto nothing = client->receive(milliseconds(1));
    ASSERT_TRUE(nothing);
    EXPECT_FALSE(*nothing);
    server.reset();
    auto end = client->receive(milliseconds(2'000));
    ASSERT_TRUE(end && *end);
    EXPECT_EQ((*end)->text, "");
    EXPECT_FALSE(client->send("too late"));
}

TEST_F(LocalSockets, TheLastWordOfAPeerThatDidNotListenIsHeard) {
    auto listener = LocalListener::open(path());
    ASSERT_TRUE(listener);
    auto client = LocalSocket::connect(path());
    ASSERT_TRUE(client);
    ASSERT_TRUE(client->send("a question"));
    {
        auto server = listener->accept();
        ASSERT_TRUE(server && server->send("no"));
    }
    const auto answer = client->receive(milliseconds(2'000));
    ASSERT_TRUE(answer && *answer);
    EXPECT_EQ((*answer)->text, "no");
}

TEST_F(LocalSockets, AreForTheirUserOnlyFromTheBeginning) {
    const auto listener = LocalListener::open(path());
    ASSERT_TRUE(listener);
    struct stat made {};
    ASSERT_EQ(::stat(path().c_str(), &made), 0);
    EXPECT_EQ(made.st_mode & 0777U, 0600U);
}

TEST_F(LocalSockets, ASuccessorTakesThePathAndThePredecessorLeavesItAlone) {
    std::optional<LocalListener> old(std::move(*LocalListener::open(path())));
    auto fresh = LocalListener::open(path());
    ASSERT_TRUE(fresh);
    old.reset();
    ASSERT_TRUE(LocalSocket::connect(path()));
    EXPECT_TRUE(fresh->accept());
    { const auto gone = std::move(fresh); }
    EXPECT_FALSE(std::filesystem::exists(path()));
}

TEST_F(LocalSockets, NobodyThereIsNotFound) {
    const auto nothing = LocalSocket::connect(path());
    ASSERT_FALSE(nothing);
    EXPECT_EQ(nothing.error().fault, Fault::kNotFound);
    std::optional<LocalListener> listener(std::move(*LocalListener::open(path())));
    std::filesystem::create_hard_link(path(), path("left-behind"));  // as after SIGKILL
    listener.reset();
    const auto stale = LocalSocket::connect(path("left-behind"));
    ASSERT_FALSE(stale);
    EXPECT_EQ(stale.error().fault, Fault::kNotFound);
}

TEST_F(LocalSockets, APathMayBeLongerThanASocketsAddress) {
    const auto deep = folder_ / std::string(120, 'd');
    std::filesystem::create_directory(deep);
    const std::string far = (deep / "socket").string();
    auto listener = LocalListener::open(far);
    ASSERT_TRUE(listener) << listener.error().detail;
    EXPECT_TRUE(LocalSocket::connect(far));
    EXPECT_TRUE(listener->accept());
}

TEST_F(LocalSockets, StopEndsAccept) {
    auto listener = LocalListener::open(path());
    ASSERT_TRUE(listener);
    std::jthread stopper([&] {
        std::this_thread::sleep_for(milliseconds(20));
        listener->stop();
    });
    EXPECT_FALSE(listener->accept());
    EXPECT_FALSE(listener->accept());
}

TEST_F(LocalSockets, AFolderThatIsNotThereIsSaid) {
    const auto listener = LocalListener::open((folder_ / "no" / "socket").string());
    ASSERT_FALSE(listener);
    EXPECT_NE(listener.error().detail.find("No such file"), std::string::npos);
}

}  // namespace
}  // namespace segue::net
