#include "engine/registry.hpp"

#include <gtest/gtest.h>

#include <set>

namespace segue::engine {
namespace {

EngineConfig engine_config(std::string name, llm::Dialect dialect) {
    EngineConfig config;
    config.name = std::move(name);
    config.dialect = dialect;
    config.origin.host = "127.0.0.1";
    config.origin.port = 9;
    return config;
}

EngineFacts up(llm::Dialect dialect, std::vector<std::string> models) {
    EngineFacts facts;
    facts.state = EngineFacts::State::kUp;
    facts.dialect = dialect;
    for (auto& model : models)
        facts.models.push_back({std::move(model), "", 1024, {}, "", "", {}});
    return facts;
}

class RegistryTest : public ::testing::Test {
protected:
    void build() {
        registry_ = std::make_unique<Registry>(options_, clock_);
        for (const auto& engine : registry_->engines())
            registry_->set_facts(*engine,
                                 engine->config().dialect == llm::Dialect::kOllama
                                     ? up(llm::Dialect::kOllama, {"llama3.1:8b", "mistral:latest"})
                                     : up(llm::Dialect::kOpenAi, {"meta/Llama-3.1-8B"}));
    }
    Registry::Options two_engines() {
        Registry::Options options;
        options.engines = {engine_config("vllm", llm::Dialect::kOpenAi),
                           engine_config("ollama", llm::Dialect::kOllama)};
        return options;
    }
    /// What a probe reads of one engine's metrics now.
    void tell_load(std::size_t position, double running, double waiting) {
        Engine& engine = *registry_->engines()[position];
        EngineFacts facts = *engine.facts();
        facts.load.running = running;
        facts.load.waiting = waiting;
        facts.load.read = clock_.now();
        facts.load.own = engine.in_flight();
        registry_->set_facts(engine, std::move(facts));
    }
    std::string first_engine(std::string_view model) {
        const auto resolution = registry_->resolve(model);
        return resolution.candidates.empty() ? "" : resolution.candidates.front().engine->name();
    }
    Registry::Options options_;
    FakeClock clock_;
    std::unique_ptr<Registry> registry_;
};

TEST_F(RegistryTest, NamesAreLenient) {
    options_ = two_engines();
    options_.models.push_back(
        {"Llama3.1:8b", {{"vllm", "meta/Llama-3.1-8B", 0}, {"ollama", "llama3.1:8b", 1}}});
    build();
    for (const char* name :
         {"llama3.1:8b", "LLAMA3.1:8B", "library/llama3.1:8b", " llama3.1:8b "}) {
        const auto found = registry_->resolve(name);
        ASSERT_EQ(found.kind, Resolution::Kind::kFound) << name;
        ASSERT_EQ(found.candidates.size(), 2U);
        EXPECT_EQ(found.candidates[0].target.served_model, "meta/Llama-3.1-8B");
        EXPECT_EQ(found.candidates[1].target.dialect, llm::Dialect::kOllama);
        EXPECT_TRUE(found.healthy);
    }
    EXPECT_EQ(first_engine("meta/Llama-3.1-8B"), "vllm");
    EXPECT_EQ(first_engine("mistral"), "ollama");
    EXPECT_EQ(registry_->resolve("nope").kind, Resolution::Kind::kUnknown);
    EXPECT_EQ(registry_->resolve("///bad name").kind, Resolution::Kind::kInvalidName);
    ASSERT_EQ(registry_->client_models().size(), 1U);
    EXPECT_EQ(registry_->client_models()[0].name, "llama3.1:8b");
}

TEST_F(RegistryTest, DownEnginesComeLastAndBackendDecides) {
    options_ = two_engines();
    options_.models.push_back({"m", {{"vllm", "meta/Llama-3.1-8B", 0}, {"ollama", "mistral", 1}}});
    build();
    EXPECT_EQ(first_engine("m"), "vllm");
    EngineFacts down = up(llm::Dialect::kOpenAi, {"meta/Llama-3.1-8B"});
    down.state = EngineFacts::State::kDown;
    registry_->set_facts(*registry_->engines()[0], down);
    EXPECT_EQ(first_engine("m"), "ollama");
    EXPECT_EQ(registry_->resolve("m").candidates.size(), 2U);
    options_.backend = Backend::kVllm;
    build();
    EXPECT_EQ(registry_->resolve("m").candidates.size(), 1U);
    EXPECT_EQ(first_engine("m"), "vllm");
}

TEST_F(RegistryTest, LeastLoadedOfOnePriority) {
    options_.engines = {engine_config("a", llm::Dialect::kOpenAi),
                        engine_config("b", llm::Dialect::kOpenAi)};
    build();
    const auto visit = registry_->engines()[0]->enter(clock_.now());
    EXPECT_EQ(first_engine("meta/Llama-3.1-8B"), "b");
    tell_load(0, 1, 0);
    tell_load(1, 1, 2);
    EXPECT_EQ(first_engine("meta/Llama-3.1-8B"), "a");
    EXPECT_TRUE(registry_->resolve("meta/Llama-3.1-8B").by_figures);
}

TEST_F(RegistryTest, OnesOwnRequestsAreNotCountedTwice) {
    options_.engines = {engine_config("a", llm::Dialect::kOpenAi)};
    build();
    const Engine& a = *registry_->engines()[0];
    auto first = registry_->engines()[0]->enter(clock_.now());
    auto second = registry_->engines()[0]->enter(clock_.now());
    tell_load(0, 5, 0);  // read while two of ours were there: three are others'
    EXPECT_EQ(a.figures(a.facts()->load, clock_.now())->others, 3);
    first->leave(clock_.now(), {});
    EXPECT_EQ(a.figures(a.facts()->load, clock_.now())->others, 3);
    tell_load(0, 0, 0);  // ours was not yet seen there
    EXPECT_EQ(a.figures(a.facts()->load, clock_.now())->others, 0);
}

TEST_F(RegistryTest, StaleFiguresAreNotUsed) {
    options_.engines = {engine_config("a", llm::Dialect::kOpenAi),
                        engine_config("b", llm::Dialect::kOpenAi)};
    build();
    const Engine& a = *registry_->engines()[0];
    const auto signal = [&] { return a.signal(a.facts()->load, clock_.now()); };
    EXPECT_EQ(signal(), LoadSignal::kMissing);
    EXPECT_FALSE(Engine::age(a.facts()->load, clock_.now()));
    tell_load(0, 0, 0);
    tell_load(1, 9, 0);
    const auto visit = registry_->engines()[0]->enter(clock_.now());
    EXPECT_EQ(signal(), LoadSignal::kFresh);
    EXPECT_EQ(first_engine("meta/Llama-3.1-8B"), "a");
    clock_.advance(std::chrono::seconds(17));  // three probes of 5 s and one time-out of 2 s
    EXPECT_EQ(signal(), LoadSignal::kFresh);
    clock_.advance(std::chrono::seconds(1));
    EXPECT_EQ(signal(), LoadSignal::kStale);
    EXPECT_EQ(*Engine::age(a.facts()->load, clock_.now()), Duration(std::chrono::seconds(18)));
    EXPECT_FALSE(a.figures(a.facts()->load, clock_.now()));
    EXPECT_EQ(first_engine("meta/Llama-3.1-8B"), "b") << "back to what Segue itself has there";
    EXPECT_FALSE(registry_->resolve("meta/Llama-3.1-8B").by_figures);
}

TEST_F(RegistryTest, AffinityFollowsTheKey) {
    options_.engines = {engine_config("a", llm::Dialect::kOpenAi),
                        engine_config("b", llm::Dialect::kOpenAi)};
    build();
    Random random(1);
    std::set<std::string> seen;
    for (std::uint64_t key = 1; key <= 20; ++key) {
        const Asker asker{random, [&] { return key; }};
        const auto first = registry_->resolve("meta/Llama-3.1-8B", &asker);
        seen.insert(first.candidates.front().engine->name());
        for (int turn = 0; turn < 5; ++turn)
            EXPECT_EQ(registry_->resolve("meta/Llama-3.1-8B", &asker).candidates.front().engine,
                      first.candidates.front().engine);
    }
    EXPECT_EQ(seen.size(), 2U);
}

TEST_F(RegistryTest, RoundRobinSurvivesNewFacts) {
    options_.engines = {engine_config("a", llm::Dialect::kOpenAi),
                        engine_config("b", llm::Dialect::kOpenAi)};
    options_.models.push_back({"m", {{"a", "x", 0}, {"b", "x", 0}}});
    options_.models.back().balance.balance = Balance::kRoundRobin;
    build();
    Random random(1);
    const Asker asker{random, {}};
    std::string order;
    for (int i = 0; i < 6; ++i) {
        order += registry_->resolve("m", &asker).candidates.front().engine->name();
        registry_->set_facts(*registry_->engines()[0], up(llm::Dialect::kOpenAi, {"x"}));
    }
    EXPECT_EQ(order, "ababab");
}

TEST_F(RegistryTest, EjectsAfterThreeFailuresAndLetsOneTryAgain) {
    options_.engines = {engine_config("a", llm::Dialect::kOpenAi),
                        engine_config("b", llm::Dialect::kOpenAi)};
    build();
    Engine& a = *registry_->engines()[0];
    using Kind = Breaker::Verdict::Kind;
    for (int i = 0; i < 3; ++i) {
        EXPECT_EQ(first_engine("meta/Llama-3.1-8B"), "a");
        a.enter(clock_.now())->leave(clock_.now(), {Kind::kFailed, EngineFault::kConnect, ""});
    }
    EXPECT_EQ(a.in_flight(), 0);
    EXPECT_FALSE(a.admits(clock_.now()));
    EXPECT_EQ(first_engine("meta/Llama-3.1-8B"), "b");
    EXPECT_EQ(registry_->resolve("meta/Llama-3.1-8B").candidates.size(),
              2U);  // never an empty pool
    clock_.advance(std::chrono::seconds(2));
    auto first = a.enter(clock_.now());
    auto second = a.enter(clock_.now());
    ASSERT_TRUE(first && second);
    EXPECT_FALSE(a.admits(clock_.now()));  // half-open: two at a time
    first->leave(clock_.now(), {Kind::kGood, {}, ""});
    second->leave(clock_.now(), {Kind::kGood, {}, ""});
    EXPECT_TRUE(a.admits(clock_.now()));
}

TEST_F(RegistryTest, TheLeastBadIsTriedWhenAllAreOut) {
    options_.engines = {engine_config("a", llm::Dialect::kOpenAi),
                        engine_config("b", llm::Dialect::kOpenAi),
                        engine_config("c", llm::Dialect::kOpenAi)};
    build();
    const auto eject = [&](std::size_t position) {
        for (int i = 0; i < 3; ++i)
            registry_->engines()[position]
                ->enter(clock_.now())
                ->leave(clock_.now(), {Breaker::Verdict::Kind::kFailed, EngineFault::kConnect, ""});
    };
    EngineFacts down = up(llm::Dialect::kOpenAi, {"meta/Llama-3.1-8B"});
    down.state = EngineFacts::State::kDown;
    registry_->set_facts(*registry_->engines()[0], down);
    eject(2);
    clock_.advance(std::chrono::milliseconds(500));
    eject(1);
    const auto found = registry_->resolve("meta/Llama-3.1-8B");
    EXPECT_FALSE(found.healthy);
    std::string order;
    for (const auto& candidate : found.candidates)
        order += candidate.engine->name();
    EXPECT_EQ(order, "cba");  // up before down, then the one whose time is over sooner
}

TEST_F(RegistryTest, StandInsAnswerOnlyWhileNothingElseIsUp) {
    options_.engines = {engine_config("vllm", llm::Dialect::kOpenAi),
                        engine_config("play", llm::Dialect::kOpenAi)};
    options_.engines[1].stand_in = true;
    options_.models.push_back({"*", {{"play", "rehearsal", 0}}});
    build();
    registry_->set_facts(*registry_->engines()[1], up(llm::Dialect::kOpenAi, {"rehearsal"}));
    EXPECT_EQ(registry_->resolve("anything").kind, Resolution::Kind::kUnknown);
    EngineFacts down;
    down.state = EngineFacts::State::kDown;
    registry_->set_facts(*registry_->engines()[0], down);
    EXPECT_EQ(first_engine("anything"), "play");
}

TEST_F(RegistryTest, AliasesOfAliasesAndLoops) {
    options_ = two_engines();
    build();
    auto profile = std::make_shared<llm::Profile>();
    profile->system = "Be brief.";
    registry_->set_aliases({{"outer:latest", "inner", nullptr, {}, ""},
                            {"inner:latest", "llama3.1:8b", profile, {}, ""},
                            {"mistral:latest", "llama3.1:8b", nullptr, {}, ""},
                            {"one:latest", "two", nullptr, {}, ""},
                            {"two:latest", "one", nullptr, {}, ""}});
    for (const char* name : {"outer", "inner", "INNER:latest"}) {
        const auto found = registry_->resolve(name);
        ASSERT_EQ(found.candidates.size(), 1U) << name;
        EXPECT_EQ(found.candidates[0].target.profile->system, "Be brief.") << name;
    }
    EXPECT_EQ(registry_->resolve("mistral").candidates[0].target.served_model, "llama3.1:8b")
        << "an alias wins over a served name";
    EXPECT_NO_FATAL_FAILURE((void)registry_->resolve("one"));
}

TEST_F(RegistryTest, ATargetWithoutAModelServesTheConfiguredSpelling) {
    options_ = two_engines();
    options_.models.push_back({"Meta/Llama-3.1-8B", {{"vllm", "", 0}}});
    build();
    EXPECT_EQ(registry_->resolve("meta/LLAMA-3.1-8b").candidates[0].target.served_model,
              "Meta/Llama-3.1-8B");
}

TEST_F(RegistryTest, AliasesPointToNames) {
    options_ = two_engines();
    build();
    auto profile = std::make_shared<llm::Profile>();
    profile->system = "Be brief.";
    registry_->set_aliases({{"brief:latest", "llama3.1:8b", profile, {}, ""}});
    const auto found = registry_->resolve("brief");
    ASSERT_EQ(found.candidates.size(), 1U);
    EXPECT_EQ(found.candidates[0].target.profile->system, "Be brief.");
    EXPECT_EQ(found.candidates[0].target.served_model, "llama3.1:8b");
}

TEST_F(RegistryTest, ADrainedEngineIsNoCandidateForARequest) {
    options_ = two_engines();
    options_.models.push_back({"m", {{"vllm", "x", 0}, {"ollama", "y", 1}}});
    build();
    Random random{7};
    const Asker asker{random, {}};
    Engine& vllm = *registry_->find_engine("vllm");
    EXPECT_TRUE(vllm.set_drained(true, clock_.now(), "ada"));
    EXPECT_FALSE(vllm.set_drained(true, clock_.now(), "ada"));
    auto asked = registry_->resolve("m", &asker);
    ASSERT_EQ(asked.candidates.size(), 1U);
    EXPECT_EQ(asked.candidates.front().engine->name(), "ollama");
    EXPECT_FALSE(asked.drained);
    EXPECT_EQ(registry_->resolve("m").candidates.size(), 2U) << "lists still know it";
    EXPECT_EQ(first_engine("m"), "ollama");

    registry_->find_engine("ollama")->set_drained(true, clock_.now(), "ada");
    asked = registry_->resolve("m", &asker);
    EXPECT_EQ(asked.kind, Resolution::Kind::kFound);
    EXPECT_TRUE(asked.candidates.empty());
    EXPECT_TRUE(asked.drained);
    EXPECT_FALSE(asked.healthy);

    vllm.set_drained(false, clock_.now(), "ben");
    EXPECT_EQ(registry_->resolve("m", &asker).candidates.front().engine->name(), "vllm");
    const auto log = vllm.log().newest();
    ASSERT_EQ(log.size(), 2U);
    EXPECT_EQ(log[0].kind, EngineChange::Kind::kResumed);
    EXPECT_EQ(log[0].detail, "ben");
    EXPECT_EQ(log[1].kind, EngineChange::Kind::kDrained);
}

TEST_F(RegistryTest, WhatIsKnownOfAnEngineOutlivesItsConfiguration) {
    options_ = two_engines();
    build();
    registry_->find_engine("vllm")->set_drained(true, clock_.now(), "ada");
    Registry::Options changed = two_engines();
    changed.engines[0].api_key = "other";
    const Registry next(changed, clock_, registry_.get());
    const auto vllm = next.find_engine("vllm");
    EXPECT_NE(vllm, registry_->find_engine("vllm"));
    EXPECT_TRUE(vllm->drained());
    EXPECT_EQ(vllm->log().newest().size(), 1U);
    EXPECT_EQ(next.find_engine("ollama"), registry_->find_engine("ollama"));
    EXPECT_EQ(next.find_engine("none"), nullptr);
}

TEST_F(RegistryTest, AProbeThatIsAskedForDoesNotWaitForItsTurn) {
    options_ = two_engines();
    for (auto& engine : options_.engines)
        engine.probe_interval = std::chrono::hours(1);
    Registry registry(options_, clock_);
    registry.start();
    registry.wait_for_first_probe(std::chrono::seconds(20));
    const auto& engine = *registry.find_engine("vllm");
    EXPECT_EQ(engine.log().newest().size(), 1U) << "nothing listens there: down";
    const auto before = engine.facts();
    ASSERT_TRUE(registry.probe_now(engine, std::chrono::seconds(20)));
    EXPECT_NE(engine.facts(), before);
    EXPECT_EQ(engine.log().newest().size(), 1U) << "no change, no entry";
    registry.stop();
    EXPECT_FALSE(registry.probe_now(engine, std::chrono::seconds(20))) << "nobody asks any more";
}

TEST_F(RegistryTest, WildcardsAndTheDefault) {
    options_ = two_engines();
    options_.models.push_back({"gpt-*", {{"vllm", "meta/Llama-3.1-8B", 0}}});
    options_.default_model = "gpt-4o";
    build();
    EXPECT_EQ(first_engine("gpt-4o-mini"), "vllm");
    EXPECT_EQ(first_engine(""), "vllm");
    EXPECT_EQ(first_engine("not-listed"),
              "ollama");  // it may be able to load it: its own to refuse
}

}  // namespace
}  // namespace segue::engine
