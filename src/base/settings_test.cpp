#include "base/settings.hpp"

#include <gtest/gtest.h>

#include <array>
#include <map>

namespace segue {
namespace {

Environment from(std::map<std::string, std::string, std::less<>> values) {
    return [values = std::move(values)](std::string_view name) -> std::optional<std::string> {
        const auto found = values.find(name);
        if (found == values.end()) return std::nullopt;
        return found->second;
    };
}

TEST(Settings, ReadsTypedValuesAndUnits) {
    std::vector<SettingIssue> issues;
    auto top = Settings::parse("a: 5s\nb: 64MiB\nc: [x, y]\nd: {e: true}\nf: 1.5\n", "t.yaml",
                               from({}), issues);
    EXPECT_EQ(top.duration("a"), std::chrono::milliseconds(5000));
    EXPECT_EQ(top.bytes("b"), 64 * 1024 * 1024);
    EXPECT_EQ(top.strings("c"), (std::vector<std::string>{"x", "y"}));
    auto inner = top.section("d");
    ASSERT_TRUE(inner);
    EXPECT_EQ(inner->boolean("e"), true);
    EXPECT_EQ(top.number("f", 0, 2), 1.5);
    inner->finish();
    top.finish();
    EXPECT_TRUE(issues.empty());
}

TEST(Settings, NamesLineColumnAndNearestKey) {
    std::vector<SettingIssue> issues;
    auto top = Settings::parse("listen: x\nenignes: []\nlimits:\n  max_bodi: 3\n  port: 99999\n",
                               "segue.yaml", from({}), issues);
    (void)top.string("listen");
    (void)top.list("engines");
    auto limits = top.section("limits");
    (void)limits->bytes("max_body");
    EXPECT_EQ(limits->integer("port", 1, 65535), std::nullopt);
    limits->finish();
    top.finish();
    ASSERT_EQ(issues.size(), 3U);
    EXPECT_EQ(issues[0].to_string(),
              "segue.yaml:5:9: 'limits.port' must be a whole number from 1 to 65535, not '99999'");
    EXPECT_EQ(issues[1].to_string(),
              "segue.yaml:4:3: unknown key 'limits.max_bodi'; did you mean 'max_body'?");
    EXPECT_EQ(issues[2].to_string(),
              "segue.yaml:2:1: unknown key 'enignes'; did you mean 'engines'?");
}

TEST(Settings, EnvironmentWins) {
    std::vector<SettingIssue> issues;
    auto top = Settings::parse(
        "listen: a\n", "t", from({{"SEGUE_LISTEN", "b"}, {"SEGUE_LIMITS_MAX_BODY", "1k"}}), issues);
    EXPECT_EQ(top.string("listen"), "b");
    EXPECT_EQ(top.section("limits")->bytes("max_body"), 1024);
    auto bad = Settings::parse("", "t", from({{"SEGUE_WORKERS", "many"}}), issues);
    EXPECT_EQ(bad.integer("workers", 1, 64), std::nullopt);
    ASSERT_EQ(issues.size(), 1U);
    EXPECT_EQ(issues[0].to_string(), "SEGUE_WORKERS: 'many' is not a whole number from 1 to 64");
}

TEST(Settings, SyntaxErrorsHaveAPlace) {
    std::vector<SettingIssue> issues;
    (void)Settings::parse("a: [1, 2\nb: 3\n", "t.yaml", from({}), issues);
    ASSERT_EQ(issues.size(), 1U);
    EXPECT_GT(issues[0].line, 0);
    issues.clear();
    (void)Settings::parse("- a\n", "t.yaml", from({}), issues);
    EXPECT_EQ(issues.size(), 1U);
}

TEST(Settings, FreeMappingsBecomeJson) {
    std::vector<SettingIssue> issues;
    auto top = Settings::parse("p: {temperature: 0.1, stop: [a, \"1\"], name: \"5\", on: true}\n",
                               "t", from({}), issues);
    const auto members = top.scalars("p");
    ASSERT_EQ(members.size(), 4U);
    EXPECT_EQ(members[0].second, "0.1");
    EXPECT_EQ(members[1].second, R"(["a","1"])");
    EXPECT_EQ(members[2].second, R"("5")");
    EXPECT_EQ(members[3].second, "true");
}

}  // namespace
}  // namespace segue
