#include "engine/rehearsal/answer.hpp"

#include <gtest/gtest.h>

#include "engine/rehearsal/passages.hpp"
#include "engine/rehearsal/shape.hpp"
#include "engine/rehearsal/tokens.hpp"

namespace segue::engine::rehearsal {
namespace {

Prompt ask(std::string text) {
    Prompt out;
    out.messages.push_back({"user", std::move(text)});
    return out;
}

Answer tiny(const Prompt& prompt) {
    return make_answer(prompt, Skill::kTiny, TemplateKind::kVllm);
}

TEST(Tokens, JoinToTheTextAgain) {
    for (const std::string_view text :
         {"What is 3 plus 4?", "  two  spaces\n\n{\"a\": \"Paris\"} <think>x",
          "Donaudampfschifffahrt für Müller_und_Söhne", " ", ""}) {
        std::string joined;
        for (const std::string& piece : split_tokens(text))
            joined += piece;
        EXPECT_EQ(text, joined);
        Vocabulary vocabulary;
        EXPECT_EQ(text, vocabulary.decode(vocabulary.encode(text)));
    }
}

TEST(Tokens, CountAsRecorded) {
    Prompt prompt = ask("What is the capital of France?");
    EXPECT_EQ(24, tiny(prompt).prompt_tokens);
    EXPECT_EQ(11, tiny(prompt).completion_tokens);
    prompt = ask("What is 3 plus 4?");
    prompt.thinking = true;
    EXPECT_EQ(14, tiny(prompt).prompt_tokens);
    EXPECT_EQ(23, tiny(prompt).completion_tokens);
    EXPECT_EQ(12, tiny(prompt).reasoning_tokens);
}

TEST(Answers, AreCutByTokensAndByStops) {
    Prompt prompt = ask("Count to 50.");
    prompt.max_tokens = 6;
    EXPECT_EQ("1 2 3 4 5 6", tiny(prompt).text());
    EXPECT_EQ(Answer::Finish::kLength, tiny(prompt).finish);
    prompt.max_tokens.reset();
    prompt.stops = {"9", "7"};
    const Answer stopped = tiny(prompt);
    EXPECT_EQ("1 2 3 4 5 6 ", stopped.text());
    EXPECT_EQ("7", stopped.stop_string);
    EXPECT_EQ(7, stopped.completion_tokens);
    prompt.include_stop = true;
    EXPECT_EQ("1 2 3 4 5 6 7", tiny(prompt).text());
}

TEST(Answers, IgnoreTheEndUpToTheLimit) {
    Prompt prompt = ask("Hello");
    prompt.ignore_end = true;
    prompt.max_tokens = 40;
    EXPECT_EQ(40, tiny(prompt).completion_tokens);
    EXPECT_EQ(Answer::Finish::kLength, tiny(prompt).finish);
}

TEST(Answers, CallNoToolThatDoesNotFit) {
    Prompt prompt = ask("Tell me a joke");
    prompt.tools.push_back(
        {"get_weather", "Get the weather of a city", R"({"type":"object"})", "{}"});
    EXPECT_TRUE(tiny(prompt).calls.empty());
    prompt.tool_choice = ToolChoice::kRequired;
    ASSERT_EQ(1U, tiny(prompt).calls.size());
    EXPECT_EQ("{}", tiny(prompt).calls[0].arguments);
}

TEST(Answers, NeverInventASentence) {
    const Prompt prompt =
        ask("The lift is broken on Mondays. Nobody knows the reason for it.\n\nWhen is the lift "
            "broken?");
    const std::string text = make_answer(prompt, Skill::kPassages, TemplateKind::kOllama).text();
    EXPECT_EQ("The lift is broken on Mondays.", text);
}

TEST(Raw, ChatMarksAreReadBack) {
    Prompt prompt;
    read_raw_prompt(
        "<|im_start|>user\nWhat is 3 plus "
        "4?<|im_end|>\n<|im_start|>assistant\n<think>\n\n</think>\n\n",
        prompt);
    EXPECT_EQ("3 plus 4 is 7.", tiny(prompt).text());
    EXPECT_EQ(20, tiny(prompt).prompt_tokens);
}

std::string filled(std::string_view schema,
                   std::string_view question = "Book a table in Rome for 4 people") {
    json::Parser parser;
    const auto parsed = parser.parse(schema);
    return fill_schema(*parsed, material_from(question, ""));
}

TEST(Shape, FillsWhatASchemaDemands) {
    EXPECT_EQ(
        R"({"city": "Rome", "guests": 4})",
        filled(
            R"({"type":"object","properties":{"city":{"type":"string"},"guests":{"type":"integer"},)"
            R"("note":{"type":"string"}},"required":["city","guests"]})"));
    EXPECT_EQ(R"(["Rome", "Rome"])",
              filled(R"({"type":"array","minItems":2,"items":{"type":"string"}})"));
    EXPECT_EQ(R"("b")", filled(R"({"enum":["b","c"]})"));
    EXPECT_EQ("10", filled(R"({"type":"integer","minimum":10})"));
    EXPECT_EQ(
        R"({"a": true})",
        filled(
            R"({"$ref":"#/$defs/x","$defs":{"x":{"type":"object","properties":{"a":{"type":"boolean"}}}}})"));
    EXPECT_EQ(R"("Rom")", filled(R"({"type":["null","string"],"maxLength":3})"));
}

TEST(Shape, EndsForASchemaThatContainsItself) {
    const std::string out = filled(
        R"({"$ref":"#/$defs/x","$defs":{"x":{"type":"object","properties":{"next":{"$ref":"#/$defs/x"}}}}})");
    EXPECT_TRUE(json::is_valid(out)) << out;
    EXPECT_TRUE(
        json::is_valid(filled(R"({"$ref":"#/$defs/x","$defs":{"x":{"$ref":"#/$defs/x"}}})")));
}

}  // namespace
}  // namespace segue::engine::rehearsal
