#include "chat/archive.hpp"

#include <gtest/gtest.h>

#include <algorithm>
#include <set>

#include "store/test_kit.hpp"

namespace segue::chat {
namespace {

class ArchiveTest : public ::testing::Test {
protected:
    void SetUp() override {
        SEGUE_NEEDS_DATABASE();
        store_ = std::make_unique<store::TestStore>();
        archive_ = std::make_unique<Archive>(store_->pool());
        anna_ = add("anna");
        ben_ = add("ben");
    }
    Person add(const std::string& name) {
        const auto id = store_->pool().one<std::int64_t>("SELECT 0");
        (void)id;
        EXPECT_TRUE(
            store_->pool().execute("INSERT INTO person (name, role) VALUES ($1, 'user')", name));
        const auto row =
            store_->pool().one<std::int64_t>("SELECT id FROM person WHERE name = $1", name);
        return {std::get<0>(**row), name, "user"};
    }
    std::string conversation(const Person& person) { return archive_->create(person, {})->id; }
    Started ask(const std::string& conversation, const std::string& text,
                std::optional<std::string> parent = {}) {
        Question question;
        question.text = text;
        question.parent = std::move(parent);
        auto started = archive_->ask(anna_, conversation, question);
        EXPECT_TRUE(started) << started.error().detail;
        return *started;
    }
    Message answer(Message running, const std::string& text) {
        running.text = text;
        running.state = Message::State::kComplete;
        EXPECT_TRUE(archive_->save(running));
        return running;
    }

