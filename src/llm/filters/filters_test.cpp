#include "llm/filters/filters.hpp"

#include <gtest/gtest.h>

#include <string>
#include <string_view>
#include <vector>

namespace segue::llm {
namespace {

struct Summed {
    std::string reasoning;
    std::string text;
    bool ended = false;
    bool operator==(const Summed&) const = default;
};

/// Feeds each event alone; text after reasoning must not be followed by reasoning.
Summed run(std::vector<std::unique_ptr<EventFilter>> filters, const Events& events) {
    Summed summed;
    for (const Event& event : events) {
        Events now{event};
        for (const auto& filter : filters) {
            Events next;
            filter->apply(now, next);
            now = std::move(next);
        }
        for (const Event& result : now) {
            if (const auto* reasoning = std::get_if<Reasoning>(&result)) {
                EXPECT_TRUE(summed.text.empty());
                EXPECT_FALSE(reasoning->text.empty());
                summed.reasoning += reasoning->text;
            }
            if (const auto* text = std::get_if<Text>(&result)) summed.text += text->text;
            if (std::holds_alternative<Ended>(result)) summed.ended = true;
        }
    }
    return summed;
}

Usage two_tokens() {
    Usage usage;
    usage.completion_tokens = 2;
    return usage;
}

template <class... Filters>
std::vector<std::unique_ptr<EventFilter>> chain(Filters... filters) {
    std::vector<std::unique_ptr<EventFilter>> all;
    (all.push_back(std::move(filters)), ...);
    return all;
}

void expect_split(const Profile& profile, std::string_view content, const Summed& expected) {
    for (std::size_t first = 0; first <= content.size(); ++first) {
        for (std::size_t second = first; second <= content.size(); ++second) {
            Events events;
            events.emplace_back(Text{std::string(content.substr(0, first)), 0});
            events.emplace_back(Text{std::string(content.substr(first, second - first)), 0});
            events.emplace_back(Text{std::string(content.substr(second)), 0});
            events.emplace_back(Finished{});
            events.emplace_back(Ended{});
            ASSERT_EQ(run(chain(make_think_splitter(profile)), events), expected)
                << content << " cut at " << first << " and " << second;
        }
    }
}

TEST(ThinkSplitter, SplitsTagsCutAnywhere) {  // C07
    expect_split({}, "<think>a</think>\n\nb", {"a", "b", true});
    expect_split({}, "\n<think>\na < b </th </think>b </think> c",
                 {"\na < b </th ", "b </think> c", true});
    expect_split({}, "<think></think>\n\nb", {"", "b", true});
    expect_split({}, "<think>never closed </thi", {"never closed </thi", "", true});
}

TEST(ThinkSplitter, LeavesOtherContentAlone) {
    expect_split({}, "plain", {"", "plain", true});
    expect_split({}, "  <thin", {"", "  <thin", true});
    expect_split({}, " \n x <think>a</think>", {"", " \n x <think>a</think>", true});
    expect_split({}, "a</think>b", {"", "a</think>b", true});
    expect_split({}, "", {"", "", true});
}

TEST(ThinkSplitter, BeginsInsideWhenTheTemplateOpens) {
    Profile profile;
    profile.template_opens_think = true;
    expect_split(profile, "a</think>\nb", {"a", "b", true});
    expect_split(profile, "<think>a</think>b", {"a", "b", true});
    expect_split(profile, "<th", {"<th", "", true});
}

TEST(ThinkSplitter, TakesTheProfilesTags) {
    Profile profile;
    profile.think_open = "\u25c1think\u25b7";
    profile.think_close = "\u25c1/think\u25b7";
    Events events;
    const std::string content = "\u25c1think\u25b7a\u25c1/think\u25b7b";
    events.emplace_back(Text{content, 0});
    events.emplace_back(Ended{});
    EXPECT_EQ(run(chain(make_think_splitter(profile)), events), (Summed{"a", "b", true}));
}

TEST(ThinkSplitter, StaysOutWhenTheEngineSplits) {
    const Events events{Reasoning{"r", 0}, Text{"<think>a</think>b", 0}, Finished{}, Ended{}};
    EXPECT_EQ(run(chain(make_think_splitter({})), events),
              (Summed{"r", "<think>a</think>b", true}));
}

TEST(ThinkSplitter, KeepsChoicesApart) {
    auto filter = make_think_splitter({});
    Events in{Text{"<think>a", 0}, Text{"<thi", 1}, Text{"</think>b", 0}, Text{"s", 1}, Ended{}};
    Events out;
    filter->apply(in, out);
    EXPECT_EQ(out, (Events{Reasoning{"a", 0}, Text{"b", 0}, Text{"<this", 1}, Ended{}}));
}

TEST(ThinkSplitter, GivesWhatItHeldBeforeAFailure) {
    auto filter = make_think_splitter({});
    Events in{Text{"<thi", 0}, Failed{}};
    Events out;
    filter->apply(in, out);
    ASSERT_EQ(out.size(), 2U);
    EXPECT_EQ(std::get<Text>(out[0]).text, "<thi");
}

TEST(WhitespaceTrimmer, TrimsOverManyDeltas) {  // C03
    const Events events{Reasoning{"\n", 0},
                        Reasoning{" ", 0},
                        Reasoning{" I add\n", 0},
                        Reasoning{" 3", 0},
                        Text{"\n\n", 0},
                        Text{"\n7", 0},
                        Text{" \n", 0},
                        Text{" .", 0},
                        Finished{},
                        Ended{}};
    EXPECT_EQ(run(chain(make_whitespace_trimmer()), events), (Summed{"I add\n 3", "7 \n .", true}));
}

TEST(WhitespaceTrimmer, TrimsNothingWithoutThinking) {
    const Events events{Text{"\n", 0}, Text{" a", 0}, Ended{}};
    EXPECT_EQ(run(chain(make_whitespace_trimmer()), events), (Summed{"", "\n a", true}));
}

TEST(WhitespaceTrimmer, CountsThinkingOfWhiteSpaceOnly) {
    const Events events{Reasoning{"\n\n", 0}, Text{"\n\na", 0}, Ended{}};
    EXPECT_EQ(run(chain(make_whitespace_trimmer()), events), (Summed{"", "a", true}));
}

TEST(ReasoningDropper, DropsThinkingAndItsLogprobs) {
    auto filter = make_reasoning_dropper();
    const Logprobs first{{TokenLogprob{"r", -0.5, std::nullopt, {}}}, 0};
    const Logprobs second{{TokenLogprob{"t", -0.5, std::nullopt, {}}}, 0};
    Events in{first, Reasoning{"r", 0}, second, Text{"t", 0}, two_tokens(), Finished{}, Ended{}};
    Events out;
    filter->apply(in, out);
    EXPECT_EQ(out, (Events{second, Text{"t", 0}, two_tokens(), Finished{}, Ended{}}));
}

TEST(Filters, ThinkFalseLeavesTheContentOnly) {  // C07, think:false
    const Events events{Text{"<think>a</th", 0}, Text{"ink>\n\nb", 0}, Finished{}, Ended{}};
    EXPECT_EQ(
        run(chain(make_think_splitter({}), make_whitespace_trimmer(), make_reasoning_dropper()),
            events),
        (Summed{"", "b", true}));
}

TEST(ThinkingFilters, WhatATargetAndItsSwitchNeed) {
    const Events events{Text{"<think>a</think>\n\nb", 0}, Finished{}, Ended{}};
    Target target;
    target.profile = std::make_shared<Profile>();
    EXPECT_EQ(run(make_thinking_filters(target, {}), events), (Summed{"a", "b", true}));
    EXPECT_EQ(run(make_thinking_filters(target, {Think::Mode::kOff, {}, {}}), events),
              (Summed{"", "b", true}));
    // Of a vLLM, "cannot think" means that it has no parser for it.
    target.capabilities = {"completion"};
    EXPECT_EQ(run(make_thinking_filters(target, {}), events), (Summed{"a", "b", true}));
    target.dialect = Dialect::kOllama;
    EXPECT_EQ(run(make_thinking_filters(target, {}), events),
              (Summed{"", "<think>a</think>\n\nb", true}));
    target.capabilities.clear();  // an engine before 0.6.4 says nothing
    EXPECT_EQ(run(make_thinking_filters(target, {}), events), (Summed{"a", "b", true}));
}

TEST(ThinkingFilters, ATemplateThatOpensTheThinkingDoesSoOnlyWhereItIsOn) {
    Profile opens;
    opens.template_opens_think = true;
    Target target;
    target.profile = std::make_shared<Profile>(opens);
    const Events events{Text{"a</think>b", 0}, Finished{}, Ended{}};
    EXPECT_EQ(run(make_thinking_filters(target, {}), events), (Summed{"a", "b", true}));
    const Events plain{Text{"b", 0}, Finished{}, Ended{}};
    EXPECT_EQ(run(make_thinking_filters(target, {Think::Mode::kOff, {}, {}}), plain),
              (Summed{"", "b", true}));
    opens.split_reasoning = false;
    target.profile = std::make_shared<Profile>(opens);
    EXPECT_EQ(run(make_thinking_filters(target, {}), events), (Summed{"", "a</think>b", true}));
}

}  // namespace
}  // namespace segue::llm
