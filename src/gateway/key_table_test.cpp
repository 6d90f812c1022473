#include "gateway/key_table.hpp"

#include <gtest/gtest.h>

#include <filesystem>
#include <fstream>

#include "store/test_kit.hpp"

namespace segue::gateway {
namespace {

class KeyTableTest : public ::testing::Test {
protected:
    void SetUp() override {
        SEGUE_NEEDS_DATABASE();
        store_ = std::make_unique<store::TestStore>();
        table_ = std::make_unique<KeyTable>(store_->pool());
    }
    KeyFile file(const std::string& name = "data") const {
        std::filesystem::create_directories(folder_.path() + "/" + name);
        return KeyFile(folder_.path() + "/" + name);
    }
    Key made(const std::string& name) {
        clock_.advance(std::chrono::seconds(1));  // lists are in the order of making
        return make_key(name, {}, std::nullopt, clock_.wall())->key;
    }
    std::vector<std::string> names(const std::vector<Key>& keys) {
        std::vector<std::string> out;
        for (const auto& key : keys)
            out.push_back(key.name + (key.revoked ? "!" : ""));
        return out;
    }

    using Names = std::vector<std::string>;
    FakeClock clock_;
    store::TestFolder folder_;
    std::unique_ptr<store::TestStore> store_;
    std::unique_ptr<KeyTable> table_;
};

TEST_F(KeyTableTest, KeepsEverythingThatTheFileKeeps) {
    Key full = made("nightly");
    full.expires = full.created + std::chrono::hours(1);
    full.rules.models = {"llama3*", "a \"b\", {c}"};
    full.rules.requests_per_minute = 60;
    full.rules.tokens_per_minute = 100'000;
    full.rules.streams = 2;
    full.rules.priority = Priority::kBatch;
    const Key plain = made("chat");
    ASSERT_TRUE(table_->add(full));
    ASSERT_TRUE(table_->add(plain));
    EXPECT_EQ(*table_->list(), (std::vector<Key>{full, plain}));
}

TEST_F(KeyTableTest, NamesAreUniqueAmongThoseThatAreGood) {
    ASSERT_TRUE(table_->add(made("chat")));
    EXPECT_EQ(table_->add(made("chat")).error().fault, Fault::kConflict);
    EXPECT_EQ(table_->add(made("")).error().fault, Fault::kInvalid);
    const auto before = *table_->version();
    EXPECT_TRUE(table_->revoke("chat", clock_.wall())->revoked);
    EXPECT_NE(*table_->version(), before);
    EXPECT_EQ(table_->revoke("chat", clock_.wall()).error().fault, Fault::kNotFound);
    Key again = made("chat");
    ASSERT_TRUE(table_->add(again));
    Key sly = made(again.id);  // named like another one's id
    ASSERT_TRUE(table_->add(sly));
    EXPECT_EQ(table_->revoke(again.id, clock_.wall())->id, again.id);
}

TEST_F(KeyTableTest, TheFilesKeysMoveInAndNoneIsLost) {
    const auto old = file();
    const Key chat = made("chat");
    const Key gone = made("gone");
    ASSERT_TRUE(old.add(chat));
    ASSERT_TRUE(old.add(gone));
    ASSERT_TRUE(old.revoke("gone", clock_.wall()));
    ASSERT_TRUE(table_->add(made("chat")));  // another folder's, of the same name
    const auto all = table_->agree_with(old);
    ASSERT_TRUE(all) << all.error().detail;
    EXPECT_EQ(names(*all), (Names{"chat (" + chat.id + ")", "gone!", "chat"}));
    EXPECT_EQ(*old.list(), *all) << "the file is a copy now";
    EXPECT_EQ(*table_->agree_with(old), *all) << "nothing more to do";
}

TEST_F(KeyTableTest, WhatEitherRevokedIsRevoked) {
    const auto one = file("one");
    const auto two = file("two");
    for (const auto* name : {"a", "b", "c"})
        ASSERT_TRUE(one.add(made(name)));
    ASSERT_TRUE(table_->agree_with(one));
    ASSERT_TRUE(table_->agree_with(two));  // a replica gets its copy
    EXPECT_EQ(names(*two.list()), (Names{"a", "b", "c"}));
    ASSERT_TRUE(one.revoke("a", clock_.wall()));  // by a command that could not reach the store
    ASSERT_TRUE(table_->revoke("b", clock_.wall()));
    EXPECT_EQ(names(*table_->agree_with(one)), (Names{"a!", "b!", "c"}));
    EXPECT_EQ(names(*table_->agree_with(two)), (Names{"a!", "b!", "c"}));
    EXPECT_EQ(names(*two.list()), (Names{"a!", "b!", "c"}));
}

TEST_F(KeyTableTest, ARuinedFileChangesNothing) {
    const auto ruined = file();
    ASSERT_TRUE(table_->add(made("chat")));
    std::ofstream(ruined.path()) << "{ruined";
    EXPECT_FALSE(table_->agree_with(ruined));
    EXPECT_EQ(table_->list()->size(), 1U);
}

TEST_F(KeyTableTest, AFailureOfAnyStatementLosesNoKey) {
    const auto old = file();
    for (const auto* name : {"a", "b"})
        ASSERT_TRUE(old.add(made(name)));
    for (int n = 1; n < 40; ++n) {
        store_->faults().arm(n, store::Trouble::kRefused);
        const auto agreed = table_->agree_with(old);
        const bool failed = store_->faults().fired();
        store_->faults().disarm();
        EXPECT_EQ(old.list()->size(), 2U) << n;
        if (!failed) {
            EXPECT_TRUE(agreed);
            return;
        }
        EXPECT_FALSE(agreed) << n;
        EXPECT_TRUE(table_->list()->empty()) << n << ": all or nothing";
    }
    ADD_FAILURE() << "no end of statements";
}

}  // namespace
}  // namespace segue::gateway
