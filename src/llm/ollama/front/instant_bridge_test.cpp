#include "llm/ollama/front/instant_bridge.hpp"

#include <gtest/gtest.h>

#include <memory>

namespace segue::llm {
namespace {

BridgeContext context(bool sleeps) {
    BridgeContext made;
    Profile profile;
    profile.sleep_on_unload = sleeps;
    made.target.profile = std::make_shared<const Profile>(profile);
    made.target.traits = std::make_shared<EngineTraits>();
    return made;
}
LoadForm form(FinishReason reason) {
    return {OllamaEncoding::Shape::kChat, "m", reason};
}
Moment later() {
    Moment moment;
    moment.at += std::chrono::milliseconds(5);
    return moment;
}
EngineAnswer answer(int status, std::string body) {
    EngineAnswer made;
    made.status = status;
    made.body = std::move(body);
    return made;
}

TEST(OllamaLoad, AnswersAtOnceWithoutSleepMode) {  // C44, C45
    Output out;
    const auto calls =
        make_load_bridge(form(FinishReason::kUnload), context(false))->start({}, out);
    EXPECT_TRUE(calls && calls->empty());
    EXPECT_EQ(out.state, Output::State::kDone);
    EXPECT_EQ(out.content_type, "application/json; charset=utf-8");
    EXPECT_TRUE(out.bytes.ends_with(
        R"("message":{"role":"assistant","content":""},"done":true,"done_reason":"unload"})"));
}

TEST(OllamaLoad, WakesASleepingEngine) {  // C47
    Output out;
    const auto bridge = make_load_bridge(form(FinishReason::kLoad), context(true));
    const auto asked = bridge->start({}, out);
    ASSERT_EQ(asked->at(0).path, "/is_sleeping");
    EXPECT_EQ(asked->at(0).method, "GET");
    EXPECT_EQ(out.state, Output::State::kPending);
    const auto woken =
        bridge->on_answer(asked->at(0).id, answer(200, R"({"is_sleeping":true})"), {}, out);
    ASSERT_EQ(woken->at(0).path, "/wake_up");
    EXPECT_EQ(woken->at(0).method, "POST");
    EXPECT_TRUE(bridge->on_answer(woken->at(0).id, answer(200, ""), later(), out)->empty());
    EXPECT_TRUE(out.bytes.ends_with(
        R"("done_reason":"load","total_duration":5000000,"load_duration":5000000})"));
}

TEST(OllamaLoad, AServerWithoutDevelopmentRoutesIsFine) {
    Output out;
    const auto bridge = make_load_bridge(form(FinishReason::kUnload), context(true));
    const auto calls = bridge->start({}, out);
    ASSERT_EQ(calls->at(0).path, "/sleep?level=1");
    EXPECT_TRUE(bridge->on_answer(calls->at(0).id, answer(404, ""), {}, out)->empty());
    EXPECT_EQ(out.state, Output::State::kDone);
}

TEST(OllamaLoad, AFailedWakeUpIsAFailure) {
    Output out;
    const auto bridge = make_load_bridge(form(FinishReason::kLoad), context(true));
    const auto asked = bridge->start({}, out);
    const auto woken =
        bridge->on_answer(asked->at(0).id, answer(200, R"({"is_sleeping":true})"), {}, out);
    EXPECT_FALSE(bridge->on_answer(woken->at(0).id, answer(500, ""), {}, out));
}

TEST(OllamaInstant, GivesItsBody) {
    Output out;
    ASSERT_TRUE(make_instant_bridge("{}")->start({}, out));
    EXPECT_EQ(out.bytes, "{}");
    EXPECT_EQ(out.state, Output::State::kDone);
}

}  // namespace
}  // namespace segue::llm
