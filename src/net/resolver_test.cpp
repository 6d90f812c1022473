#include "net/resolver.hpp"

#include <gtest/gtest.h>

#include <atomic>
#include <latch>

namespace segue::net {
namespace {

class ResolverTest : public testing::Test {
protected:
    std::unique_ptr<Loop> loop_ = Loop::open().value();
    FakeClock clock_;
    std::atomic<int> lookups_{0};

    Addresses ask(Resolver& resolver, const std::string& host) {
        Addresses out = fail(Fault::kInternal, "not called");
        resolver.resolve(host, *loop_, [&](Addresses found) {
            out = std::move(found);
            loop_->stop();
        });
        EXPECT_FALSE(out) << "called at once";
        loop_->run();
        return out;
    }
    Resolver::Lookup counting() {
        return [this](const std::string& host) -> Addresses {
            ++lookups_;
            if (host == "missing") return fail(Fault::kUnreachable, "cannot resolve missing");
            return std::vector{parse_address("10.0.0.5").value()};
        };
    }
};

TEST_F(ResolverTest, Literals) {
    EXPECT_EQ(parse_address("127.0.0.1")->to_string(), "127.0.0.1");
    EXPECT_EQ(parse_address("::1")->to_string(), "::1");
    EXPECT_EQ(parse_address("::1")->family(), AF_INET6);
    EXPECT_FALSE(parse_address("localhost"));
    EXPECT_FALSE(parse_address("127.0.0.1:80"));
    EXPECT_FALSE(parse_address(""));
}

TEST_F(ResolverTest, RemembersForAWhile) {
    Resolver resolver(counting(), clock_, {});
    EXPECT_EQ(ask(resolver, "engine").value().at(0).to_string(), "10.0.0.5");
    EXPECT_TRUE(ask(resolver, "engine"));
    EXPECT_EQ(lookups_, 1);
    clock_.advance(std::chrono::seconds(5));
    EXPECT_TRUE(ask(resolver, "engine"));
    EXPECT_EQ(lookups_, 2);
}

TEST_F(ResolverTest, FailuresAreNotRemembered) {
    Resolver resolver(counting(), clock_, {});
    EXPECT_EQ(ask(resolver, "missing").error().detail, "cannot resolve missing");
    EXPECT_FALSE(ask(resolver, "missing"));
    EXPECT_EQ(lookups_, 2);
}

TEST_F(ResolverTest, ManyNamesEmptyTheMemory) {
    Resolver resolver(counting(), clock_, {.max_names = 2});
    for (const char* host : {"a", "b", "c", "a"})
        EXPECT_TRUE(ask(resolver, host));
    EXPECT_EQ(lookups_, 4);
}

TEST_F(ResolverTest, ANameThatHangsDoesNotHoldUpOthersAndAskersShare) {
    std::latch release(1);
    const auto lookup = counting();
    Resolver resolver(
        [&](const std::string& host) {
            if (host == "slow") release.wait();
            return lookup(host);
        },
        clock_, {});
    int slow = 0;
    for (int i = 0; i < 2; ++i)
        resolver.resolve("slow", *loop_, [&](const Addresses&) {
            if (++slow == 2) loop_->stop();
        });
    const auto cancelled =
        resolver.resolve("slow", *loop_, [](const Addresses&) { ADD_FAILURE() << "cancelled"; });
    resolver.cancel(cancelled);
    EXPECT_TRUE(ask(resolver, "quick"));
    EXPECT_EQ(slow, 0);
    release.count_down();
    loop_->run();
    EXPECT_EQ(slow, 2);
    EXPECT_EQ(lookups_, 2);
}

TEST_F(ResolverTest, AsksTheSystem) {
    const Addresses found = ask(Resolver::shared(), "localhost");
    ASSERT_TRUE(found) << found.error().detail;
    for (const Address& address : *found)
        EXPECT_TRUE(address.to_string() == "127.0.0.1" || address.to_string() == "::1");
}

}  // namespace
}  // namespace segue::net
