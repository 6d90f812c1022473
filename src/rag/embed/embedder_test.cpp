#include "rag/embed/embedder.hpp"

#include <gtest/gtest.h>

#include <cmath>
#include <filesystem>
#include <fstream>
#include <numeric>
#include <thread>

#include "rag/embed/test_model.hpp"

namespace segue::rag {
namespace {

double cosine(const Vector& a, const Vector& b) {
    return std::inner_product(a.begin(), a.end(), b.begin(), 0.0);
}

TEST(Embedder, NormalisesAndRefusesTheZeroVector) {
    Vector vector{3, 4};
    EXPECT_TRUE(normalise(vector));
    EXPECT_FLOAT_EQ(vector[0], 0.6F);
    Vector zero{0, 0};
    EXPECT_FALSE(normalise(zero));
    Vector broken{std::nanf(""), 1};
    EXPECT_FALSE(normalise(broken));
}

TEST(Embedder, MissingFilesAreNamed) {
    const auto folder = std::filesystem::temp_directory_path() / "segue-no-model";
    std::filesystem::create_directories(folder);
    const auto found = find_embedding_files(
        [&](std::string_view name) -> std::optional<std::string> {
            if (name == "SEGUE_EMBEDDING_DIR") return folder.string();
            return std::nullopt;
        },
        "/nowhere/segue");
    ASSERT_FALSE(found);
    EXPECT_NE(found.error().detail.find("no embedding model"), std::string::npos);
    const auto nowhere =
        find_embedding_files([](std::string_view) { return std::nullopt; }, "/nowhere/segue");
    ASSERT_FALSE(nowhere);
    EXPECT_NE(nowhere.error().detail.find("SEGUE_EMBEDDING_DIR"), std::string::npos);
    std::filesystem::remove_all(folder);
}

TEST(Embedder, ABrokenModelIsAnError) {
    auto files = test_model_files();
    if (!files) GTEST_SKIP() << files.error().detail;
    const auto folder = std::filesystem::temp_directory_path() / "segue-broken-model";
    std::filesystem::create_directories(folder);
    std::filesystem::copy_file(files->folder + "/tokenizer.json", folder / "tokenizer.json",
                               std::filesystem::copy_options::overwrite_existing);
    std::ofstream(folder / "model.onnx") << "no model";
    files->folder = folder.string();
    const auto opened = open_local_embedder(*files, 1);
    ASSERT_FALSE(opened);
    EXPECT_NE(opened.error().detail.find("model.onnx"), std::string::npos) << opened.error().detail;
    std::ofstream(folder / "model.json") << R"({"name":"x","dimensions":0})";
    EXPECT_FALSE(open_local_embedder(*files, 1));
    std::filesystem::remove_all(folder);
}

TEST(Embedder, AVectorDependsOnItsTextOnly) {
    const auto files = test_model_files();
    if (!files) GTEST_SKIP() << files.error().detail;
    const auto embedder = open_local_embedder(*files, 3);
    ASSERT_TRUE(embedder) << embedder.error().detail;
    const std::vector<std::string> texts{
        "Set OLLAMA_HOST to Segue's address, and every client keeps working.", "a",
        "The heat flux at the stagnation point of a blunt body in hypersonic flow.", ""};
    const auto together = (*embedder)->embed(texts, TextRole::kPassage);
    ASSERT_TRUE(together) << together.error().detail;
    for (std::size_t i = 0; i < texts.size(); ++i) {
        const auto alone = (*embedder)->embed_one(texts[i], TextRole::kPassage);
        ASSERT_TRUE(alone);
        EXPECT_EQ(alone->size(), 384U);
        EXPECT_EQ(*alone, (*together)[i]);
        EXPECT_NEAR(cosine(*alone, *alone), 1.0, 1e-5);
    }
    const auto question =
        (*embedder)->embed_one("how do I point my application at Segue?", TextRole::kQuestion);
    ASSERT_TRUE(question);
    // Python's runtime with the reference tokenizer: 0.68 and 0.46; int8 kernels differ a little.
    EXPECT_GT(cosine(*question, (*together)[0]), cosine(*question, (*together)[2]) + 0.1);
}

TEST(Embedder, ThreadsMayShareIt) {
    const auto files = test_model_files();
    if (!files) GTEST_SKIP() << files.error().detail;
    const auto embedder = open_local_embedder(*files, 1);
    ASSERT_TRUE(embedder);
    const auto expected = (*embedder)->embed_one("one text", TextRole::kQuestion);
    ASSERT_TRUE(expected);
    std::vector<std::jthread> threads;
    for (int i = 0; i < 4; ++i)
        threads.emplace_back([&] {
            for (int k = 0; k < 5; ++k) {
                const auto made = (*embedder)->embed_one("one text", TextRole::kQuestion);
                EXPECT_TRUE(made && *made == *expected);
            }
        });
}

}  // namespace
}  // namespace segue::rag
