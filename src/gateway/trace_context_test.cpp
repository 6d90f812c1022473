#include "gateway/trace_context.hpp"

#include <gtest/gtest.h>

namespace segue::gateway {
namespace {

constexpr std::string_view kTrace = "4bf92f3577b34da6a3ce929d0e0e4736";
constexpr std::string_view kSpan = "00f067aa0ba902b7";

TEST(TraceContext, IsReadAndWritten) {
    const std::string header = traceparent(kTrace, kSpan, "01");
    EXPECT_EQ(header, "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01");
    const auto found = parse_traceparent(header);
    ASSERT_TRUE(found);
    EXPECT_EQ(found->trace_id, kTrace);
    EXPECT_EQ(found->parent_id, kSpan);
    EXPECT_TRUE(found->sampled());
    const std::string silent = traceparent(kTrace, kSpan, "02");
    EXPECT_FALSE(parse_traceparent(silent)->sampled());
}

TEST(TraceContext, ALaterVersionMayHaveMoreParts) {
    EXPECT_TRUE(parse_traceparent("cc-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01-more"));
}

TEST(TraceContext, WhatIsNotAsTheStandardWantsItIsNone) {
    for (const std::string_view bad :
         {"", "00", "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7",
          "ff-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01",
          "0-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01",
          "00-4BF92F3577B34DA6A3CE929D0E0E4736-00f067aa0ba902b7-01",
          "00-4bf92f3577b34da6a3ce929d0e0e473-00f067aa0ba902b7-01",
          "00-00000000000000000000000000000000-00f067aa0ba902b7-01",
          "00-4bf92f3577b34da6a3ce929d0e0e4736-0000000000000000-01",
          "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-0x"})
        EXPECT_FALSE(parse_traceparent(bad)) << bad;
}

}  // namespace
}  // namespace segue::gateway
