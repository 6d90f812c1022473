// Any text is a configuration or gives issues that can be printed; nothing crashes.
#include <array>
#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "base/check.hpp"
#include "base/json.hpp"
#include "base/settings.hpp"

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
    using segue::Settings;
    if (size > 65536) return 0;
    // NOLINTNEXTLINE(cppcoreguidelines-pro-type-reinterpret-cast): libFuzzer gives bytes
    const std::string_view text(reinterpret_cast<const char*>(data), size);
    const auto environment = [](std::string_view) { return std::optional<std::string>(); };
    static constexpr std::array<std::string_view, 2> kNames{"ollama", "vllm"};

    std::vector<segue::SettingIssue> issues;
    auto top = Settings::parse(text, "fuzz.yaml", environment, issues);
    (void)top.string("listen");
    (void)top.integer("workers", 0, 256);
    (void)top.number("share", 0, 1);
    (void)top.boolean("store");
    (void)top.duration("drain");
    (void)top.strings("keys");
    (void)top.choice("backend", kNames);
    if (auto limits = top.section("limits")) {
        (void)limits->bytes("max_body");
        (void)limits->duration("idle_timeout");
        limits->finish();
    }
    for (Settings& engine : top.list("engines")) {
        (void)engine.string("name");
        (void)engine.string("url");
        if (auto profile = engine.section("profile")) {
            for (const auto& [name, value] : profile->scalars("parameters"))
                SEGUE_CHECK(segue::json::is_valid(value));
            profile->finish();
        }
        engine.finish();
    }
    top.finish();
    for (const segue::SettingIssue& issue : issues)
        SEGUE_CHECK(!issue.message.empty() && !issue.to_string().empty());
    return 0;
}
