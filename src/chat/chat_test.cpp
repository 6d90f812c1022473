// The chat over a real gateway, a rehearsal engine and a real database.
#include "chat/chat.hpp"

#include <gtest/gtest.h>

#include <atomic>
#include <thread>

#include "chat/engine_room.hpp"
#include "chat/json.hpp"
#include "engine/rehearsal/engine.hpp"
#include "gateway/gateway.hpp"
#include "llm/framing/sse.hpp"
#include "store/test_kit.hpp"

namespace segue::chat {
namespace {

using namespace std::chrono_literals;

/// Nobody asks it here.
class NoApi final : public gateway::OwnApi {
public:
    std::unique_ptr<gateway::OwnWork> begin(gateway::OwnRequest, gateway::OwnSink& sink) override {
        sink.answer({404, "", "", {}});
        return nullptr;
    }
    bool guarded(const net::RequestHead&) const override { return true; }
    std::size_t body_limit(const net::RequestHead&) const override { return 0; }
};

/// Finds every passage that shares a word of five letters with the question.
class FewPassages final : public Retrieval {
public:
    Result<Found> search(const Person&, std::string_view question,
                         const std::vector<std::string>& collections, std::size_t) override {
        asked = collections;
        if (broken) return fail(Fault::kUnreachable, "the store does not answer");
        Found found;
        found.vector = "unavailable";
        const std::pair<const char*, const char*> passages[] = {
            {"canteen", "Lunch is served in the canteen at noon."},
            {"parking", "Parking costs four euros a day."}};
        for (const auto& [word, text] : passages) {
            if (question.find(word) == std::string_view::npos) continue;
            Source source;
            source.n = static_cast<int>(found.sources.size()) + 1;
            source.title = "Handbook";
            source.collection = "handbook";
            source.text = text;
            found.sources.push_back(std::move(source));
        }
        return found;
    }
    Result<std::vector<std::string>> readable(const Person& person) override {
        if (person.role == "admin") return std::vector<std::string>{"handbook"};
        return std::vector<std::string>{};
    }
    std::vector<std::string> names(const std::vector<std::string>& collections) override {
        return collections;
    }
    std::vector<std::string> asked;
    bool broken = false;
};

class ChatTest : public ::testing::Test {
protected:
    void SetUp() override {
        SEGUE_NEEDS_DATABASE();
        store_ = std::make_unique<store::TestStore>();
        ASSERT_TRUE(store_->pool().execute("INSERT INTO person (name, role) VALUES ('a', 'user')"));
        anna_ = {std::get<0>(**store_->pool().one<std::int64_t>("SELECT id FROM person")), "a",
                 "user"};
    }
    void TearDown() override {
        chat_.reset();
        if (registry_) registry_->stop();
    }

    void start(engine::rehearsal::TimingProfile timing = engine::rehearsal::instant_profile(),
               bool with_engine = true, ChatOptions options = {}) {
        engine::RehearsalOptions rehearsal;
        rehearsal.dialect = llm::Dialect::kOpenAi;
        rehearsal.timing = timing;
        engine_ = std::move(*engine::RehearsalThread::start(rehearsal, "127.0.0.1:0"));
        auto aliases = gateway::AliasStore::open("");
        gateway_ = std::make_unique<gateway::Gateway>(clock_, api_, std::move(*aliases));
        engine::Registry::Options engines;
        if (with_engine) {
            engine::EngineConfig config;
            config.name = "first";
            config.dialect = llm::Dialect::kOpenAi;
            config.origin = *net::parse_origin(engine_->url(), 80);
            engines.engines.push_back(config);
        }
        registry_ = std::make_shared<engine::Registry>(engines, clock_);
        registry_->start();
        registry_->wait_for_first_probe(5s);
        gateway_->reload({}, registry_);
        chat_ = std::move(*Chat::open(*gateway_, store_->pool(), &retrieval_, options));
    }

