#include "chat/prompt.hpp"

#include <gtest/gtest.h>

namespace segue::chat {
namespace {

Message said(Message::Role role, std::string text) {
    Message message;
    message.role = role;
    message.text = std::move(text);
    return message;
}

struct Talk {
    PromptParts parts;
    Message question = said(Message::Role::kUser, "And now?");
    explicit Talk(int turns, std::size_t bytes = 300) {
        for (int i = 0; i < turns; ++i) {
            parts.before.push_back(said(Message::Role::kUser, std::string(bytes, 'q')));
            parts.before.push_back(said(Message::Role::kAssistant, std::string(bytes, 'a')));
        }
        parts.question = &question;
    }
    Talk& with_sources(int count, std::size_t bytes) {
        for (int i = 1; i <= count; ++i) {
            Source source;
            source.n = i;
            source.title = "Title";
            source.heading = {"Title", "Part"};
            source.text = "first\n\n  \n" + std::string(bytes, 's');
            parts.sources.push_back(source);
        }
        return *this;
    }
};

TEST(Prompt, EverythingWhereItFits) {
    const Talk talk(3);
    const auto prompt = make_prompt(talk.parts, 8192, {});
    ASSERT_TRUE(prompt);
    EXPECT_EQ(prompt->messages.size(), 7U);
    EXPECT_EQ(prompt->messages.back().text(), "And now?");
    EXPECT_EQ(prompt->context.messages_sent, 7);
    EXPECT_FALSE(prompt->context.shortened());
    EXPECT_EQ(prompt->context.counted_by, ContextReport::Counter::kEstimate);
}

TEST(Prompt, PassagesAreNumberedParagraphsWithTheirPlace) {
    Talk talk(0);
    talk.with_sources(2, 5);
    talk.parts.system = "Be short.";
    const auto prompt = make_prompt(talk.parts, std::nullopt, {});
    ASSERT_TRUE(prompt);
    const std::string system = prompt->messages.front().text();
    EXPECT_TRUE(system.starts_with("Be short.\n\nAnswer the question"));
    EXPECT_TRUE(
        system.ends_with("\n\nPassages:\n\n[1] (Title › Part)\nfirst\nsssss\n\n[2] (Title › "
                         "Part)\nfirst\nsssss"))
        << system;
}

TEST(Prompt, TheOldestTurnsGoFirstAndInPairs) {
    const Talk talk(10);
    const auto prompt = make_prompt(talk.parts, 1000, {});
    ASSERT_TRUE(prompt);
    EXPECT_GT(prompt->context.messages_left_out, 0);
    EXPECT_EQ(prompt->context.messages_left_out % 2, 0);
    EXPECT_EQ(prompt->context.messages_sent + prompt->context.messages_left_out, 21);
    EXPECT_EQ(prompt->messages.front().role, "user");
    EXPECT_LE(prompt->context.tokens, 750);
    // No more than needed: one pair more would not fit.
    EXPECT_GT(prompt->context.tokens + 230, 750);
}

TEST(Prompt, ThenTheWeakestPassages) {
    Talk talk(2, 1500);
    talk.with_sources(4, 1200);
    const auto prompt = make_prompt(talk.parts, 1500, {});
    ASSERT_TRUE(prompt);
    EXPECT_EQ(prompt->context.messages_left_out, 4);
    EXPECT_GT(prompt->context.sources_left_out, 0);
    ASSERT_FALSE(prompt->sources.empty());
    EXPECT_EQ(prompt->sources.front().n, 1);
    EXPECT_EQ(prompt->sources.size() + static_cast<std::size_t>(prompt->context.sources_left_out),
              4U);
}

TEST(Prompt, AQuestionThatIsTooLongAloneIsSaidToBe) {
    Talk talk(1);
    talk.question.text = std::string(100'000, 'x');
    const auto prompt = make_prompt(talk.parts, 4096, {});
    ASSERT_FALSE(prompt);
    EXPECT_EQ(prompt.error().fault, Fault::kTooLarge);
    EXPECT_NE(prompt.error().detail.find("shorten it"), std::string::npos);
}

TEST(Prompt, NearTheLimitTheEngineCounts) {
    const Talk talk(10);
    int asked = 0;
    // The engine's tokens are twice as long as the guess.
    const TokenCounter count = [&](const std::vector<llm::Message>& messages) {
        ++asked;
        std::int64_t sum = 0;
        for (const auto& message : messages)
            sum += static_cast<std::int64_t>(message.text().size()) / 6;
        return std::optional(sum);
    };
    const auto all = make_prompt(talk.parts, 2000, count);
    ASSERT_TRUE(all);
    EXPECT_EQ(all->context.messages_left_out, 0);
    EXPECT_EQ(all->context.counted_by, ContextReport::Counter::kEngine);
    EXPECT_EQ(asked, 1);
    const auto far = make_prompt(talk.parts, 20'000, count);
    EXPECT_EQ(far->context.counted_by, ContextReport::Counter::kEstimate);
    EXPECT_EQ(asked, 1);
    const auto cut = make_prompt(talk.parts, 600, count);
    EXPECT_GT(cut->context.messages_left_out, 0);
    EXPECT_LE(cut->context.tokens, 450);
    EXPECT_LE(asked, 5);
}

TEST(Prompt, ForEveryLimitItFitsOrSaysWhyNot) {
    for (std::int64_t limit = 1; limit < 4000; limit += 37) {
        Talk talk(5, 200);
        talk.with_sources(3, 400);
        const auto prompt = make_prompt(talk.parts, limit, {});
        if (prompt) {
            EXPECT_LE(prompt->context.tokens, limit) << limit;
        } else {
            EXPECT_EQ(prompt.error().fault, Fault::kTooLarge) << limit;
        }
    }
}

TEST(Prompt, AnswersThatAreNoneAreNotTold) {
    Talk talk(1);
    talk.parts.before.push_back(said(Message::Role::kUser, "when nobody answered"));
    auto passages = said(Message::Role::kAssistant, "");
    passages.kind = Message::Kind::kPassages;
    talk.parts.before.push_back(passages);
    const auto prompt = make_prompt(talk.parts, std::nullopt, {});
    ASSERT_TRUE(prompt);
    EXPECT_EQ(prompt->messages.size(), 3U);
    EXPECT_EQ(prompt->context.messages_left_out, 0);
}

TEST(Prompt, GoesOnWithWhatWasBegun) {
    Talk talk(0);
    talk.parts.begun = "Half an ";
    const auto prompt = make_prompt(talk.parts, std::nullopt, {});
    EXPECT_EQ(prompt->messages.back().role, "assistant");
    EXPECT_EQ(prompt->messages.back().text(), "Half an ");
}

TEST(Prompt, Estimates) {
    EXPECT_EQ(estimate_tokens(""), 0);
    EXPECT_EQ(estimate_tokens("abcdef"), 2);
    EXPECT_EQ(estimate_tokens("午餐"), 2);
}

}  // namespace
}  // namespace segue::chat
