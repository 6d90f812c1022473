#include "audit/model.hpp"

#include <gtest/gtest.h>

#include <iterator>
#include <random>

namespace segue::audit {
namespace {

TEST(MayServeRoutes, IsTrueWhereverARouteIsFound) {
    static constexpr std::string_view kPieces[] = {
        "app", ".", "get",       "route", "@app", "(",  ")", "\"",    "'",
        "`",   "/", "/api/chat", "x",     " ",    "\n", "r", "client"};
    std::mt19937 random(5);
    std::size_t found = 0;
    for (int round = 0; round < 60'000; ++round) {
        std::string text = "app.get(";
        for (auto count = random() % 8; count > 0; --count)
            text += kPieces[random() % std::size(kPieces)];
        ParsedFile file;
        file.source = Source(random() % 2 == 0 ? "a.py" : "a.ts", text);
        file.segments = read_segments(file.source);
        Model model;
        learn_routes(file, model);
        if (model.routes.empty()) continue;
        ++found;
        ASSERT_TRUE(may_serve_routes(text)) << text;
    }
    EXPECT_GT(found, 500U);
    EXPECT_FALSE(may_serve_routes("fetch('/api/chat'); cut(\"/\")"));
}

}  // namespace
}  // namespace segue::audit
