#include "llm/ollama/front/apply_profile.hpp"

#include <gtest/gtest.h>

#include <memory>

namespace segue::llm {
namespace {

using enum OllamaEndpoint;

Message message(std::string_view role, std::string_view text) {
    Message made;
    made.role = std::string(role);
    made.parts.emplace_back(TextPart{std::string(text)});
    return made;
}
Target target_with(Profile profile) {
    Target target;
    target.profile = std::make_shared<const Profile>(std::move(profile));
    target.traits = std::make_shared<EngineTraits>();
    return target;
}
std::string told(const ChatRequest& request) {
    std::string out;
    for (const Message& each : request.messages)
        out += each.role + "=" + each.text() + " ";
    return out;
}
ChatRequest asking(std::vector<Message> messages) {
    ChatRequest request;
    request.model = "M";
    request.messages = std::move(messages);
    return request;
}

TEST(OllamaProfile, SystemAndMessages) {  // C25, wire 1.5
    Profile profile;
    profile.system = "S";
    profile.messages = {message("user", "a"), message("assistant", "b")};
    const Target target = target_with(profile);
    ChatRequest request = asking({message("user", "q")});
    apply_profile(kChat, target, request);
    EXPECT_EQ(told(request), "system=S user=a assistant=b user=q ");
    request = asking({message("system", "own"), message("user", "q")});
    apply_profile(kChat, target, request);
    EXPECT_EQ(told(request), "user=a assistant=b system=own user=q ");
    request = asking({message("system", "own"), message("user", "q")});
    apply_profile(kGenerate, target, request);
    EXPECT_EQ(told(request), "system=own user=a assistant=b user=q ");
}

TEST(OllamaProfile, OldThinkingIsForgotten) {  // wire 3.2
    Message old = message("assistant", "\n<think>x</think>\n\nanswer");
    old.reasoning = "r";
    Message recent = message("assistant", "<think>y</think>z");
    recent.reasoning = "kept in a tool loop";
    ChatRequest request =
        asking({message("user", "<think>u</think>"), old, message("user", "q"), recent});
    apply_profile(kChat, target_with({}), request);
    EXPECT_EQ(told(request),
              "user=<think>u</think> assistant=answer user=q assistant=<think>y</think>z ");
    EXPECT_EQ(request.messages[1].reasoning, "");
    EXPECT_EQ(request.messages[3].reasoning, "kept in a tool loop");
    Profile keeping;
    keeping.strip_old_thinking = false;
    request = asking({old, message("user", "q")});
    apply_profile(kChat, target_with(keeping), request);
    EXPECT_EQ(request.messages[0].text(), "\n<think>x</think>\n\nanswer");
}

TEST(OllamaProfile, RequestOverProfileOverDefaults) {  // C43
    Sampling sampling;
    std::vector<Extra> extras{{"min_tokens", "1"}};
    sampling.top_k = 7;
    Profile profile;
    profile.parameters.temperature = 0.1;
    profile.parameters.top_k = 9;
    profile.parameter_extras = {{"num_gpu", "1"}, {"min_tokens", "5"}, {"ignore_eos", "true"}};
    apply_sampling(profile, sampling, extras);
    EXPECT_EQ(sampling.temperature, 0.1);
    EXPECT_EQ(sampling.top_k, 7);
    EXPECT_EQ(sampling.top_p, 0.9);
    ASSERT_EQ(extras.size(), 2U);
    EXPECT_EQ(extras[0].json, "1");
    EXPECT_EQ(extras[1].name, "ignore_eos");
    Sampling engines;
    profile.sampling_defaults = SamplingDefaults::kEngine;
    profile.parameters = {};
    apply_sampling(profile, engines, extras);
    EXPECT_EQ(engines.temperature, std::nullopt);
    EXPECT_EQ(engines.top_k, std::nullopt);
}

TEST(OllamaProfile, Capabilities) {  // C05, wire 1.3
    Profile profile;
    profile.thinking = ThinkingStyle::kNo;
    ChatRequest request = asking({message("user", "q")});
    request.think.mode = Think::Mode::kOn;
    EXPECT_EQ(refuse_missing_capability(kChat, request, target_with(profile))->message,
              "\"M\" does not support thinking");
    request.think.mode = Think::Mode::kOff;
    EXPECT_FALSE(refuse_missing_capability(kChat, request, target_with(profile)));
    profile.capabilities = {{"completion", "thinking"}};
    profile.thinking = ThinkingStyle::kAuto;
    request.think.mode = Think::Mode::kLevel;
    EXPECT_FALSE(refuse_missing_capability(kChat, request, target_with(profile)));
    request.tools = {"{}"};
    EXPECT_EQ(refuse_missing_capability(kChat, request, target_with(profile))->message,
              "registry.ollama.ai/library/M:latest does not support tools");
    profile.capabilities = {{"embedding"}};
    EXPECT_EQ(refuse_missing_capability(kGenerate, request, target_with(profile))->message,
              "\"M\" does not support generate");
}

TEST(OllamaProfile, AbsentThinkMeansOnForAModelThatCan) {  // C04
    Profile profile;
    profile.thinking = ThinkingStyle::kTemplate;
    ChatRequest request = asking({message("user", "q")});
    apply_profile(kChat, target_with(profile), request);
    EXPECT_EQ(request.think.mode, Think::Mode::kOn);
    profile.thinking = ThinkingStyle::kNo;
    request = asking({message("user", "q")});
    apply_profile(kChat, target_with(profile), request);
    EXPECT_EQ(request.think.mode, Think::Mode::kUnset);
}

}  // namespace
}  // namespace segue::llm
