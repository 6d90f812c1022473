#include "serve/discovery.hpp"

#include <gtest/gtest.h>

#include <array>

namespace segue::serve {
namespace {

std::vector<std::string> names(const engine::Registry::Options& options) {
    std::vector<std::string> out;
    for (const auto& engine : options.engines)
        out.push_back(engine.name);
    return out;
}

TEST(Discovery, ASegueWhereOllamaWasIsNotItsOwnEngine) {
    const SystemClock clock;
    engine::Registry::Options all;
    add_usual_engines(all, clock);
    EXPECT_EQ(names(all), (std::vector<std::string>{"vllm", "ollama"}));
    engine::Registry::Options rest;
    add_usual_engines(rest, clock, std::array<std::uint16_t, 2>{8484, 11434});
    EXPECT_EQ(names(rest), (std::vector<std::string>{"vllm"}));
}

}  // namespace
}  // namespace segue::serve
