#include "serve/config.hpp"

#include <gtest/gtest.h>

#include <map>

namespace segue::serve {
namespace {

LoadedConfig read(std::string_view text,
                  std::map<std::string, std::string, std::less<>> environment = {}) {
    return read_config(text, text.empty() ? "" : "segue.yaml", {},
                       [environment](std::string_view name) -> std::optional<std::string> {
                           const auto found = environment.find(name);
                           return found == environment.end() ? std::nullopt
                                                             : std::optional(found->second);
                       });
}

std::string first_issue(const LoadedConfig& loaded) {
    return loaded.issues.empty() ? "" : loaded.issues.front().to_string();
}

TEST(Config, TheFileThatInitWritesIsRight) {
    const auto loaded = read(initial_config());
    EXPECT_EQ(first_issue(loaded), "");
    EXPECT_EQ(loaded.config.registry.engines.size(), 2U);
}

TEST(Config, WhatIsShownReadsBack) {
    const auto loaded = read(
        "engines: [{name: v, url: \"http://127.0.0.1:1\"}]\nmodels: [{name: m, targets: [{engine: "
        "v, model: x}]}]\n");
    ASSERT_EQ(first_issue(loaded), "");
    const auto again = read(show_config(loaded.config));
    EXPECT_EQ(first_issue(again), "");
    EXPECT_EQ(show_config_json(again.config), show_config_json(loaded.config));
}

TEST(Config, KeysAreMasked) {
    const auto loaded = read(
        "keys: [topsecret]\nengines: [{name: v, url: \"http://127.0.0.1:1\", api_key: "
        "alsosecret}]\n");
    EXPECT_EQ(show_config(loaded.config).find("secret"), std::string::npos);
}

TEST(Config, MistakesNameTheirPlaceAndTheNearestName) {
    EXPECT_EQ(first_issue(read("enignes: []\n")),
              "segue.yaml:1:1: unknown key 'enignes'; did you mean 'engines'?");
    EXPECT_EQ(
        first_issue(read("engines:\n  - name: vllm\n    url: http://127.0.0.1:8000\nmodels:\n  - "
                         "name: m\n    targets:\n      - engine: vlm\n")),
        "segue.yaml:7:17: no engine is called 'vlm'; did you mean 'vllm'?");
    EXPECT_EQ(first_issue(read("engines:\n  - name: vllm\n    url: \"not a url\"\n")),
              "segue.yaml:3:10: 'not a url' is not a URL such as http://127.0.0.1:8000");
    EXPECT_EQ(first_issue(read("limits: {max_body: lots}\n")),
              "segue.yaml:1:20: 'limits.max_body' must be a size such as 64MiB, not 'lots'");
    EXPECT_EQ(first_issue(read("listen: here\n")),
              "segue.yaml:1:9: 'here' is not an address such as 127.0.0.1:8484");
    for (const char* listen : {"127.0.0.1:0", "8484", ":8484", "\"[::1]:8484\""})
        EXPECT_EQ(first_issue(read(std::string("listen: ") + listen + "\n")), "") << listen;
    EXPECT_EQ(first_issue(read("", {{"AI_BACKEND", "gpu"}})),
              "AI_BACKEND: 'gpu' is not one of ollama, vllm, auto");
}

TEST(Config, ClientsLeaveDescriptorsForEngines) {
    const auto loaded = read("limits: {max_connections: 5000}\n");
    EXPECT_EQ(limits_for(loaded.config, true, 1U << 20).max_connections, 5000U);
    EXPECT_EQ(limits_for(loaded.config, true, 4096).max_connections, 3072U);
    EXPECT_EQ(limits_for(loaded.config, true, 128).max_connections, 64U);
    EXPECT_EQ(limits_for(loaded.config, true, 10).max_connections, 1U);
    const auto unlimited = read("limits: {max_connections: 0}\n");
    EXPECT_EQ(limits_for(unlimited.config, true, 4096).max_connections, 3072U);
}

TEST(Config, EnvironmentAloneIsEnough) {
    const auto loaded = read("", {{"OLLAMA_URL", "http://10.0.0.4:11434"},
                                  {"VLLM_ENDPOINT", "http://10.0.0.5:8000/v1"},
                                  {"OLLAMA_MODEL", "llama3.1:8b"},
                                  {"VLLM_MODEL", "meta/Llama-3.1-8B"},
                                  {"VLLM_API_KEY", "k"},
                                  {"AI_BACKEND", "vllm"}});
    ASSERT_EQ(first_issue(loaded), "");
    const auto& registry = loaded.config.registry;
    ASSERT_EQ(registry.engines.size(), 2U);
    EXPECT_EQ(registry.engines[0].api_key, "");
    EXPECT_EQ(registry.engines[1].origin.to_string(), "http://10.0.0.5:8000");
    EXPECT_EQ(registry.engines[1].api_key, "k");
    ASSERT_EQ(registry.models.size(), 2U);
    EXPECT_EQ(registry.models[0].targets[1].model, "meta/Llama-3.1-8B");
    EXPECT_EQ(registry.default_model, "llama3.1:8b");
    EXPECT_EQ(registry.backend, engine::Backend::kVllm);
    EXPECT_FALSE(loaded.config.discover);
}

TEST(Config, OwnAddressInOllamaHostIsNoEngine) {
    EXPECT_TRUE(read("", {{"OLLAMA_HOST", "127.0.0.1:8484"}}).config.discover);
    EXPECT_TRUE(read("", {{"OLLAMA_HOST", "http://localhost:8484"}}).config.discover);
    EXPECT_FALSE(read("", {{"OLLAMA_HOST", "0.0.0.0:11434"}}).config.discover);
}

TEST(Config, ClientsOfALoopbackListenerShareAnAddress) {
    const auto loaded = read("");
    EXPECT_EQ(limits_for(loaded.config, true, 1U << 20).max_connections_per_address, 0U);
    EXPECT_EQ(limits_for(loaded.config, false, 1U << 20).max_connections_per_address, 1024U);
    const auto set = read("limits: {max_connections_per_address: 7, min_body_rate: 2k}\n");
    EXPECT_EQ(first_issue(set), "");
    EXPECT_EQ(limits_for(set.config, true, 1U << 20).max_connections_per_address, 7U);
    EXPECT_EQ(set.config.limits.min_body_rate, 2048U);
    EXPECT_EQ(first_issue(read("limits: {max_connections: -1}\n")),
              "segue.yaml:1:27: 'limits.max_connections' must be a whole number from 0 to 1000000, "
              "not '-1'");
}

}  // namespace
}  // namespace segue::serve