    Started ask(const std::string& text, std::vector<std::string> collections = {},
                std::optional<std::string> parent = {}) {
        if (conversation_.empty()) conversation_ = chat_->archive().create(anna_, {})->id;
        Question question;
        question.text = text;
        question.collections = std::move(collections);
        question.parent = std::move(parent);
        auto started = chat_->ask(anna_, conversation_, question);
        EXPECT_TRUE(started) << started.error().detail;
        return *started;
    }
    Message wait(const std::string& id) {
        for (int i = 0; i < 2000; ++i) {
            const auto message = chat_->message(anna_, id);
            EXPECT_TRUE(message);
            if (message->state != Message::State::kRunning) return *message;
            std::this_thread::sleep_for(5ms);
        }
        ADD_FAILURE() << "the answer never ended";
        return {};
    }
    std::vector<std::string> events(const std::string& id) {
        const auto feed = chat_->follow(anna_, id);
        EXPECT_TRUE(feed);
        Feed::Follower follower(*feed, 0);
        std::string all;
        while (follower.read(1 << 20, all))
            std::this_thread::sleep_for(1ms);
        llm::SseSplitter splitter(1 << 20);
        std::vector<llm::SseEvent> found;
        splitter.feed(all, found);
        std::vector<std::string> names;
        for (const auto& event : found)
            if (names.empty() || names.back() != event.name) names.emplace_back(event.name);
        return names;
    }

