#include "llm/ollama/front/lists.hpp"

#include <gtest/gtest.h>

#include <nlohmann/json.hpp>

#include "base/text.hpp"

namespace segue::llm {
namespace {

using nlohmann::json;

ServedModel tiny() {
    ServedModel model;
    model.client_name = "segue-tiny";
    model.served_name = "segue-tiny";
    model.root = "/models/segue-tiny";
    model.max_model_len = 1024;
    model.capabilities = {"completion", "tools", "thinking"};
    model.first_seen = FakeClock().wall();
    return model;
}

std::string keys(const nlohmann::ordered_json& object) {
    std::string out;
    for (const auto& item : object.items())
        out += item.key() + " ";
    return out;
}

TEST(OllamaLists, TagsEntryHasEveryKeyInOrder) {  // C54, recording get_api_tags
    Profile profile;
    profile.family = "llama";
    profile.embedding_length = 128;
    const std::vector cards{make_vllm_card(tiny(), profile)};
    const std::string text = render_tags(cards);
    EXPECT_EQ(text,
              render_tags(std::vector{make_vllm_card(tiny(), profile)}));  // equal after a restart
    const auto entry = nlohmann::ordered_json::parse(text)["models"][0];
    EXPECT_EQ(keys(entry), "name model modified_at size digest details capabilities ");
    EXPECT_EQ(keys(entry["details"]),
              "parent_model format family families parameter_size quantization_level "
              "context_length embedding_length ");
    EXPECT_EQ(entry["name"], "segue-tiny:latest");
    EXPECT_EQ(entry["digest"].get<std::string>(),
              sha256_hex("segue\nsegue-tiny\n/models/segue-tiny\n1024"));
    EXPECT_EQ(entry["details"]["families"], json::array({"llama"}));
    EXPECT_EQ(entry["modified_at"], "2026-11-23T09:35:28.000000Z");
    EXPECT_EQ(render_tags({}), R"({"models":[]})");
}

TEST(OllamaLists, NewestFirstAndUnknownIsEmptyNotNull) {
    ServedModel newer = tiny();
    newer.client_name = "Newer:1b";
    newer.first_seen += std::chrono::seconds(1);
    newer.capabilities.clear();
    const auto models = json::parse(
        render_tags(std::vector{make_vllm_card(tiny(), {}), make_vllm_card(newer, {})}))["models"];
    EXPECT_EQ(models[0]["name"], "newer:1b");
    EXPECT_EQ(models[0]["capabilities"], json::array({"completion"}));
    EXPECT_EQ(models[0]["details"]["families"], json::array());
    EXPECT_EQ(models[0]["details"]["family"], "");
    EXPECT_EQ(models[0]["size"], 1);
}

TEST(OllamaLists, PsSaysForeverOnTheGpu) {  // C55, recording get_api_ps
    Profile profile;
    profile.parameter_count = 1'000;
    const auto entry = nlohmann::ordered_json::parse(
        render_ps(std::vector{make_vllm_card(tiny(), profile)}, FakeClock().wall()))["models"][0];
    EXPECT_EQ(keys(entry), "name model size digest details expires_at size_vram context_length ");
    EXPECT_EQ(keys(entry["details"]),
              "parent_model format family families parameter_size quantization_level ");
    EXPECT_EQ(entry["size"], 2'000);
    EXPECT_EQ(entry["size"], entry["size_vram"]);
    EXPECT_EQ(entry["context_length"], 1024);
    EXPECT_TRUE(entry["expires_at"].get<std::string>().starts_with("2126-"));
}

TEST(OllamaLists, Show) {  // C56, recording show_created
    Profile profile;
    profile.architecture = "llama";
    profile.parameter_count = 885'888;
    profile.parameters.temperature = 0.1;
    profile.parameters.stop = {"<|im_end|>"};
    profile.system = "You are a helpful assistant.";
    const auto show = nlohmann::ordered_json::parse(render_show(make_vllm_card(tiny(), profile)));
    EXPECT_EQ(keys(show),
              "modelfile parameters template system details model_info capabilities modified_at ");
    EXPECT_EQ(show["parameters"],
              "num_ctx                        1024\nstop                           \"<|im_end|>\"\n"
              "temperature                    0.1");
    EXPECT_EQ(show["model_info"]["llama.context_length"], 1024);
    EXPECT_EQ(show["model_info"]["general.basename"], "segue-tiny:latest");
    EXPECT_EQ(show["capabilities"], json::array({"completion", "tools", "thinking"}));
    EXPECT_EQ(show["template"], "{{ .Prompt }}");
    EXPECT_NE(show["modelfile"].get<std::string>().find("\nFROM segue-tiny:latest\n"),
              std::string::npos);
    EXPECT_NE(show["modelfile"].get<std::string>().find("\nPARAMETER temperature 0.1\n"),
              std::string::npos);
    // GitHub Copilot asks for its own name there (wire 1.10).
    EXPECT_EQ(json::parse(render_show(make_vllm_card(tiny(), {}),
                                      "Asked"))["model_info"]["general.basename"],
              "Asked");
    EXPECT_EQ(json::parse(
                  render_show(make_vllm_card(tiny(), {})))["model_info"]["unknown.context_length"],
              1024);
    profile.capabilities = {{"completion", "insert"}};
    EXPECT_EQ(make_vllm_card(tiny(), profile).template_text, "{{ .Prompt }}{{ .Suffix }}");
}

TEST(OllamaLists, AnEnginesOwnJsonIsShownAsItIs) {
    ModelCard card;
    card.raw_tags_entry = R"({"name":"a","x":1})";
    card.raw_ps_entry = R"({"name":"b"})";
    card.raw_show = R"({"details":{}})";
    EXPECT_EQ(render_tags(std::vector{card}), R"({"models":[{"name":"a","x":1}]})");
    EXPECT_EQ(render_ps(std::vector{card}, {}), R"({"models":[{"name":"b"}]})");
    EXPECT_EQ(render_show(card), R"({"details":{}})");
}

TEST(OllamaLists, Version) {
    EXPECT_EQ(render_version("0.33.0"), R"({"version":"0.33.0"})");
}  // C53

}  // namespace
}  // namespace segue::llm
