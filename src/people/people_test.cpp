#include "people/people.hpp"

#include <gtest/gtest.h>

#include <thread>

#include "store/test_kit.hpp"

namespace segue::people {
namespace {

constexpr auto kGood = "correct horse battery";
constexpr auto kOther = "staple other words";

class PeopleTest : public testing::Test {
protected:
    void SetUp() override {
        SEGUE_NEEDS_DATABASE();
        store_ = std::make_unique<store::TestStore>();
        people_ = std::make_unique<People>(store_->pool(), clock_, Hardness::kTests);
    }
    Session admin() {
        const auto token = people_->make_setup_token();
        EXPECT_TRUE(token && !token->empty());
        auto made = people_->set_up(*token, "ada@example.com", "Ada", kGood, origin_);
        EXPECT_TRUE(made) << (made ? "" : made.error().detail);
        return std::move(*made);
    }
    Person person(const std::string& login, Role role = Role::kUser) {
        auto made = people_->create(login, "", role, kGood, false, by_);
        EXPECT_TRUE(made) << (made ? "" : made.error().detail);
        return std::move(*made);
    }
    bool is_in(std::string_view cookie) {
        const auto found = people_->session(cookie);
        EXPECT_TRUE(found) << (found ? "" : found.error().detail);
        return found && found->has_value();
    }
    /// Lets database time pass for all sessions.
    void pass(const std::string& time) {
        ASSERT_TRUE(store_->pool().execute(
            "UPDATE session SET created = created - $1::interval, seen = seen - $1::interval, "
            "rotated = rotated - $1::interval, expires = expires - $1::interval",
            time));
    }
    std::vector<std::string> log() {
        std::vector<std::string> out;
        const auto entries = people_->activity({});
        EXPECT_TRUE(entries);
        for (auto entry = entries->rbegin(); entry != entries->rend(); ++entry)
            out.push_back(entry->action + " " + entry->object + " by " + entry->name);
        return out;
    }

