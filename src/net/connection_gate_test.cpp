#include "net/connection_gate.hpp"

#include <gtest/gtest.h>

#include <utility>
#include <vector>

namespace segue::net {
namespace {

using Verdict = ConnectionGate::Verdict;

TEST(ConnectionGate, CountsInAll) {
    const auto gate = std::make_shared<ConnectionGate>(2, 0);
    auto first = gate->enter("10.0.0.1:1");
    {
        const auto second = gate->enter("10.0.0.2:1");
        EXPECT_EQ(second.verdict(), Verdict::kWelcome);
        const auto third = gate->enter("10.0.0.3:1");
        EXPECT_EQ(third.verdict(), Verdict::kFull);
        EXPECT_EQ(gate->open(), 2U);
    }
    EXPECT_EQ(gate->open(), 1U);
    first = gate->enter("10.0.0.3:1");  // the old place is given back
    EXPECT_EQ(first.verdict(), Verdict::kWelcome);
    EXPECT_EQ(gate->open(), 1U);
}

TEST(ConnectionGate, CountsByAddress) {
    const auto gate = std::make_shared<ConnectionGate>(0, 2);
    std::vector<ConnectionGate::Pass> open;
    open.push_back(gate->enter("10.0.0.1:1"));
    open.push_back(gate->enter("10.0.0.1:2"));
    EXPECT_EQ(gate->enter("10.0.0.1:3").verdict(), Verdict::kAddressFull);
    EXPECT_EQ(gate->enter("10.0.0.2:3").verdict(), Verdict::kWelcome);
    open.pop_back();
    EXPECT_EQ(gate->enter("10.0.0.1:3").verdict(), Verdict::kWelcome);
    EXPECT_EQ(gate->open(), 1U);
}

// In proportion to the limit: the answers' own descriptors come out of what is left beside it.
TEST(ConnectionGate, TellsOnlySomeAtATime) {
    for (const auto& [most, told] :
         {std::pair<std::size_t, std::size_t>{1, 4}, {320, 20}, {16'384, 64}}) {
        const auto gate = std::make_shared<ConnectionGate>(most, 0);
        std::vector<ConnectionGate::Pass> welcome;
        for (std::size_t i = 0; i < most; ++i)
            welcome.push_back(gate->enter("10.0.0.1:1"));
        std::vector<ConnectionGate::Pass> refused;
        for (std::size_t i = 0; i < told; ++i) {
            refused.push_back(gate->enter("10.0.0.1:1"));
            EXPECT_TRUE(refused.back().may_be_told());
        }
        EXPECT_FALSE(gate->enter("10.0.0.1:1").may_be_told());
        refused.pop_back();
        EXPECT_TRUE(gate->enter("10.0.0.1:1").may_be_told());
        EXPECT_EQ(gate->open(), most);
    }
}

TEST(ConnectionGate, ANetworkOfIpv6IsOneAddress) {
    const auto gate = std::make_shared<ConnectionGate>(0, 1);
    const auto first = gate->enter("[2001:db8:1:2::5]:1000");
    EXPECT_EQ(first.verdict(), Verdict::kWelcome);
    EXPECT_EQ(gate->enter("[2001:db8:1:2:ffff::9]:7").verdict(), Verdict::kAddressFull);
    EXPECT_EQ(gate->enter("[2001:db8:1:3::5]:1000").verdict(), Verdict::kWelcome);
}

TEST(ConnectionGate, APassOutlivesTheLastReference) {
    auto gate = std::make_shared<ConnectionGate>(1, 1);
    auto pass = gate->enter("10.0.0.1:1");
    gate.reset();
    pass = {};
}

}  // namespace
}  // namespace segue::net
