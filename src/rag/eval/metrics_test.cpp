#include "rag/eval/metrics.hpp"

#include <gtest/gtest.h>

#include <cmath>
#include <filesystem>
#include <fstream>

#include "rag/eval/dataset.hpp"
#include "rag/eval/evaluation.hpp"
#include "rag/eval/scratch.hpp"
#include "store/test_kit.hpp"

namespace segue::rag::eval {
namespace {

using Grades = std::map<std::string, int, std::less<>>;

// By hand as trec_eval 9 has it: ndcg_cut.10, recall.100, recip_rank.
TEST(Metrics, AreTrecEvals) {
    const Grades grades{{"a", 3}, {"b", 1}, {"c", 2}, {"n", 0}, {"m", -1}};
    const std::vector<std::string> ranked{"n", "b", "x", "a"};
    const auto quality = measure(ranked, grades);
    const double dcg = 1 / std::log2(3.0) + 3 / std::log2(5.0);
    const double ideal = 3 + 2 / std::log2(3.0) + 1 / std::log2(4.0);
    EXPECT_NEAR(quality.ndcg10, dcg / ideal, 1e-12);
    EXPECT_NEAR(quality.recall100, 2.0 / 3, 1e-12);
    EXPECT_NEAR(quality.mrr10, 0.5, 1e-12);
}

TEST(Metrics, LookAtTheirDepthsOnly) {
    std::vector<std::string> ranked;
    for (int i = 0; i < 150; ++i)
        ranked.push_back("x" + std::to_string(i));
    const Grades grades{{"x10", 1}, {"x99", 1}, {"x100", 1}, {"missing", 1}};
    const auto quality = measure(ranked, grades);
    EXPECT_EQ(quality.ndcg10, 0);
    EXPECT_EQ(quality.mrr10, 0);
    EXPECT_NEAR(quality.recall100, 0.5, 1e-12);
    EXPECT_EQ(measure(ranked, Grades{{"x1", 0}}).ndcg10, 0);
}

TEST(Metrics, IntervalsAndSigns) {
    const std::vector<double> values{0, 1, 0, 1, 1, 0, 1, 1, 0, 1};
    const auto interval = bootstrap(values);
    EXPECT_LT(interval.low, 0.6);
    EXPECT_GT(interval.high, 0.6);
    EXPECT_EQ(bootstrap(values).low, interval.low);
    EXPECT_LT(sign_flip_p(std::vector<double>(20, 0.1)), 0.001);
    EXPECT_GT(sign_flip_p(std::vector<double>{0.1, -0.1, 0.2, -0.2}), 0.5);
    EXPECT_EQ(quantile({3, 1, 2, 4}, 0.5), 2);
    EXPECT_EQ(quantile({3, 1, 2, 4}, 0.95), 4);
}

class DatasetFiles : public testing::Test {
protected:
    void write(const std::string& name, const std::string& text) {
        const auto path = std::filesystem::path(folder_) / name;
        std::filesystem::create_directories(path.parent_path());
        std::ofstream(path) << text;
    }
    store::TestFolder storage_;
    const std::string& folder_ = storage_.path();
};

TEST_F(DatasetFiles, BothLayoutsAreRead) {
    write("docs.jsonl",
          "{\"id\":1,\"title\":\"t\",\"text\":\"x\"}\n\n{\"id\":\"2\",\"text\":\"y\"}\r\n");
    write("queries.tsv", "1\tfirst question\n7\tnobody judged\n");
    write("qrels.tsv", "query-id\tdoc-id\tgrade\n1\t2\t3\n1\t1\t0\n9\t1\t1\n");
    const auto own = read_dataset(folder_);
    ASSERT_TRUE(own) << own.error().detail;
    EXPECT_EQ(own->documents.size(), 2U);
    EXPECT_EQ(own->documents[0].id, "1");
    ASSERT_EQ(own->questions.size(), 1U);
    EXPECT_EQ(own->questions[0].grades.at("2"), 3);
    EXPECT_EQ(own->unjudged, 1U);
    for (const char* name : {"docs.jsonl", "queries.tsv", "qrels.tsv"})
        std::filesystem::remove(folder_ + "/" + name);
    write("corpus.jsonl", "{\"_id\":\"d1\",\"title\":\"\",\"text\":\"x\"}\n");
    write("queries.jsonl", "{\"_id\":\"q1\",\"text\":\"ask\"}\n");
    write("qrels/test.tsv", "query-id\tcorpus-id\tscore\nq1\td1\t1\n");
    const auto beir = read_dataset(folder_);
    ASSERT_TRUE(beir) << beir.error().detail;
    EXPECT_EQ(beir->questions[0].text, "ask");
}

TEST_F(DatasetFiles, WhatIsWrongIsNamedWithItsLine) {
    const auto said = [&] {
        const auto read = read_dataset(folder_);
        return read ? std::string("fine") : read.error().detail;
    };
    EXPECT_NE(said().find("holds none of docs.jsonl, corpus.jsonl"), std::string::npos) << said();
    write("docs.jsonl", "{\"id\":1,\"text\":\"x\"}\n{\"text\":\"y\"}\n");
    EXPECT_NE(said().find("docs.jsonl:2: no 'id'"), std::string::npos) << said();
    write("docs.jsonl", "{\"id\":1,\"text\":\"x\"}\n{\"id\":\"1\"}\n");
    EXPECT_NE(said().find("document '1' is there twice"), std::string::npos) << said();
    write("docs.jsonl", "{\"id\":1,\"text\":\"x\"}\n");
    write("queries.tsv", "1 no tab\n");
    EXPECT_NE(said().find("queries.tsv:1:"), std::string::npos) << said();
    write("queries.tsv", "1\task\n");
    write("qrels.tsv", "1\t1\t1\n1\t1\tx\n");
    EXPECT_NE(said().find("qrels.tsv:2: 'x' is no grade"), std::string::npos) << said();
    write("qrels.tsv", "1\t1\t0\n");
    EXPECT_NE(said().find("no question"), std::string::npos) << said();
}

TEST(Evaluation, SettingsAreParsed) {
    EXPECT_EQ(parse_setting("keyword:k1=0.9,b=0.4")->ranking.b, 0.4);
    EXPECT_EQ(parse_setting("hybrid:rrf=60")->ranking.rrf, 60);
    for (const std::string_view wrong :
         {"", "magic", "hybrid:x=1", "hybrid:b=2", "hybrid:rrf=", "keyword:k1"})
        EXPECT_FALSE(parse_setting(wrong)) << wrong;
}

TEST(Evaluation, MeasuresInAScratchSchemaAndLeavesNothing) {
    SEGUE_NEEDS_DATABASE();
    Dataset dataset;
    dataset.documents = {
        {"a", "Fox", "the red fox runs"}, {"b", "", "a blue whale"}, {"c", "", "a blue whale"}};
    dataset.questions = {{"1", "red foxes", {{"a", 1}}}, {"2", "whales", {{"b", 1}, {"c", 1}}}};
    EvaluationOptions options;
    options.endpoint = [] { return Result<std::string>(store::TestCluster::shared().endpoint()); };
    options.settings = {*parse_setting("keyword"), *parse_setting("keyword:b=0"),
                        *parse_setting("hybrid")};
    options.without_embedder = "this test has none";
    const auto report = evaluate(dataset, options);
    ASSERT_TRUE(report) << report.error().detail;
    ASSERT_EQ(report->runs.size(), 2U);
    EXPECT_EQ(report->runs[0].ndcg10.value, 1);
    EXPECT_EQ(report->runs[0].recall100.value, 1);
    EXPECT_EQ(report->without_vector, "this test has none");
    EXPECT_EQ(compare(report->runs[0], report->runs[1])[0].mean, 0);
    options.cancelled = [] { return true; };
    EXPECT_FALSE(evaluate(dataset, options));
    store::ConnectOptions connect;
    connect.conninfo = store::TestCluster::shared().endpoint();
    const auto connection = store::Connection::open(connect);
    ASSERT_TRUE(connection);
    // What a killed process leaves behind goes with the next evaluation.
    ASSERT_TRUE((*connection)->execute("CREATE SCHEMA segue_scratch_abandoned"));
    options.cancelled = nullptr;
    ASSERT_TRUE(evaluate(dataset, options));
    const auto left =
        (*connection)
            ->one<std::int64_t>(
                "SELECT count(*) FROM pg_namespace WHERE nspname LIKE 'segue_scratch%'");
    ASSERT_TRUE(left && *left);
    EXPECT_EQ(std::get<0>(**left), 0);
}

}  // namespace
}  // namespace segue::rag::eval
