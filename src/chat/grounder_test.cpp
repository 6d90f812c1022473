#include "chat/grounder.hpp"

#include <gtest/gtest.h>

#include <future>
#include <nlohmann/json.hpp>

namespace segue::chat {
namespace {

using namespace std::chrono_literals;

std::vector<Source> two_sources() {
    Source lunch;
    lunch.n = 1;
    lunch.title = "Handbook";
    lunch.path = "handbook.md";
    lunch.heading = {"Handbook", "Canteen"};
    lunch.text = "Lunch is served at noon in the canteen.";
    lunch.first_line = 3;
    lunch.last_line = 9;
    Source parking;
    parking.n = 2;
    parking.path = "parking.pdf";
    parking.page = 4;
    parking.text = "Parking costs four euros a day.";
    return {lunch, parking};
}

TEST(Closing, NamesWhatTheAnswerCites) {
    const auto closing = closing_of("Lunch is served at noon [1].", two_sources());
    EXPECT_EQ(closing.text, "\n\nSources:\n[1] Handbook › Canteen (handbook.md, lines 3-9)");
    const auto sources = nlohmann::json::parse(closing.sources);
    ASSERT_EQ(sources.size(), 2U);
    EXPECT_EQ(sources[0]["cited"], true);
    EXPECT_EQ(sources[0]["supported"], true);
    EXPECT_EQ(sources[1]["cited"], false);
    EXPECT_EQ(sources[1]["supported"], nullptr);
    EXPECT_EQ(sources[1]["page"], 4);
}

TEST(Closing, SaysWhenAPassageDoesNotBearItOut) {
    const auto closing =
        closing_of("The moon is made of cheese and very far away [2].", two_sources());
    EXPECT_EQ(closing.text,
              "\n\nSources:\n[2] parking.pdf, page 4 - does not say what it is cited for");
    EXPECT_EQ(nlohmann::json::parse(closing.sources)[1]["supported"], false);
}

TEST(Closing, WithoutAnyMarkAllOfThemAreNamed) {
    const auto closing = closing_of("Lunch is at noon.", two_sources());
    EXPECT_NE(closing.text.find("cites none"), std::string::npos);
    EXPECT_NE(closing.text.find("[1]"), std::string::npos);
    EXPECT_NE(closing.text.find("[2]"), std::string::npos);
}

TEST(Closing, LongPassagesAreCutForPrograms) {
    auto sources = two_sources();
    sources[0].text.clear();
    for (int i = 0; i < 3000; ++i)
        sources[0].text += "é";
    const auto parsed = nlohmann::json::parse(closing_of("", sources).sources);
    EXPECT_LE(parsed[0]["text"].get<std::string>().size(), 2'003U);
}

TEST(PassagesAlone, AreLabelled) {
    const auto text = passages_alone(two_sources(), "handbook");
    EXPECT_TRUE(text.starts_with("No model answers now. These passages of handbook match"));
    EXPECT_NE(text.find("Lunch is served at noon"), std::string::npos);
    EXPECT_NE(text.find("[2] parking.pdf, page 4"), std::string::npos);
}

/// Nobody asks it here.
class NoApi final : public gateway::OwnApi {
public:
    std::unique_ptr<gateway::OwnWork> begin(gateway::OwnRequest, gateway::OwnSink&) override {
        return nullptr;
    }
    bool guarded(const net::RequestHead&) const override { return true; }
    std::size_t body_limit(const net::RequestHead&) const override { return 0; }
};

class Passages final : public Retrieval {
public:
    Result<Found> search(const Person& person, std::string_view question,
                         const std::vector<std::string>& collections, std::size_t) override {
        asked = question;
        role = person.role;
        if (collections.front() != "handbook")
            return fail(Fault::kNotFound, "there is no collection like that; there are: handbook");
        Found found;
        if (question.find("Lunch") != std::string_view::npos) found.sources = two_sources();
        return found;
    }
    Result<std::vector<std::string>> readable(const Person&) override {
        return std::vector<std::string>{"handbook", "segue"};
    }
    std::vector<std::string> names(const std::vector<std::string>& all) override { return all; }
    std::string asked;
    std::string role;
};

class GrounderTest : public ::testing::Test {
protected:
    GrounderTest()
        : gateway_(clock_, api_, std::move(*gateway::AliasStore::open(""))),
          grounder_(gateway_, passages_) {
        gateway_.reload({},
                        std::make_shared<engine::Registry>(engine::Registry::Options{}, clock_));
    }
    gateway::Retriever::Found find(std::string collection, std::vector<std::string> questions,
                                   bool has_key = false) {
        gateway::Wanted wanted{"m", std::move(collection), {}, has_key};
        for (auto& question : questions) {
            llm::Message message;
            message.role = "user";
            message.parts.emplace_back(llm::TextPart{std::move(question)});
            wanted.turns.push_back(std::move(message));
        }
        std::promise<gateway::Retriever::Found> promise;
        grounder_.find(std::move(wanted), [&](auto found) { promise.set_value(std::move(found)); });
        return promise.get_future().get();
    }
    SystemClock clock_;
    NoApi api_;
    gateway::Gateway gateway_;
    Passages passages_;
    Grounder grounder_;
};

TEST_F(GrounderTest, MakesAPromptOfThePassages) {
    const auto found = find("handbook", {"Lunch at what time of the day?"}, true);
    ASSERT_TRUE(found) << found.error().message;
    EXPECT_NE((*found)->passages.find("[2] (parking.pdf)"), std::string::npos);
    EXPECT_EQ((*found)->said, "");
    EXPECT_NE((*found)->without_engine->said.find("No model answers now"), std::string::npos);
    EXPECT_EQ(passages_.role, "program");
}

TEST_F(GrounderTest, AShortQuestionIsLookedUpBehindTheOneBefore) {
    ASSERT_TRUE(find("handbook", {"When is Lunch served here?", "and how much?"}));
    EXPECT_EQ(passages_.asked, "When is Lunch served here?\nand how much?");
    EXPECT_EQ(passages_.role, "") << "nobody showed a key";
}

TEST_F(GrounderTest, WhereNothingMatchesNoEngineIsAsked) {
    const auto found = find("handbook", {"Why is the sky blue?"});
    ASSERT_TRUE(found);
    EXPECT_EQ((*found)->said, "Nothing in the documents of handbook answers this question.");
    EXPECT_EQ((*found)->closing("").sources, "[]");
}

TEST_F(GrounderTest, AnUnknownCollectionNamesThoseThatAreThere) {
    const auto found = find("secret", {"Lunch?"});
    ASSERT_FALSE(found);
    EXPECT_EQ(found.error().cause, llm::Failure::Cause::kModelNotFound);
    EXPECT_NE(found.error().message.find("there are: handbook"), std::string::npos);
    EXPECT_FALSE(find("handbook", {" "}));
    EXPECT_FALSE(find("handbook", {}));
}

TEST_F(GrounderTest, ListsWhatIsWantedAndReadable) {
    EXPECT_TRUE(grounder_.listed().empty());
    const auto wait_for = [&](const std::vector<std::string>& wanted) {
        for (int i = 0; i < 500 && grounder_.listed() != wanted; ++i)
            std::this_thread::sleep_for(10ms);
        EXPECT_EQ(grounder_.listed(), wanted);
    };
    grounder_.list({"handbook", "secret"});
    wait_for({"handbook"});
    grounder_.list({"*"});
    wait_for({"handbook", "segue"});
    grounder_.list({});
    wait_for({});
}

}  // namespace
}  // namespace segue::chat
