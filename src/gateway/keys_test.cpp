#include "gateway/keys.hpp"

#include <gtest/gtest.h>
#include <sys/stat.h>

#include <filesystem>
#include <fstream>

#include "base/files.hpp"
#include "base/ids.hpp"
#include "gateway/keyring.hpp"

namespace segue::gateway {
namespace {

using Standing = Keyring::Standing;
using std::chrono::hours;
using std::chrono::seconds;

class Keys : public testing::Test {
protected:
    void TearDown() override { std::filesystem::remove_all(folder_); }
    NewKey made(const std::string& name, KeyRules rules = {},
                std::optional<WallTime> expires = std::nullopt) const {
        return make_key(name, std::move(rules), expires, clock_.wall()).value();
    }
    std::string folder_ = testing::TempDir() + "segue-keys-" + random_hex(8);
    FakeClock clock_;
};

TEST_F(Keys, AKeyNamesItselfAndKeepsOnlyAHash) {
    const auto one = made("chat");
    const auto two = made("chat");
    EXPECT_NE(one.text, two.text);
    EXPECT_EQ(one.text.size(), 6U + 8 + 1 + 43);
    EXPECT_EQ(key_id(one.text), one.key.id);
    EXPECT_TRUE(one.text.ends_with(one.key.last_four));
    EXPECT_TRUE(equal(hash_key(one.text), one.key.hash));
    for (const char* other : {"", "segue-", "segue-1234567", "segue-12345678", "sk-12345678-x"})
        EXPECT_FALSE(key_id(other)) << other;
    const KeyFile file(folder_);
    ASSERT_TRUE(file.add(one.key));
    const std::string text = read_file(file.path()).value();
    EXPECT_EQ(text.find(one.text.substr(15)), std::string::npos) << "the secret was written";
    EXPECT_NE(text.find(one.key.id), std::string::npos);
    struct stat status {};
    ASSERT_EQ(::stat(file.path().c_str(), &status), 0);
    EXPECT_EQ(status.st_mode & 0777, 0600U);
}

TEST_F(Keys, TheFileKeepsEverything) {
    KeyRules rules;
    rules.models = {"llama3*", "qwen3:8b"};
    rules.requests_per_minute = 60;
    rules.tokens_per_minute = 100'000;
    rules.streams = 2;
    rules.priority = Priority::kBatch;
    const auto full = made("nightly", rules, clock_.wall() + hours(1));
    const auto plain = made("chat");
    const KeyFile file(folder_);
    EXPECT_TRUE(file.list().value().empty());
    ASSERT_TRUE(file.add(full.key));
    ASSERT_TRUE(file.add(plain.key));
    EXPECT_EQ(file.list().value(), (std::vector<Key>{full.key, plain.key}));
}

TEST_F(Keys, NamesAreUniqueAmongThoseThatAreGood) {
    const KeyFile file(folder_);
    ASSERT_TRUE(file.add(made("chat").key));
    EXPECT_EQ(file.add(made("chat").key).error().fault, Fault::kConflict);
    EXPECT_EQ(file.add(made("").key).error().fault, Fault::kInvalid);
    EXPECT_EQ(file.add(made("two\nlines").key).error().fault, Fault::kInvalid);
    const auto revoked = file.revoke("chat", clock_.wall());
    ASSERT_TRUE(revoked);
    EXPECT_TRUE(revoked->revoked);
    EXPECT_EQ(file.revoke("chat", clock_.wall()).error().fault, Fault::kNotFound);
    const auto again = made("chat");
    ASSERT_TRUE(file.add(again.key));
    EXPECT_EQ(file.revoke(again.key.id, clock_.wall())->id, again.key.id);
    EXPECT_EQ(file.list()->size(), 2U);
}

TEST_F(Keys, ARuinedFileIsAnErrorAndStaysAsItIs) {
    std::filesystem::create_directories(folder_);
    const KeyFile file(folder_);
    for (const char* text : {"{not json", R"({"keys":{}})", R"({"keys":[{"id":"x"}]})",
                             R"({"keys":[{"id":"x","sha256":"zz","created":1}]})"}) {
        std::ofstream(file.path()) << text;
        EXPECT_EQ(file.list().error().fault, Fault::kIo) << text;
        EXPECT_FALSE(file.add(made("chat").key)) << text;
        EXPECT_EQ(read_file(file.path()).value(), text);
    }
}

TEST(KeyRules, ModelsAreNamesOrPatterns) {
    KeyRules rules;
    EXPECT_TRUE(rules.allows_model("anything"));
    rules.models = {"llama3", "Qwen*", "meta-llama/Llama-3.1-8B-Instruct"};
    for (const char* name :
         {"llama3", "LLAMA3:latest", "qwen3:8b", "qwen", "meta-llama/llama-3.1-8b-instruct:latest"})
        EXPECT_TRUE(rules.allows_model(name)) << name;
    for (const char* name : {"llama3:8b", "llama33", "", "my/qwen3"})
        EXPECT_FALSE(rules.allows_model(name)) << name;
}

TEST_F(Keys, TheRingKnowsWhoIsWho) {
    const auto good = made("good");
    auto revoked = made("revoked");
    revoked.key.revoked = clock_.wall();
    const auto expiring = made("expiring", {}, clock_.wall() + seconds(10));
    const Keyring open({}, {}, nullptr, clock_.now());
    EXPECT_FALSE(open.required());
    const Keyring ring({"plain", "text"}, {good.key, revoked.key, expiring.key}, nullptr,
                       clock_.now());
    EXPECT_TRUE(ring.required());
    EXPECT_EQ(ring.find("text", clock_.wall()).holder->key.id, "config-2");
    EXPECT_EQ(ring.find(good.text, clock_.wall()).holder->key.name, "good");
    EXPECT_EQ(ring.find(expiring.text, clock_.wall()).standing, Standing::kGood);
    EXPECT_EQ(ring.find(revoked.text, clock_.wall()).standing, Standing::kUnknown);
    std::string almost = good.text;
    almost.back() = almost.back() == 'A' ? 'B' : 'A';
    for (const std::string& text : {std::string(), std::string("tex"), almost, good.key.id})
        EXPECT_EQ(ring.find(text, clock_.wall()).holder, nullptr) << text;
    clock_.advance(seconds(10));
    EXPECT_EQ(ring.find(expiring.text, clock_.wall()).standing, Standing::kExpired);
}

TEST_F(Keys, RevokedKeysKeepTheDoorShut) {
    auto revoked = made("revoked");
    revoked.key.revoked = clock_.wall();
    const Keyring ring({}, {revoked.key}, nullptr, clock_.now());
    EXPECT_TRUE(ring.required());
    EXPECT_FALSE(ring.usable(clock_.wall()));
}

TEST_F(Keys, AReloadForgetsNothingThatWasUsed) {
    auto key = made("chat");
    key.key.rules.requests_per_minute = 1;
    const Keyring before({}, {key.key}, nullptr, clock_.now());
    const auto* holder = before.find(key.text, clock_.wall()).holder;
    EXPECT_TRUE(holder->meter->begin(0, clock_.now()));
    const Keyring after({}, {key.key}, &before, clock_.now());
    const auto* same = after.find(key.text, clock_.wall()).holder;
    EXPECT_EQ(same->meter, holder->meter);
    EXPECT_FALSE(same->meter->begin(0, clock_.now()));
}

}  // namespace
}  // namespace segue::gateway