    FakeClock clock_;
    const Origin origin_{"10.0.0.1", "test"};
    const Actor by_{0, "test", origin_};
    std::unique_ptr<store::TestStore> store_;
    std::unique_ptr<People> people_;
};

TEST_F(PeopleTest, TheLinkMakesOneAdministratorOnce) {
    EXPECT_TRUE(*people_->setup_needed());
    EXPECT_EQ(people_->set_up("guessed", "eve", "", kGood, origin_).error().fault,
              Fault::kNotFound);
    const auto first = people_->make_setup_token();
    const auto second = people_->make_setup_token();
    EXPECT_NE(*first, *second);
    EXPECT_EQ(people_->set_up(*first, "ada", "", "short", origin_).error().fault, Fault::kInvalid);
    const auto made = people_->set_up(*first, "ada", "Ada", kGood, origin_);  // both work, once
    ASSERT_TRUE(made) << made.error().detail;
    EXPECT_EQ(made->person.role, Role::kAdmin);
    EXPECT_TRUE(is_in(made->cookie));
    EXPECT_FALSE(*people_->setup_needed());
    EXPECT_EQ(people_->set_up(*second, "eve", "", kGood, origin_).error().fault, Fault::kNotFound);
    EXPECT_EQ(*people_->make_setup_token(), "");
}

TEST_F(PeopleTest, TwoLinksAtOnceMakeOneAdministrator) {
    const std::string a = *people_->make_setup_token();
    const std::string b = *people_->make_setup_token();
    std::atomic<int> made{0};
    {
        std::jthread one([&] { made += people_->set_up(a, "ada", "", kGood, origin_) ? 1 : 0; });
        std::jthread two([&] { made += people_->set_up(b, "eve", "", kGood, origin_) ? 1 : 0; });
    }
    EXPECT_EQ(made, 1);
    EXPECT_EQ(people_->list()->size(), 1U);
}

TEST_F(PeopleTest, NeitherPasswordsNorCookiesAreKept) {
    const Session session = admin();
    const auto dump = store_->pool().one<std::string>(
        "SELECT (SELECT string_agg(p::text, ' ') FROM person p) || (SELECT string_agg(s::text, ' "
        "') "
        "FROM session s) || (SELECT string_agg(a::text, ' ') FROM activity a)");
    ASSERT_TRUE(dump);
    const std::string& text = std::get<0>(**dump);
    EXPECT_EQ(text.find(kGood), std::string::npos);
    EXPECT_EQ(text.find(session.cookie), std::string::npos);
    EXPECT_NE(text.find("$argon2id$"), std::string::npos);
}

TEST_F(PeopleTest, SigningInAndOut) {
    admin();
    const auto session = people_->sign_in("ADA@example.com", kGood, origin_);
    ASSERT_TRUE(session) << session.error().detail;
    EXPECT_TRUE(is_in(session->cookie));
    EXPECT_FALSE(is_in(session->cookie + "x"));
    EXPECT_FALSE(is_in(std::string(43, 'a')));
    EXPECT_FALSE(is_in(""));
    const auto wrong = people_->sign_in("ada@example.com", kOther, origin_);
    const auto nobody = people_->sign_in("eve@example.com", kOther, origin_);
    EXPECT_EQ(wrong.error().detail, nobody.error().detail);  // tells nothing of who is there
    ASSERT_TRUE(people_->sign_out(session->cookie, {session->person.id, "ada", origin_}));
    EXPECT_FALSE(is_in(session->cookie));
    const auto again = people_->sign_in("ada@example.com", kGood, origin_);
    const auto third = people_->sign_in("ada@example.com", kGood, origin_);
    ASSERT_TRUE(people_->sign_out_everywhere(again->person.id, by_));
    EXPECT_FALSE(is_in(again->cookie));
    EXPECT_FALSE(is_in(third->cookie));
}

TEST_F(PeopleTest, WhoGuessesWaitsLongerAndLonger) {
    admin();
    for (int i = 0; i < 5; ++i)
        EXPECT_EQ(people_->sign_in("ada@example.com", kOther, origin_).error().fault,
                  Fault::kInvalid);
    EXPECT_EQ(people_->sign_in("ada@example.com", kGood, origin_).error().fault, Fault::kTimeout);
    EXPECT_TRUE(
        people_->sign_in("ada@example.com", kGood, {"10.0.0.2", ""}));  // not locked out elsewhere
    EXPECT_EQ(people_->wait("ada@example.com", origin_.address), std::chrono::seconds(1));
    clock_.advance(std::chrono::seconds(1));
    EXPECT_EQ(people_->sign_in("ada@example.com", kOther, origin_).error().fault, Fault::kInvalid);
    EXPECT_EQ(people_->wait("ada@example.com", origin_.address), std::chrono::seconds(2));
    clock_.advance(std::chrono::seconds(2));
    EXPECT_TRUE(people_->sign_in("ada@example.com", kGood, origin_));
    EXPECT_EQ(people_->wait("ada@example.com", origin_.address), std::chrono::seconds(0));
    // A replica counts the same tries.
    for (int i = 0; i < 5; ++i)
        (void)people_->sign_in("ada@example.com", kOther, {"10.0.0.4", ""});
    People replica(store_->pool(), clock_, Hardness::kTests);
    EXPECT_EQ(replica.sign_in("ada@example.com", kGood, {"10.0.0.4", ""}).error().fault,
              Fault::kTimeout);
    // One address that tries many names, which need not exist.
    for (int i = 0; i < 30; ++i)
        (void)people_->sign_in(fmt::format("name{}", i), kOther, {"10.0.0.3", ""});
    EXPECT_GT(people_->wait("ada@example.com", "10.0.0.3").count(), 0);
}

TEST_F(PeopleTest, ASessionEndsByItself) {
    const Session idle = admin();
    pass("8 days");
    EXPECT_FALSE(is_in(idle.cookie));
    auto used = people_->sign_in("ada@example.com", kGood, origin_);
    std::string cookie = used->cookie;
    for (int day = 0; day < 29; ++day) {
        pass("1 day");
        const auto found = people_->session(cookie);
        ASSERT_TRUE(found && *found) << "day " << day;
        if (!(*found)->cookie.empty()) cookie = (*found)->cookie;
    }
    pass("2 days");
    EXPECT_FALSE(is_in(cookie));  // a month, however busy
}

TEST_F(PeopleTest, ASessionChangesItsNameAndLosesNobody) {
    const Session begun = admin();
    EXPECT_EQ((**people_->session(begun.cookie)).cookie, "");
    pass("16 minutes");
    const std::string lost = (**people_->session(begun.cookie)).cookie;  // never arrives
    ASSERT_FALSE(lost.empty());
    EXPECT_TRUE(is_in(begun.cookie));
    pass("16 minutes");
    const auto named = people_->session(begun.cookie);
    ASSERT_TRUE(named && *named);
    const std::string fresh = (*named)->cookie;
    ASSERT_FALSE(fresh.empty());
    EXPECT_EQ((*named)->csrf, begun.csrf);
    EXPECT_FALSE(is_in(lost));
    EXPECT_TRUE(is_in(fresh));  // used: the old one has a minute left
    EXPECT_TRUE(is_in(begun.cookie));
    pass("2 minutes");
    EXPECT_FALSE(is_in(begun.cookie));
    EXPECT_TRUE(is_in(fresh));
}

TEST_F(PeopleTest, AnAdministratorIsAlwaysLeft) {
    const Session ada = admin();
    EXPECT_EQ(people_->remove(ada.person.id, by_).error().fault, Fault::kConflict);
    EXPECT_EQ(people_->change(ada.person.id, {.name = {}, .role = Role::kUser, .disabled = {}}, by_)
                  .error()
                  .fault,
              Fault::kConflict);
    EXPECT_EQ(people_->change(ada.person.id, {.name = {}, .role = {}, .disabled = true}, by_)
                  .error()
                  .fault,
              Fault::kConflict);
    const Person bob = person("bob", Role::kAdmin);
    // Both at once: one must stay.
    {
        std::jthread one([&] {
            (void)people_->change(ada.person.id, {.name = {}, .role = Role::kUser, .disabled = {}},
                                  by_);
        });
        std::jthread two([&] {
            (void)people_->change(bob.id, {.name = {}, .role = Role::kUser, .disabled = {}}, by_);
        });
    }
    int administrators = 0;
    const auto left = people_->list();
    ASSERT_TRUE(left);
    for (const auto& one : *left)
        administrators += one.role == Role::kAdmin ? 1 : 0;
    EXPECT_EQ(administrators, 1);
}

TEST_F(PeopleTest, DisablingResettingAndRemovingEndSessions) {
    admin();
    const Person bob = person("bob");
    auto session = people_->sign_in("bob", kGood, origin_);
    ASSERT_TRUE(people_->change(bob.id, {.name = "Bob", .role = {}, .disabled = true}, by_));
    EXPECT_FALSE(is_in(session->cookie));
    EXPECT_NE(people_->sign_in("bob", kGood, origin_).error().detail.find("disabled"),
              std::string::npos);
    const auto enabled =
        people_->change(bob.id, {.name = {}, .role = Role::kWriter, .disabled = false}, by_);
    EXPECT_EQ(enabled->name, "Bob");
    EXPECT_EQ(enabled->role, Role::kWriter);
    session = people_->sign_in("bob", kGood, origin_);
    const auto reset = people_->reset_password(bob.id, kOther, by_);
    EXPECT_TRUE(reset->must_change_password);
    EXPECT_FALSE(is_in(session->cookie));
    session = people_->sign_in("bob", kOther, origin_);
    const auto second = people_->sign_in("bob", kOther, origin_);
    const Actor bob_himself{bob.id, "bob", origin_};
    EXPECT_FALSE(
        people_->change_password(bob.id, kGood, "some other words", session->cookie, bob_himself));
    ASSERT_TRUE(
        people_->change_password(bob.id, kOther, "some other words", session->cookie, bob_himself));
    EXPECT_TRUE(is_in(session->cookie));  // this one goes on
    EXPECT_FALSE(is_in(second->cookie));
    ASSERT_TRUE(people_->remove(bob.id, by_));
    EXPECT_FALSE(is_in(session->cookie));
    EXPECT_EQ(people_->remove(bob.id, by_).error().fault, Fault::kNotFound);
    // He is gone, and the log still names him.
    const auto entries = log();
    EXPECT_NE(std::find(entries.begin(), entries.end(), "person.delete bob by test"),
              entries.end());
    EXPECT_NE(std::find(entries.begin(), entries.end(), "person.change_password bob by bob"),
              entries.end());
}

TEST_F(PeopleTest, NamesAreUniqueAndChecked) {
    person("bob");
    EXPECT_EQ(people_->create("BOB", "", Role::kUser, kGood, false, by_).error().fault,
              Fault::kConflict);
    for (const std::string name : {"", "two words", "tab\t", "nul\x01", "\xff"})
        EXPECT_EQ(people_->create(name, "", Role::kUser, kGood, false, by_).error().fault,
                  Fault::kInvalid);
    for (const std::string bad : {"short", "aaaaaaaaaaaaaaaa", "bobby12345678", "passwordpassword"})
        EXPECT_FALSE(good_password(bad, "bobby12345")) << bad;
}

TEST_F(PeopleTest, WhoComesFromAProviderNeverGetsAnAccountWithAPassword) {
    person("bob");
    EXPECT_EQ(people_->sign_in_as("https://idp bob", "bob", "Bob", origin_).error().fault,
              Fault::kConflict);
    const auto first = people_->sign_in_as("https://idp 1", "carol", "Carol", origin_);
    ASSERT_TRUE(first) << first.error().detail;
    EXPECT_EQ(first->person.role, Role::kUser);
    const auto renamed = people_->sign_in_as("https://idp 1", "caroline", "Carol", origin_);
    ASSERT_TRUE(renamed);
    EXPECT_EQ(renamed->person.id, first->person.id);
    EXPECT_FALSE(people_->sign_in("carol", "", origin_));
}

TEST_F(PeopleTest, TheLogIsReadInPagesAndByKind) {
    for (int i = 0; i < 5; ++i)
        person(fmt::format("p{}", i));
    const auto page =
        people_->activity({.before = {}, .person = {}, .action = "person.", .limit = 2});
    ASSERT_EQ(page->size(), 2U);
    EXPECT_EQ(page->front().object, "p4");
    const auto next = people_->activity(
        {.before = page->back().id, .person = {}, .action = "person.create", .limit = 10});
    EXPECT_EQ(next->size(), 3U);
    EXPECT_TRUE(
        people_->activity({.before = {}, .person = {}, .action = "key.", .limit = 10})->empty());
}

/// Whatever fails, a change and its entry in the log are both there or both not.
TEST_F(PeopleTest, NoFailureSeparatesAChangeFromItsEntry) {
    int round = 0;
    for (const auto trouble :
         {store::Trouble::kRefused, store::Trouble::kLostBefore, store::Trouble::kLostAfter}) {
        bool fired = true;
        for (int n = 1; fired; ++n) {
            const std::string login = fmt::format("p{}", ++round);
            store_->faults().arm(n, trouble);
            const auto made = people_->create(login, "", Role::kUser, kGood, false, by_);
            fired = store_->faults().fired();
            store_->faults().disarm();
            const auto rows = store_->pool().one<std::int64_t, std::int64_t>(
                "SELECT (SELECT count(*) FROM person WHERE name = $1), (SELECT count(*) FROM "
                "activity "
                "WHERE object = $1)",
                login);
            const auto [persons, entries] = **rows;
            EXPECT_EQ(persons, entries) << login;
            EXPECT_TRUE(!made || persons == 1) << login;
        }
    }
}

TEST(Permissions, AreWhatTheTableSays) {
    for (std::size_t i = 0; i < kRoles.size(); ++i) {
        EXPECT_EQ(static_cast<std::size_t>(kRoles[i].role), i);
        EXPECT_EQ(role_of(kRoles[i].name), kRoles[i].role);
        EXPECT_TRUE(allowed(kRoles[i].role, Permission::kChat)) << kRoles[i].name;
        // Only administrators make people and change settings.
        const bool admin = kRoles[i].role == Role::kAdmin;
        EXPECT_EQ(allowed(kRoles[i].role, Permission::kPeopleManage), admin) << kRoles[i].name;
        EXPECT_EQ(allowed(kRoles[i].role, Permission::kSettingsManage), admin) << kRoles[i].name;
    }
    EXPECT_TRUE(kRoles[0].may.all());
    EXPECT_FALSE(allowed(Role::kReader, Permission::kDocumentsWrite));
    EXPECT_FALSE(allowed(Role::kUser, Permission::kTraffic));
    EXPECT_FALSE(role_of("root"));
}

TEST(Secrets, AreRandomAndChecked) {
    EXPECT_NE(*make_token(), *make_token());
    EXPECT_EQ(make_token()->size(), 43U);
    EXPECT_EQ(token_hash("x").size(), 32U);
    const std::string hash = *hash_password(kGood, Hardness::kUsual);
    EXPECT_TRUE(hash.starts_with("$argon2id$v=19$m=32768,t=3,p=1$")) << hash;
    EXPECT_TRUE(check_password(hash, kGood, Hardness::kUsual));
    EXPECT_FALSE(check_password(hash, kOther, Hardness::kUsual));
    EXPECT_FALSE(check_password("", "nobody's password", Hardness::kUsual));
    EXPECT_FALSE(is_weak(hash, Hardness::kUsual));
    EXPECT_TRUE(is_weak(*hash_password(kGood, Hardness::kTests), Hardness::kUsual));
    EXPECT_TRUE(good_password(*make_password(), "bob"));
}

}  // namespace
}  // namespace segue::people
