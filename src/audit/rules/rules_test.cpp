// Each rule's examples lie beside it (endpoint.cpp, endpoint.cases): every line labelled with the
// rule's kind must be found by it, every line labelled "ok" must be left alone, and with the rule
// switched off the labelled lines must be lost.
#include <gtest/gtest.h>

#include <algorithm>
#include <fstream>
#include <iterator>
#include <set>
#include <string>
#include <vector>

#include "audit/audit.hpp"
#include "audit/rules/rule.hpp"
#include "audit/syntax/tree.hpp"
#include "base/text.hpp"

namespace segue::audit {
namespace {

using Place = std::pair<std::string, std::uint32_t>;

struct Cases {
    std::vector<std::pair<std::string, std::string>> files;
    std::set<Place> wanted;
    std::set<Place> alike;
};

Cases read_cases(const Rule& rule) {
    const std::string name =
        std::string(SEGUE_SOURCE_DIR) + "/src/audit/rules/" + std::string(rule.kind) + ".cases";
    std::ifstream in(name);
    EXPECT_TRUE(in) << name << " is missing";
    Cases cases;
    std::string line;
    std::uint32_t number = 0;
    while (std::getline(in, line)) {
        if (line.starts_with("=== ")) {
            cases.files.emplace_back(line.substr(4), "");
            number = 0;
            continue;
        }
        ++number;
        const auto mark = line.find("  @@");
        if (mark != std::string::npos) {
            const auto label = line.substr(mark + 4);
            (label == "ok" ? cases.alike : cases.wanted).emplace(cases.files.back().first, number);
            EXPECT_TRUE(label == "ok" || label == rule.kind) << name << ": " << label;
        }
        cases.files.back().second += line.substr(0, mark) + "\n";
    }
    return cases;
}

class EachRule : public testing::TestWithParam<const Rule*> {};

TEST_P(EachRule, FindsItsExamplesAndOnlyThem) {
    const Rule& rule = *GetParam();
    const auto cases = read_cases(rule);
    ASSERT_FALSE(cases.wanted.empty());
    std::set<Place> found;
    for (const auto& finding : audit_texts(cases.files, {}).findings) {
        if (finding.rule == rule.id ||
            std::find(finding.also.begin(), finding.also.end(), rule.id) != finding.also.end())
            found.emplace(finding.path, finding.line);
        if (finding.level != Level::kNote) {
            EXPECT_FALSE(cases.alike.contains({finding.path, finding.line}))
                << finding.path << ":" << finding.line << " " << finding.message;
        }
    }
    for (const auto& [path, line] : cases.wanted)
        EXPECT_TRUE(found.contains({path, line})) << path << ":" << line;
    Options off;
    off.disabled.insert(rule.id);
    for (const auto& finding : audit_texts(cases.files, off).findings)
        EXPECT_NE(finding.rule, rule.id);
}

INSTANTIATE_TEST_SUITE_P(Rules, EachRule, testing::ValuesIn(all_rules().begin(), all_rules().end()),
                         [](const auto& each) { return std::string(each.param->kind); });

TEST(Rules, HaveTextsAndDistinctIds) {
    std::set<int> ids;
    for (const Rule* rule : all_rules()) {
        EXPECT_TRUE(ids.insert(rule->id).second) << rule->id;
        EXPECT_FALSE(rule->title.empty() || rule->why.empty() || rule->how.empty()) << rule->kind;
        EXPECT_EQ(find_rule(rule->kind), rule);
        EXPECT_EQ(find_rule(rule_name(rule->id)), rule);
    }
}

TEST(Grammars, AgreeWithTheRuntime) {
    EXPECT_EQ(grammar_mismatch(), std::nullopt);
    for (const auto language :
         {Language::kPython, Language::kTypeScript, Language::kTsx, Language::kJavaScript,
          Language::kGo, Language::kJava, Language::kCSharp, Language::kRust, Language::kShell,
          Language::kPowerShell, Language::kYaml, Language::kJson, Language::kToml,
          Language::kHtml})
        EXPECT_TRUE(Tree::parse(language, "")) << language_name(language);
}

}  // namespace
}  // namespace segue::audit