    std::unique_ptr<store::TestStore> store_;
    std::unique_ptr<Archive> archive_;
    Person anna_;
    Person ben_;
};

std::vector<std::string> texts(const Branch& branch) {
    std::vector<std::string> out;
    for (const auto& message : branch.messages)
        out.push_back(message.text);
    return out;
}
using Texts = std::vector<std::string>;

TEST_F(ArchiveTest, KeepsATree) {
    const auto id = conversation(anna_);
    const auto first = ask(id, "What is Segue?");
    EXPECT_EQ(first.answer.state, Message::State::kRunning);
    EXPECT_EQ(archive_->list(anna_, {})->conversations[0].answering, true);
    // No question behind an answer that is being written.
    Question early;
    early.text = "and?";
    early.parent = first.answer.id;
    EXPECT_EQ(archive_->ask(anna_, id, early).error().fault, Fault::kConflict);
    answer(first.answer, "A gateway.");
    const auto second = ask(id, "How fast?", first.answer.id);
    answer(second.answer, "Fast.");
    EXPECT_EQ(texts(*archive_->branch(anna_, id, "", "", 100)),
              (Texts{"What is Segue?", "A gateway.", "How fast?", "Fast."}));

    // Editing the second question is a branch; the old one stays reachable.
    const auto edited = ask(id, "How small?", first.answer.id);
    answer(edited.answer, "Small.");
    auto branch = *archive_->branch(anna_, id, "", "", 100);
    EXPECT_EQ(texts(branch), (Texts{"What is Segue?", "A gateway.", "How small?", "Small."}));
    EXPECT_EQ(branch.messages[2].siblings,
              (std::vector<std::string>{second.question.id, edited.question.id}));
    EXPECT_EQ(texts(*archive_->branch(anna_, id, second.question.id, "", 100)),
              (Texts{"What is Segue?", "A gateway.", "How fast?", "Fast."}));

    // Made again: beside the old answer, and shown.
    const auto again = archive_->ask_again(anna_, first.answer.id, "other");
    ASSERT_TRUE(again);
    EXPECT_EQ(again->answer.model, "other");
    EXPECT_EQ(again->answer.siblings.size(), 2U);
    EXPECT_EQ(again->question.id, first.question.id);
    EXPECT_EQ(archive_->find(anna_, id)->leaf, again->answer.id);
    EXPECT_EQ(archive_->find(anna_, id)->messages, 7);
    EXPECT_EQ(archive_->tree(anna_, id)->size(), 7U);
    EXPECT_EQ(archive_->ask_again(anna_, first.question.id, "").error().fault, Fault::kInvalid);
    ConversationChange back;
    back.leaf = edited.answer.id;
    EXPECT_EQ(archive_->change(anna_, id, back)->leaf, edited.answer.id);
    back.leaf = "nothing";
    EXPECT_EQ(archive_->change(anna_, id, back).error().fault, Fault::kNotFound);
}

TEST_F(ArchiveTest, ALongBranchComesInPieces) {
    const auto id = conversation(anna_);
    ASSERT_TRUE(store_->pool().execute(
        "INSERT INTO message (id, conversation, parent, role, state, text) SELECT 'm' || n, $1, "
        "CASE WHEN n > 1 THEN 'm' || (n - 1) END, CASE WHEN n % 2 = 1 THEN 'user' ELSE 'assistant' "
        "END, 'complete', 'text ' || n FROM generate_series(1, 10000) n",
        id));
    ASSERT_TRUE(
        store_->pool().execute("UPDATE conversation SET leaf = 'm10000' WHERE id = $1", id));
    auto last = *archive_->branch(anna_, id, "", "", 200);
    ASSERT_EQ(last.messages.size(), 200U);
    EXPECT_EQ(last.messages.back().id, "m10000");
    EXPECT_EQ(last.earlier, "m9801");
    auto earlier = *archive_->branch(anna_, id, "", *last.earlier, 200);
    ASSERT_EQ(earlier.messages.size(), 200U);
    EXPECT_EQ(earlier.messages.back().id, "m9800");
    auto first = *archive_->branch(anna_, id, "m5", "m4", 200);
    EXPECT_EQ(first.messages.size(), 3U);
    EXPECT_FALSE(first.earlier);
    ASSERT_TRUE(archive_->remove(anna_, id));
    EXPECT_EQ(std::get<0>(**store_->pool().one<std::int64_t>("SELECT count(*) FROM message")), 0);
}

TEST_F(ArchiveTest, WhatIsSomebodyElsesDoesNotExist) {
    const auto id = conversation(anna_);
    const auto started = ask(id, "secret question");
    answer(started.answer, "secret answer");
    const auto nothing = Fault::kNotFound;
    EXPECT_EQ(archive_->find(ben_, id).error().fault, nothing);
    EXPECT_EQ(archive_->branch(ben_, id, "", "", 10).error().fault, nothing);
    EXPECT_EQ(archive_->tree(ben_, id).error().fault, nothing);
    EXPECT_EQ(archive_->message(ben_, started.answer.id).error().fault, nothing);
    EXPECT_EQ(archive_->change(ben_, id, {}).error().fault, nothing);
    EXPECT_EQ(archive_->remove(ben_, id).error().fault, nothing);
    EXPECT_EQ(archive_->ask(ben_, id, {}).error().fault, nothing);
    EXPECT_EQ(archive_->ask_again(ben_, started.answer.id, "").error().fault, nothing);
    EXPECT_EQ(archive_->resume(ben_, started.answer.id).error().fault, nothing);
    EXPECT_EQ(archive_->rate(ben_, started.answer.id, Feedback{}).error().fault, nothing);
    EXPECT_EQ(archive_->share(ben_, id, {}).error().fault, nothing);
    EXPECT_EQ(archive_->unshare(ben_, id).error().fault, nothing);
    EXPECT_TRUE(archive_->list(ben_, {})->conversations.empty());
    ConversationFilter search;
    search.query = "secret";
    EXPECT_TRUE(archive_->list(ben_, search)->conversations.empty());
    EXPECT_EQ(archive_->list(anna_, search)->conversations.size(), 1U);
    // A message of one conversation is no parent in another.
    const auto other = conversation(anna_);
    Question question;
    question.text = "x";
    question.parent = started.answer.id;
    EXPECT_EQ(archive_->ask(anna_, other, question).error().fault, nothing);
    // Who is deleted takes everything along.
    ASSERT_TRUE(store_->pool().execute("DELETE FROM person WHERE id = $1", anna_.id));
    EXPECT_EQ(std::get<0>(**store_->pool().one<std::int64_t>("SELECT count(*) FROM message")), 0);
}

TEST_F(ArchiveTest, SharesForReading) {
    const auto id = conversation(anna_);
    answer(ask(id, "q").answer, "a");
    const auto company = archive_->share(anna_, id, {});
    ASSERT_TRUE(company);
    EXPECT_EQ(texts({archive_->shared(ben_, company->token)->messages, {}, {}}), (Texts{"q", "a"}));
    EXPECT_EQ(archive_->shared(ben_, company->token)->owner, "anna");
    const auto few = archive_->share(anna_, id, std::vector<std::string>{});
    ASSERT_TRUE(few);
    EXPECT_EQ(few->token, company->token);
    EXPECT_FALSE(archive_->shared(ben_, few->token));
    EXPECT_TRUE(archive_->shared(anna_, few->token));
    ASSERT_TRUE(archive_->share(anna_, id, std::vector<std::string>{std::to_string(ben_.id)}));
    EXPECT_TRUE(archive_->shared(ben_, few->token));
    ASSERT_TRUE(archive_->unshare(anna_, id));
    EXPECT_FALSE(archive_->shared(anna_, few->token));
}

TEST_F(ArchiveTest, ListsPinnedFirstThenNewestInPages) {
    std::vector<std::string> ids;
    for (int i = 0; i < 7; ++i)
        ids.push_back(conversation(anna_));
    ConversationChange pin;
    pin.pinned = true;
    ASSERT_TRUE(archive_->change(anna_, ids[2], pin));
    ConversationChange away;
    away.archived = true;
    ASSERT_TRUE(archive_->change(anna_, ids[3], away));
    ConversationFilter filter;
    filter.limit = 2;
    std::vector<std::string> seen;
    for (int page = 0; page < 5; ++page) {
        const auto found = archive_->list(anna_, filter);
        ASSERT_TRUE(found) << found.error().detail;
        for (const auto& one : found->conversations)
            seen.push_back(one.id);
        if (!found->next) break;
        filter.before = *found->next;
    }
    EXPECT_EQ(seen, (std::vector<std::string>{ids[2], ids[6], ids[5], ids[4], ids[1], ids[0]}));
    filter = {};
    filter.archived = true;
    EXPECT_EQ(archive_->list(anna_, filter)->conversations[0].id, ids[3]);
    filter.before = "nonsense";
    EXPECT_EQ(archive_->list(anna_, filter).error().fault, Fault::kInvalid);
}

TEST_F(ArchiveTest, IsSearchedByBeginningsOfWordsAndByCharacters) {
    const auto english = conversation(anna_);
    answer(ask(english, "Where do I point my application?").answer, "At 127.0.0.1:8484 [1].");
    const auto chinese = conversation(anna_);
    answer(ask(chinese, "午餐在哪里？").answer, "在二楼食堂。");
    const auto find = [&](const std::string& query) {
        ConversationFilter filter;
        filter.query = query;
        std::set<std::string> ids;
        const auto found = archive_->list(anna_, filter);
        EXPECT_TRUE(found) << found.error().detail;
        for (const auto& one : found->conversations)
            ids.insert(one.id);
        return ids;
    };
    EXPECT_EQ(find("appl point"), std::set{english});
    EXPECT_EQ(find("8484"), std::set{english});
    EXPECT_EQ(find("食堂"), std::set{chinese});
    EXPECT_TRUE(find("nothing").empty());
    for (const auto* odd : {"'", "a'b & | !", "%", "\\", ":*", "((", "' OR 1=1 --"})
        find(odd);
    ConversationFilter filter;
    filter.query = "application";
    const auto match = archive_->list(anna_, filter)->conversations[0].match;
    ASSERT_TRUE(match);
    EXPECT_NE(match->find("\x02"
                          "application\x03"),
              std::string::npos)
        << *match;
}

TEST_F(ArchiveTest, WhatWasInterruptedIsIncompleteAndMayGoOn) {
    const auto id = conversation(anna_);
    auto started = ask(id, "q");
    started.answer.text = "half an ans";
    ASSERT_TRUE(archive_->save_progress(started.answer));
    EXPECT_EQ(*archive_->give_up_running(std::chrono::seconds(60)), 0U);
    EXPECT_EQ(*archive_->give_up_running(std::chrono::seconds(0)), 1U);
    const auto kept = *archive_->message(anna_, started.answer.id);
    EXPECT_EQ(kept.state, Message::State::kIncomplete);
    EXPECT_EQ(kept.text, "half an ans");
    ASSERT_TRUE(kept.trouble);
    EXPECT_EQ(kept.trouble->status, 503);
    const auto resumed = archive_->resume(anna_, started.answer.id);
    ASSERT_TRUE(resumed);
    EXPECT_EQ(resumed->answer.state, Message::State::kRunning);
    EXPECT_FALSE(resumed->answer.trouble);
    EXPECT_EQ(archive_->resume(anna_, started.answer.id).error().fault, Fault::kConflict);
    // Progress that comes after the end changes nothing.
    answer(resumed->answer, "whole");
    ASSERT_TRUE(archive_->save_progress(started.answer));
    EXPECT_EQ(archive_->message(anna_, started.answer.id)->text, "whole");
}

TEST_F(ArchiveTest, KeepsEverythingOfAnAnswer) {
    const auto id = conversation(anna_);
    auto message = ask(id, "q").answer;
    message.text = "Ünïcode 😀 [1]";
    message.reasoning = "hm";
    message.reasoning_ms = 12.5;
    message.state = Message::State::kComplete;
    Source source;
    source.n = 1;
    source.passage = "7";
    source.text = "line\n\"quoted\"";
    source.heading = {"A", "B"};
    source.page = 3;
    message.sources = {source};
    message.citations = {{1, 10, 13, Citation::Finding::kNotEnoughInCommon}};
    message.tool_calls = {{"c1", "search", R"({"q":1})", std::nullopt}};
    message.context = ContextReport{8192, 77, ContextReport::Counter::kEngine, 3, 2, 1};
    AnswerRecord record;
    record.engine = "vllm";
    record.first_token_ms = 210;
    record.tokens_out = 5;
    record.previous_engine = "ollama";
    message.record = record;
    ASSERT_TRUE(archive_->save(message));
    ASSERT_TRUE(archive_->rate(anna_, message.id, Feedback{false, "wrong"}));
    const auto kept = *archive_->message(anna_, message.id);
    EXPECT_EQ(kept.text, message.text);
    EXPECT_EQ(kept.reasoning_ms, 12.5);
    ASSERT_EQ(kept.sources.size(), 1U);
    EXPECT_EQ(kept.sources[0].text, source.text);
    EXPECT_EQ(kept.sources[0].heading, source.heading);
    EXPECT_EQ(kept.sources[0].page, 3);
    EXPECT_FALSE(kept.sources[0].first_line);
    EXPECT_EQ(kept.citations, message.citations);
    EXPECT_EQ(kept.tool_calls[0].arguments, R"({"q":1})");
    EXPECT_EQ(kept.context->messages_left_out, 2);
    EXPECT_TRUE(kept.context->shortened());
    EXPECT_EQ(kept.record->engine, "vllm");
    EXPECT_EQ(kept.record->previous_engine, "ollama");
    EXPECT_FALSE(kept.record->tokens_in);
    EXPECT_FALSE(kept.feedback->up);
    EXPECT_EQ(kept.feedback->comment, "wrong");
    ASSERT_TRUE(archive_->rate(anna_, message.id, {}));
    EXPECT_FALSE(archive_->message(anna_, message.id)->feedback);
}

// Whatever statement fails, however: no question without its answer, no answer without its
// question.
TEST_F(ArchiveTest, AFailureAtAnyStatementLeavesNothingHalf) {
    const auto id = conversation(anna_);
    for (const auto trouble :
         {store::Trouble::kRefused, store::Trouble::kLostBefore, store::Trouble::kLostAfter})
        for (std::int64_t n = 1;; ++n) {
            store_->faults().arm(n, trouble);
            Question question;
            question.text = "q";
            const auto asked = archive_->ask(anna_, id, question);
            const bool fired = store_->faults().fired();
            store_->faults().disarm();
            const auto tree = archive_->tree(anna_, id);
            ASSERT_TRUE(tree);
            const auto questions = std::count_if(tree->begin(), tree->end(), [](const auto& m) {
                return m.role == Message::Role::kUser;
            });
            ASSERT_EQ(tree->size(), static_cast<std::size_t>(questions) * 2);
            ASSERT_EQ(archive_->find(anna_, id)->messages, static_cast<std::int64_t>(tree->size()));
            if (!fired) {
                ASSERT_TRUE(asked);
                break;
            }
        }
}

TEST(Titles, AreTheFirstWords) {
    EXPECT_EQ(title_of("How do I point my application at Segue?"),
              "How do I point my application at Segue?");
    EXPECT_EQ(title_of("\n\n  ## Heading\nmore"), "Heading");
    EXPECT_EQ(title_of(""), "");
    EXPECT_EQ(title_of(std::string(59, 'x') + "äää"), std::string(59, 'x') + "…");
    EXPECT_EQ(title_of("one two three four five six seven eight nine ten eleven twelve"),
              "one two three four five six seven eight nine ten eleven…");
}

// Every statement of asking, keeping, asking again and deleting fails once; nothing may be half
// there, and what was acknowledged is there.
TEST_F(ArchiveTest, AFailureAnywhereLeavesAllOrNothing) {
    using store::Trouble;
    const auto rows = [&](const std::string& id) {
        return std::get<0>(**store_->pool().one<std::int64_t>(
            "SELECT count(*) FROM message WHERE conversation = $1", id));
    };
    /// Runs `act` with the n-th statement failing; true: it was told to be done.
    bool any = true;
    const auto with_trouble = [&](int n, Trouble trouble, const auto& act) {
        store_->faults().arm(n, trouble);
        const bool done = act();
        any = store_->faults().fired() || any;
        store_->faults().disarm();
        return done;
    };
    for (const auto trouble : {Trouble::kRefused, Trouble::kLostBefore, Trouble::kLostAfter}) {
        any = true;
        for (int n = 1; any; ++n) {
            ASSERT_LT(n, 60);
            any = false;
            const auto id = conversation(anna_);
            Question question;
            question.text = "What is it?";
            const bool asked = with_trouble(
                n, trouble, [&] { return archive_->ask(anna_, id, question).has_value(); });
            const auto kept = rows(id);
            EXPECT_TRUE(kept == 2 || (kept == 0 && !asked)) << n << ": " << kept;
            EXPECT_EQ(archive_->find(anna_, id)->messages, kept) << "the count goes with the rows";

            const auto whole = conversation(anna_);
            auto running = ask(whole, "And this?").answer;
            running.text = "That.";
            running.state = Message::State::kComplete;
            const bool saved =
                with_trouble(n, trouble, [&] { return archive_->save(running).has_value(); });
            const auto now = archive_->message(anna_, running.id);
            EXPECT_TRUE(now->state == Message::State::kComplete ? now->text == "That."
                                                                : now->text.empty() && !saved)
                << n;
            ASSERT_TRUE(archive_->save(running)) << "trying again is always right";

            const bool again = with_trouble(
                n, trouble, [&] { return archive_->ask_again(anna_, running.id, "").has_value(); });
            const auto after = rows(whole);
            EXPECT_TRUE(after == 3 || (after == 2 && !again)) << n << ": " << after;
            EXPECT_EQ(archive_->find(anna_, whole)->messages, after);

            const bool removed = with_trouble(
                n, trouble, [&] { return archive_->remove(anna_, whole).has_value(); });
            const auto left = rows(whole);
            EXPECT_TRUE(left == 0 || (left == after && !removed)) << n << ": " << left;
            EXPECT_EQ(archive_->find(anna_, whole).has_value(), left > 0);
        }
    }
}

}  // namespace
}  // namespace segue::chat