    SystemClock clock_;
    NoApi api_;
    FewPassages retrieval_;
    std::unique_ptr<store::TestStore> store_;
    std::unique_ptr<engine::RehearsalThread> engine_;
    std::unique_ptr<gateway::Gateway> gateway_;
    std::shared_ptr<engine::Registry> registry_;
    std::unique_ptr<Chat> chat_;
    Person anna_;
    std::string conversation_;
};

using Names = std::vector<std::string>;

TEST_F(ChatTest, AnswersFromPassagesAndChecksTheMarks) {
    start();
    const auto started = ask("When does the canteen serve lunch?", {"handbook"});
    const auto answer = wait(started.answer.id);
    EXPECT_EQ(answer.text, "Lunch is served in the canteen at noon. [1]");
    EXPECT_EQ(answer.state, Message::State::kComplete);
    ASSERT_EQ(answer.citations.size(), 1U);
    EXPECT_EQ(answer.citations[0].finding, Citation::Finding::kSupported);
    ASSERT_TRUE(answer.record);
    EXPECT_EQ(answer.record->engine, "rehearsal");
    EXPECT_EQ(answer.record->engine_kind, "vllm");
    EXPECT_TRUE(answer.record->rehearsal);
    EXPECT_EQ(answer.record->model, "rehearsal");
    EXPECT_EQ(answer.record->finish_reason, "stop");
    EXPECT_GT(answer.record->tokens_in.value_or(0), 0);
    EXPECT_GT(answer.record->tokens_out.value_or(0), 0);
    EXPECT_TRUE(answer.record->first_token_ms);
    EXPECT_TRUE(answer.record->search_ms);
    EXPECT_FALSE(answer.record->request_id.empty());
    ASSERT_TRUE(answer.context);
    EXPECT_EQ(answer.context->counted_by, ContextReport::Counter::kEngine);
    EXPECT_EQ(retrieval_.asked, Names{"handbook"});
    EXPECT_EQ(events(answer.id), (Names{"started", "searching", "sources", "context", "waiting",
                                        "engine", "text", "usage", "finished"}));
    EXPECT_EQ(chat_->archive().find(anna_, conversation_)->title,
              "When does the canteen serve lunch?");
}

TEST_F(ChatTest, NoPassageNoInvention) {
    start();
    const auto answer = wait(ask("What about trains?", {"handbook"}).answer.id);
    EXPECT_EQ(answer.kind, Message::Kind::kNothingFound);
    EXPECT_EQ(answer.state, Message::State::kComplete);
    EXPECT_EQ(answer.text, "");
    EXPECT_FALSE(answer.record);
}

TEST_F(ChatTest, WithoutAnEngineThePassagesAreTheAnswer) {
    start(engine::rehearsal::instant_profile(), false);
    const auto answer = wait(ask("Where is the canteen?").answer.id);
    EXPECT_EQ(answer.kind, Message::Kind::kPassages);
    EXPECT_EQ(answer.state, Message::State::kComplete);
    EXPECT_EQ(answer.text, "");
    EXPECT_EQ(answer.sources.size(), 1U);
    ASSERT_TRUE(answer.trouble);
    EXPECT_EQ(answer.trouble->status, 503);
    // Nothing matches either: that is said, and no answer is made up.
    const auto nothing = wait(ask("Do express trains leave tomorrow?", {}, answer.id).answer.id);
    EXPECT_EQ(nothing.kind, Message::Kind::kText);
    EXPECT_EQ(nothing.state, Message::State::kIncomplete);
    EXPECT_EQ(nothing.text, "");
    EXPECT_TRUE(nothing.trouble);
}

TEST_F(ChatTest, AnEngineThatDiesMeanwhileIsNoEngine) {
    start();
    engine_.reset();
    const auto answer = wait(ask("Where is the canteen?", {"handbook"}).answer.id);
    EXPECT_EQ(answer.kind, Message::Kind::kPassages) << answer.text;
    ASSERT_TRUE(answer.trouble);
    EXPECT_GE(answer.trouble->status, 502);
}

TEST_F(ChatTest, ABrokenSearchIsSaidAndKept) {
    start();
    retrieval_.broken = true;
    const auto answer = wait(ask("Where is the canteen?", {"handbook"}).answer.id);
    EXPECT_EQ(answer.state, Message::State::kIncomplete);
    ASSERT_TRUE(answer.trouble);
    EXPECT_EQ(answer.trouble->detail, "the store does not answer");
    EXPECT_EQ(events(answer.id).back(), "failed");
}

TEST_F(ChatTest, StopsAndGoesOn) {
    engine::rehearsal::TimingProfile slow;
    slow.ttft_ms = 1;
    slow.tokens_per_second = 20;
    start(slow);
    const auto started = ask("When does the canteen serve lunch?", {"handbook"});
    for (int i = 0; i < 1000 && chat_->message(anna_, started.answer.id)->text.empty(); ++i)
        std::this_thread::sleep_for(2ms);
    // Whoever asks twice waits for the first answer, or stops it.
    Question early;
    early.text = "and?";
    early.parent = started.answer.id;
    EXPECT_EQ(chat_->ask(anna_, conversation_, early).error().fault, Fault::kConflict);
    const auto stopped = chat_->stop_answer(anna_, started.answer.id);
    ASSERT_TRUE(stopped);
    EXPECT_EQ(stopped->state, Message::State::kStopped);
    EXPECT_FALSE(stopped->text.empty());
    EXPECT_LT(stopped->text.size(), 40U);
    EXPECT_EQ(stopped->record->finish_reason, "stopped");
    const auto kept = chat_->archive().message(anna_, started.answer.id);
    EXPECT_EQ(kept->text, stopped->text);

    ASSERT_TRUE(chat_->go_on(anna_, started.answer.id));
    const auto whole = wait(started.answer.id);
    EXPECT_EQ(whole.state, Message::State::kComplete);
    EXPECT_TRUE(whole.text.starts_with(stopped->text));
    EXPECT_EQ(whole.text, "Lunch is served in the canteen at noon. [1]");
    EXPECT_EQ(chat_->go_on(anna_, started.answer.id).error().fault, Fault::kConflict);
}

TEST_F(ChatTest, AgainIsABranchAndAConversationGoesWithItsAnswers) {
    engine::rehearsal::TimingProfile slow;
    slow.tokens_per_second = 5;
    start(slow);
    const auto started = ask("Hello?");
    const auto again = chat_->ask_again(anna_, started.answer.id, "");
    ASSERT_TRUE(again);
    EXPECT_EQ(again->siblings.size(), 2U);
    EXPECT_EQ(chat_->running(), 2U);
    ASSERT_TRUE(chat_->remove(anna_, conversation_));
    EXPECT_EQ(chat_->message(anna_, started.answer.id).error().fault, Fault::kNotFound);
    EXPECT_EQ(chat_->follow(anna_, again->id).error().fault, Fault::kNotFound);
    for (int i = 0; i < 1000 && chat_->running() > 0; ++i)
        std::this_thread::sleep_for(5ms);
    EXPECT_EQ(chat_->running(), 0U);
}

TEST_F(ChatTest, TheGatewayIsAskedLikeByAnyClient) {
    start();
    wait(ask("Hello?").answer.id);
    const std::string metrics = gateway_->metrics().render();
    EXPECT_NE(metrics.find("segue_requests_total{front=\"openai\",endpoint=\"chat\""),
              std::string::npos);
    EXPECT_NE(metrics.find("engine=\"first\",status=\"200\"} 1"), std::string::npos) << metrics;
}

TEST_F(ChatTest, AFollowerMayComeAtAnyTime) {
    start();
    const auto started = ask("When does the canteen serve lunch?", {"handbook"});
    const auto during = events(started.answer.id);
    const auto after = events(started.answer.id);
    EXPECT_EQ(during.back(), "finished");
    EXPECT_EQ(after.back(), "finished");
    // Another process, later: what is kept, as one last event.
    chat_.reset();
    chat_ = std::move(*Chat::open(*gateway_, store_->pool(), &retrieval_));
    EXPECT_EQ(events(started.answer.id), Names{"finished"});
}

TEST_F(ChatTest, ASteadyHandAtTheEnd) {
    engine::rehearsal::TimingProfile slow;
    slow.tokens_per_second = 2;
    start(slow);
    const auto started = ask("When does the canteen serve lunch?", {"handbook"});
    std::this_thread::sleep_for(50ms);
    chat_->stop();
    const auto kept = chat_->archive().message(anna_, started.answer.id);
    ASSERT_TRUE(kept);
    EXPECT_EQ(kept->state, Message::State::kIncomplete);
    ASSERT_TRUE(kept->trouble);
    EXPECT_EQ(kept->trouble->title, "Interrupted");
}

TEST_F(ChatTest, WhatAnotherSegueWritesIsFollowedThroughTheStore) {
    start();
    conversation_ = chat_->archive().create(anna_, {})->id;
    Question question;
    question.text = "q";
    auto other = chat_->archive().ask(anna_, conversation_, question)->answer;  // nobody's here
    other.text = "half";
    ASSERT_TRUE(chat_->archive().save_progress(other));
    const auto feed = *chat_->follow(anna_, other.id);
    Feed::Follower follower(feed, 0);
    std::string all;
    EXPECT_TRUE(follower.read(1 << 20, all));
    EXPECT_NE(all.find("half"), std::string::npos);
    other.text = "half and the rest";
    other.state = Message::State::kComplete;
    ASSERT_TRUE(chat_->archive().save(other));
    all.clear();
    for (int i = 0; i < 1000 && follower.read(1 << 20, all); ++i)
        std::this_thread::sleep_for(10ms);
    EXPECT_NE(all.find(" and the rest"), std::string::npos);
    EXPECT_NE(all.find("event: finished"), std::string::npos);
}

TEST_F(ChatTest, ASharedAnswerShowsPassagesToThoseWhoMayReadThem) {
    start();
    const auto answer = wait(ask("When does the canteen serve lunch?", {"handbook"}).answer.id);
    const auto share = chat_->archive().share(anna_, conversation_, {});
    ASSERT_TRUE(share);
    const auto seen_by = [&](const char* role) {
        const auto shared = chat_->shared({anna_.id + 1, "b", role}, share->token);
        EXPECT_TRUE(shared);
        return shared->messages.back();
    };
    EXPECT_EQ(seen_by("admin").sources[0].text, "Lunch is served in the canteen at noon.");
    EXPECT_EQ(seen_by("user").sources[0].text, "");
    EXPECT_EQ(seen_by("user").sources[0].title, "");
    EXPECT_EQ(seen_by("user").sources[0].n, 1);
    EXPECT_EQ(seen_by("user").text, answer.text);
}

TEST_F(ChatTest, NobodyTakesAllPlaces) {
    engine::rehearsal::TimingProfile slow;
    slow.tokens_per_second = 2;
    ChatOptions options;
    options.running_for_person = 2;
    start(slow, true, options);
    const auto first = ask("one?");
    EXPECT_TRUE(chat_->ask_again(anna_, first.answer.id, ""));
    const auto third = chat_->ask_again(anna_, first.answer.id, "");
    ASSERT_FALSE(third);
    EXPECT_EQ(third.error().fault, Fault::kConflict);
}

TEST_F(ChatTest, TokensAreCountedByTheEngine) {
    start();
    auto room = std::move(*EngineRoom::open(*gateway_));
    llm::Message hello;
    hello.role = "user";
    hello.parts.emplace_back(llm::TextPart{"hello there"});
    const auto count = room->count("rehearsal", {hello}, "chat");
    ASSERT_TRUE(count);
    EXPECT_GT(*count, 1);
    EXPECT_FALSE(room->count("nothing", {hello}, "chat"));
}

}  // namespace
}  // namespace segue::chat
