#include <gtest/gtest.h>

#include <chrono>
#include <functional>
#include <utility>

#include "llm/session.hpp"

namespace segue::llm {
namespace {

using std::chrono::milliseconds;

/// Bytes name the events: each character is one.
class FakeSession final : public EngineSession {
public:
    Outcome<std::vector<EngineCall>> start() override {
        std::vector<EngineCall> calls(1);
        calls[0].id = 7;
        calls[0].body = std::string(400, 'x');
        if (loses) declarations_.ignore("num_gpu", Loss::kSemantic);
        return calls;
    }
    Outcome<std::vector<EngineCall>> on_answer(std::uint32_t, EngineAnswer answer,
                                               Events& events) override {
        if (answer.status != 200)
            return refuse(Failure::Cause::kEngineFailed, "engine says no", answer.status);
        on_bytes(7, answer.body, events);
        return std::vector<EngineCall>{};
    }
    void on_bytes(std::uint32_t, std::string_view bytes, Events& events) override {
        for (const char c : bytes) {
            if (c == 'S') events.emplace_back(Started{});
            if (c == 'r') events.emplace_back(Reasoning{"r", 0});
            if (c == 't') events.emplace_back(Text{"t", 0});
            if (c == 'F') events.emplace_back(Finished{});
            if (c == 'L') events.emplace_back(Finished{FinishReason::kLoad, "", 0});
            if (c == 'U') {
                Usage usage;
                usage.prompt_tokens = 11;
                usage.completion_tokens = 22;
                events.emplace_back(usage);
            }
            if (c == 'Q') {
                Usage usage;
                usage.queue_ms = 4;
                events.emplace_back(usage);
            }
            if (c == 'E') events.emplace_back(Ended{});
            if (c == 'X') events.emplace_back(Failed{Failure{Failure::Cause::kBroken, "broke"}});
        }
    }
    void on_end(std::uint32_t, Events& events) override { events.emplace_back(Ended{}); }
    const Declarations& declarations() const override { return declarations_; }

    bool loses = false;

private:
    Declarations declarations_;
};

struct Told {
    Timings last;
    Usage usage;
};

class FakeEncoder final : public ResponseEncoder {
public:
    FakeEncoder(bool streams, Told& told) : streams_(streams), told_(told) {}
    bool streaming() const override { return streams_; }
    std::string_view content_type() const override { return "test/x"; }
    std::optional<Failure> encode(const Events& events, const Timings& timings,
                                  std::string& out) override {
        told_.last = timings;
        for (const Event& event : events) {
            if (std::holds_alternative<Started>(event)) out += "<";
            if (const auto* text = std::get_if<Text>(&event)) out += text->text;
            if (const auto* reasoning = std::get_if<Reasoning>(&event)) {
                if (refuse_reasoning) return Failure{Failure::Cause::kBroken, "no"};
                out += reasoning->text;
            }
            if (const auto* usage = std::get_if<Usage>(&event)) told_.usage.update(*usage);
            if (std::holds_alternative<Finished>(event)) out += ".";
            if (std::holds_alternative<Ended>(event)) out += ">";
        }
        return std::nullopt;
    }
    void keep_alive(std::string& out) override { out += "~"; }
    bool may_begin_with_keep_alive() const override { return may_begin; }
    bool may_begin = false;
    bool refuse_reasoning = false;

private:
    bool streams_;
    Told& told_;
};

class StopAtSecondText final : public EventFilter {
public:
    void apply(Events& in, Events& out) override {
        for (Event& event : in) {
            if (std::holds_alternative<Text>(event) && ++texts_ > 1) continue;
            out.push_back(event);
        }
    }
    bool satisfied() const override { return texts_ > 1; }

private:
    int texts_ = 0;
};

struct Rig {
    explicit Rig(bool streams, std::function<void(FakeSession&, FakeEncoder&)> set = {},
                 bool strict = false, std::vector<std::unique_ptr<EventFilter>> filters = {}) {
        auto session = std::make_unique<FakeSession>();
        auto encoder = std::make_unique<FakeEncoder>(streams, told);
        if (set) set(*session, *encoder);
        BridgeContext context;
        context.received = at(0);
        context.policy.strict = strict;
        Declarations front;
        front.ignore("mirostat", Loss::kHint);
        bridge = make_translating_bridge(Dialect::kOpenAi, std::move(context), std::move(session),
                                         std::move(filters), std::move(encoder), std::move(front));
    }
    static Moment at(int ms) { return {TimePoint(milliseconds(1000 + ms)), WallTime{}}; }

