#include "evidence/record.hpp"

#include <gtest/gtest.h>

#include "base/text.hpp"

namespace segue::evidence {
namespace {

class Evidence : public testing::Test {
protected:
    Evidence() : key_(std::move(*SigningKey::generate())) {
        record_.kind = "audit";
        record_.claim = "reference-free";
        record_.holds = true;
        record_.subject = R"({"commit":"abc","files":12})";
        record_.details = R"({"findings":{"error":0}})";
        record_.parts = {
            {"SEG204", "listeners", Standing::kClean, true, "nothing listens on 11434", "", {}},
            {"SEG209",
             "Kubernetes",
             Standing::kNotLookedAt,
             false,
             "there is no kubectl",
             "kubectl get pods -A",
             {}}};
        record_.blind_spots = {"settings in databases"};
        record_.issued = clock_.wall();
        record_.expires = clock_.wall() + std::chrono::hours(24);
        record_.signer = "release";
        text_ = *sign_record(record_, key_);
    }
    Verdict check(std::string_view text, Trust trust = {}) const {
        return verify(text, trust, clock_.wall());
    }
    static std::string told(const Verdict& verdict, std::string_view what) {
        for (const auto& check : verdict.checks)
            if (check.what == what) return check.says;
        return {};
    }
    static Check::Outcome outcome(const Verdict& verdict, std::string_view what) {
        for (const auto& check : verdict.checks)
            if (check.what == what) return check.outcome;
        ADD_FAILURE() << "no check of the " << what;
        return Check::Outcome::kBad;
    }

    FakeClock clock_;
    SigningKey key_;
    Record record_;
    std::string text_;
};

TEST_F(Evidence, ComesBackWhole) {
    const auto verdict = check(text_, {key_.public_key(), {}});
    ASSERT_TRUE(verdict.good());
    EXPECT_EQ(verdict.record->claim, "reference-free");
    EXPECT_EQ(verdict.record->signer, "release");
    ASSERT_EQ(verdict.record->parts.size(), 2U);
    EXPECT_EQ(verdict.record->parts[0].standing, Standing::kClean);
    EXPECT_EQ(verdict.record->parts[1].command, "kubectl get pods -A");
    EXPECT_EQ(verdict.record->blind_spots, record_.blind_spots);
    EXPECT_EQ(verdict.record->expires,
              std::chrono::time_point_cast<std::chrono::seconds>(record_.expires));
    EXPECT_NE(told(verdict, "signer").find("that you named"), std::string::npos);
}

TEST_F(Evidence, WhoSignedIsSaidExactly) {
    const auto alone = check(text_);
    EXPECT_TRUE(alone.good());
    EXPECT_EQ(outcome(alone, "signer"), Check::Outcome::kOpen);
    EXPECT_NE(told(alone, "signer").find("anybody could have made it"), std::string::npos);

    const auto own =
        check(text_, {std::nullopt, {{key_.public_key().id(), "release", key_.public_key(), ""}}});
    EXPECT_NE(told(own, "signer").find("'release'"), std::string::npos);

    const auto stranger = SigningKey::generate();
    ASSERT_TRUE(stranger);
    const auto other = check(text_, {stranger->public_key(), {}});
    EXPECT_FALSE(other.authentic());
    EXPECT_EQ(outcome(other, "signature"), Check::Outcome::kGood);
    EXPECT_EQ(outcome(other, "signer"), Check::Outcome::kBad);
}

TEST_F(Evidence, EachByteOfTheRecordCounts) {
    const auto from = text_.find("\"record\":") + 9;
    const auto to = text_.find(",\"sha256\"");
    ASSERT_LT(from, to);
    for (auto i = from; i < to; ++i) {
        std::string other = text_;
        other[i] = other[i] == '1' ? '2' : '1';
        if (other == text_) continue;
        EXPECT_FALSE(check(other).authentic()) << other.substr(i, 20);
    }
}

TEST_F(Evidence, AMendedHashDoesNotHelp) {
    std::string other = text_;
    other.replace(other.find("\"holds\":true"), 12, "\"holds\":null");
    const auto from = other.find("\"record\":") + 9;
    const auto canonical = other.substr(from, other.find(",\"sha256\"") - from);
    other.replace(other.find("\"sha256\":\"") + 10, 64, sha256_hex(canonical));
    const auto verdict = check(other);
    EXPECT_EQ(outcome(verdict, "hash"), Check::Outcome::kGood);
    EXPECT_EQ(outcome(verdict, "signature"), Check::Outcome::kBad);
    EXPECT_FALSE(verdict.authentic());
}

TEST_F(Evidence, FormDoesNotMatter) {
    std::string spaced;
    for (const char c : text_)
        spaced += c == ',' ? std::string(",\n  ") : std::string(1, c);
    EXPECT_TRUE(check(spaced).good());
}

TEST_F(Evidence, TimePasses) {
    clock_.advance(std::chrono::hours(23));
    EXPECT_TRUE(check(text_).good());
    clock_.advance(std::chrono::hours(1));
    const auto late = check(text_);
    EXPECT_FALSE(late.authentic());
    EXPECT_NE(told(late, "time").find("expired at"), std::string::npos);
    clock_.advance(-std::chrono::hours(48));
    EXPECT_NE(told(check(text_), "time").find("in the future"), std::string::npos);
}

TEST_F(Evidence, AClaimThatDoesNotHoldIsAuthenticAndNotGood) {
    record_.holds = false;
    const auto verdict = check(*sign_record(record_, key_));
    EXPECT_TRUE(verdict.authentic());
    EXPECT_FALSE(verdict.good());
}

TEST_F(Evidence, OtherFiles) {
    for (const std::string_view text :
         {"", "{", "[]", "{}", R"({"schema":"segue-audit/1"})", "null"}) {
        const auto verdict = check(text);
        EXPECT_FALSE(verdict.authentic()) << text;
        EXPECT_EQ(outcome(verdict, "format"), Check::Outcome::kBad) << text;
    }
    EXPECT_NE(told(check(R"({"schema":"segue-evidence/2"})"), "format").find("a newer segue"),
              std::string::npos);
    EXPECT_FALSE(check(R"({"schema":"segue-evidence/1","record":{},"sha256":"","signature":{}})")
                     .authentic());
}

// A signature of the same key over the same bytes for another purpose is none here.
TEST_F(Evidence, ASignatureNamesItsPurpose) {
    const auto from = text_.find("\"record\":") + 9;
    const auto canonical = text_.substr(from, text_.find(",\"sha256\"") - from);
    std::string other = text_;
    const auto at = other.find("\"value\":\"") + 9;
    other.replace(at, other.find('"', at) - at, base64_encode(*key_.sign(canonical)));
    EXPECT_FALSE(check(other).authentic());
}

}  // namespace
}  // namespace segue::evidence