    Told told;
    std::unique_ptr<Bridge> bridge;
    Output out;
};

TEST(TranslatingBridge, StreamsAndMeasures) {
    Rig rig(true);
    ASSERT_EQ(rig.bridge->start(Rig::at(1), rig.out)->size(), 1U);
    rig.bridge->on_sent(7, Rig::at(10));
    rig.bridge->on_bytes(7, "SQ", Rig::at(20), rig.out);
    EXPECT_EQ(rig.out.state, Output::State::kPending);
    rig.bridge->on_bytes(7, "r", Rig::at(30), rig.out);
    EXPECT_EQ(rig.out.state, Output::State::kAnswering);
    EXPECT_EQ(rig.out.content_type, "test/x");
    rig.bridge->on_bytes(7, "ttF", Rig::at(50), rig.out);
    rig.bridge->on_bytes(7, "UE", Rig::at(60), rig.out);
    EXPECT_EQ(rig.out.state, Output::State::kDone);
    EXPECT_EQ(rig.out.bytes, "<rtt.>");
    EXPECT_EQ(rig.told.last.load, milliseconds(14));
    EXPECT_EQ(rig.told.last.prompt_eval, milliseconds(16));
    EXPECT_EQ(rig.told.last.eval, milliseconds(20));
    EXPECT_EQ(rig.told.last.total, milliseconds(60));
    EXPECT_EQ(rig.told.usage.completion_tokens, 22);
    const Observation& seen = rig.bridge->observation();
    EXPECT_EQ(seen.content_events, 3U);
    EXPECT_FALSE(seen.usage_estimated);
    EXPECT_EQ(seen.first_event, Rig::at(30).at);
    EXPECT_EQ(seen.finished, Rig::at(50).at);
    rig.bridge->on_end(7, Rig::at(70), rig.out);
    EXPECT_EQ(rig.out.bytes, "<rtt.>");
}

// The fault "clock jump": only the steady clock measures, whatever the wall clock says meanwhile.
TEST(TranslatingBridge, MeasuresTheSameWhenTheWallClockJumps) {
    const auto at = [](int ms, int days) {
        return Moment{Rig::at(ms).at, WallTime{} + std::chrono::hours(24 * days)};
    };
    Rig rig(true);
    ASSERT_TRUE(rig.bridge->start(at(1, 20'000), rig.out));
    rig.bridge->on_sent(7, at(10, 19'999));
    rig.bridge->on_bytes(7, "S", at(20, 20'365), rig.out);
    rig.bridge->on_bytes(7, "rtt", at(30, 1), rig.out);
    rig.bridge->on_bytes(7, "FUE", at(50, 20'000), rig.out);
    EXPECT_EQ(rig.out.bytes, "<rtt.>");
    EXPECT_EQ(rig.told.last.load, milliseconds(10));
    EXPECT_EQ(rig.told.last.prompt_eval, milliseconds(20));
    EXPECT_EQ(rig.told.last.eval, milliseconds(20));
    EXPECT_EQ(rig.told.last.total, milliseconds(50));
    EXPECT_EQ(rig.told.last.now.wall, at(50, 20'000).wall);
}

TEST(TranslatingBridge, TimingsHoldTogetherWhenEverythingComesAtOnce) {
    Rig rig(false);
    ASSERT_TRUE(rig.bridge->start(Rig::at(0), rig.out));
    rig.bridge->on_bytes(7, "QtFE", Rig::at(0), rig.out);
    const Timings& last = rig.told.last;
    EXPECT_GE(last.load, Duration(1));
    EXPECT_GE(last.prompt_eval, Duration(1));
    EXPECT_GE(last.eval, Duration(1000));
    EXPECT_LE(last.load + last.prompt_eval + last.eval, last.total);
}

TEST(TranslatingBridge, CountsDeltasWhenTheEngineDoesNot) {
    Rig rig(false);
    ASSERT_TRUE(rig.bridge->start(Rig::at(0), rig.out));
    rig.bridge->on_bytes(7, "Srtt", Rig::at(5), rig.out);
    EXPECT_EQ(rig.out.state, Output::State::kPending);
    rig.bridge->on_bytes(7, "FE", Rig::at(6), rig.out);
    EXPECT_EQ(rig.out.state, Output::State::kDone);
    EXPECT_EQ(rig.out.bytes, "<rtt.>");
    EXPECT_TRUE(rig.bridge->observation().usage_estimated);
    EXPECT_EQ(rig.told.usage.completion_tokens, 3);
    EXPECT_EQ(rig.told.usage.prompt_tokens, 100);
}

TEST(TranslatingBridge, InventsNoCountsForALoad) {
    Rig rig(false);
    ASSERT_TRUE(rig.bridge->start(Rig::at(0), rig.out));
    rig.bridge->on_bytes(7, "LE", Rig::at(5), rig.out);
    EXPECT_FALSE(rig.told.usage.prompt_tokens.has_value());
}

TEST(TranslatingBridge, FailsBeforeTheFirstByteAndBreaksAfterIt) {
    Rig before(true);
    ASSERT_TRUE(before.bridge->start(Rig::at(0), before.out));
    before.bridge->on_bytes(7, "SX", Rig::at(5), before.out);  // C111
    EXPECT_EQ(before.out.state, Output::State::kFailed);
    EXPECT_EQ(before.out.failure->message, "broke");
    EXPECT_TRUE(before.out.bytes.empty());

    Rig after(true);
    ASSERT_TRUE(after.bridge->start(Rig::at(0), after.out));
    after.bridge->on_bytes(7, "SttX", Rig::at(5), after.out);  // C109
    EXPECT_EQ(after.out.state, Output::State::kBroken);
    EXPECT_TRUE(after.out.bytes.starts_with("<tt"));
    EXPECT_NE(after.out.bytes.find("error"), std::string::npos);

    Rig single(false);
    ASSERT_TRUE(single.bridge->start(Rig::at(0), single.out));
    single.bridge->on_bytes(7, "SttX", Rig::at(5), single.out);
    EXPECT_EQ(single.out.state, Output::State::kFailed);
    EXPECT_TRUE(single.out.bytes.empty());

    Rig cut(true);
    ASSERT_TRUE(cut.bridge->start(Rig::at(0), cut.out));
    cut.bridge->on_bytes(7, "t", Rig::at(5), cut.out);
    cut.bridge->on_broken(Failure{Failure::Cause::kTimeout, "late"}, Rig::at(9), cut.out);
    EXPECT_EQ(cut.out.state, Output::State::kBroken);
}

TEST(TranslatingBridge, AFailedEncodingEndsTheAnswer) {
    Rig rig(true, [](FakeSession&, FakeEncoder& encoder) { encoder.refuse_reasoning = true; });
    ASSERT_TRUE(rig.bridge->start(Rig::at(0), rig.out));
    rig.bridge->on_bytes(7, "tr", Rig::at(5), rig.out);
    EXPECT_EQ(rig.out.state, Output::State::kBroken);  // C13
    EXPECT_TRUE(rig.out.bytes.starts_with("t"));
}

TEST(TranslatingBridge, AnEnginesRefusalIsTheAttemptsFailure) {
    Rig rig(true);
    ASSERT_TRUE(rig.bridge->start(Rig::at(0), rig.out));
    EngineAnswer answer;
    answer.status = 500;
    const auto calls = rig.bridge->on_answer(7, answer, Rig::at(5), rig.out);
    ASSERT_FALSE(calls);
    EXPECT_EQ(calls.error().status, 500);
}

TEST(TranslatingBridge, MergesDeclarationsAndKeepsStrictness) {
    const auto lose = [](FakeSession& session, FakeEncoder&) { session.loses = true; };
    Rig rig(true, lose);
    ASSERT_TRUE(rig.bridge->start(Rig::at(0), rig.out));
    EXPECT_EQ(rig.bridge->declarations().ignored(),
              (std::vector<std::string>{"mirostat", "num_gpu"}));
    Rig strict(true, lose, true);
    EXPECT_FALSE(strict.bridge->start(Rig::at(0), strict.out));
}

TEST(TranslatingBridge, CutsTheEngineOffWhenAFilterHasEnough) {
    std::vector<std::unique_ptr<EventFilter>> filters;
    filters.push_back(std::make_unique<StopAtSecondText>());
    Rig rig(true, {}, false, std::move(filters));
    ASSERT_TRUE(rig.bridge->start(Rig::at(0), rig.out));
    rig.bridge->on_bytes(7, "Stttt", Rig::at(5), rig.out);
    EXPECT_EQ(rig.out.state, Output::State::kDone);
    EXPECT_EQ(rig.out.bytes, "<t.>");
    EXPECT_EQ(rig.out.cancel, (std::vector<std::uint32_t>{7}));
    EXPECT_TRUE(rig.bridge->observation().usage_estimated);
}

TEST(TranslatingBridge, KeepsAliveWhereTheDialectAllows) {
    Rig silent(true);
    ASSERT_TRUE(silent.bridge->start(Rig::at(0), silent.out));
    silent.bridge->keep_alive(Rig::at(5), silent.out);
    EXPECT_EQ(silent.out.state, Output::State::kPending);
    silent.bridge->on_bytes(7, "t", Rig::at(6), silent.out);
    silent.bridge->keep_alive(Rig::at(7), silent.out);
    EXPECT_EQ(silent.out.bytes, "t~");

    Rig eager(true, [](FakeSession&, FakeEncoder& encoder) { encoder.may_begin = true; });
    ASSERT_TRUE(eager.bridge->start(Rig::at(0), eager.out));
    eager.bridge->on_bytes(7, "S", Rig::at(4), eager.out);
    eager.bridge->keep_alive(Rig::at(5), eager.out);
    EXPECT_EQ(eager.out.state, Output::State::kAnswering);
    EXPECT_EQ(eager.out.bytes, "<~");
}

}  // namespace
}  // namespace segue::llm
