#include "engine/rehearsal/script.hpp"

#include <fmt/format.h>

#include <array>
#include <charconv>
#include <utility>

#include "base/json.hpp"
#include "base/text.hpp"
#include "engine/rehearsal/tokens.hpp"

namespace segue::engine::rehearsal {
namespace {

constexpr std::array<std::pair<std::string_view, std::string_view>, 12> kCapitals{{
    {"France", "Paris"},
    {"Germany", "Berlin"},
    {"Italy", "Rome"},
    {"Spain", "Madrid"},
    {"Portugal", "Lisbon"},
    {"Austria", "Vienna"},
    {"Japan", "Tokyo"},
    {"Poland", "Warsaw"},
    {"Norway", "Oslo"},
    {"Sweden", "Stockholm"},
    {"Greece", "Athens"},
    {"England", "London"},
}};
constexpr std::int64_t kHighestCount = 10'000;

/// The text between `before` and `after`, when `text` is exactly that.
std::optional<std::string_view> between(std::string_view text, std::string_view before,
                                        std::string_view after) {
    if (text.size() < before.size() + after.size() || !text.starts_with(before) ||
        !text.ends_with(after)) {
        return {};
    }
    return text.substr(before.size(), text.size() - before.size() - after.size());
}

std::optional<std::int64_t> whole_number(std::string_view text) {
    std::int64_t value = 0;
    const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), value);
    if (error != std::errc{} || end != text.data() + text.size()) return {};
    return value;
}

std::optional<ScriptedAnswer> capital(std::string_view question) {
    const auto country = between(question, "What is the capital of ", "?");
    if (!country) return {};
    for (const auto& [name, city] : kCapitals) {
        if (name != *country) continue;
        return ScriptedAnswer{
            fmt::format("The user asks for the capital of {}. It is {}.", name, city),
            fmt::format("The capital of {} is {}.", name, city)};
    }
    return {};
}

std::optional<ScriptedAnswer> sum(std::string_view question) {
    const auto terms = between(question, "What is ", "?");
    if (!terms) return {};
    const std::size_t plus = terms->find(" plus ");
    if (plus == std::string_view::npos) return {};
    const auto a = whole_number(terms->substr(0, plus));
    const auto b = whole_number(terms->substr(plus + 6));
    if (!a || !b || *a > kHighestCount || *b > kHighestCount) return {};
    return ScriptedAnswer{fmt::format("I add {} and {}. That makes {}.", *a, *b, *a + *b),
                          fmt::format("{} plus {} is {}.", *a, *b, *a + *b)};
}

std::optional<ScriptedAnswer> count(std::string_view question) {
    std::int64_t first = 1;
    auto last_text = between(question, "Count to ", ".");
    if (!last_text) {
        const auto range = between(question, "Count from ", ".");
        if (!range) return {};
        const std::size_t to = range->find(" to ");
        if (to == std::string_view::npos) return {};
        first = whole_number(range->substr(0, to)).value_or(1);
        last_text = range->substr(to + 4);
    }
    const auto last = whole_number(*last_text);
    if (!last || *last > kHighestCount || first < 0) return {};
    std::string text;
    for (std::int64_t i = first; i <= *last; ++i) {
        if (!text.empty()) text += ' ';
        text += std::to_string(i);
    }
    return ScriptedAnswer{"I count.", text};
}

constexpr std::string_view kWeatherTool = "get_weather";

}  // namespace

std::optional<ScriptedAnswer> scripted_answer(std::string_view question) {
    if (auto answer = capital(question)) return answer;
    if (auto answer = sum(question)) return answer;
    if (auto answer = count(question)) return answer;
    if (question.empty() || iequals(question, "hello") || iequals(question, "hi")) {
        return ScriptedAnswer{"The user says hello.", "Hello! How can I help you?"};
    }
    if (const auto city = between(question, "Give me a JSON object for ", ".")) {
        for (const auto& [country, name] : kCapitals) {
            if (name != *city) continue;
            return ScriptedAnswer{
                "I write JSON.",
                fmt::format("{{\"city\": \"{}\", \"country\": \"{}\"}}", name, country)};
        }
    }
    return {};
}

std::optional<std::string> scripted_tool_answer(const Prompt& prompt) {
    if (prompt.messages.size() < 2 || prompt.messages.back().role != "tool") return {};
    json::Parser result;
    const auto value = result.parse(prompt.messages.back().content);
    if (!value) return {};
    const auto degrees = (*value)["temperature"].integer();
    if (!degrees) return {};
    for (auto message = prompt.messages.rbegin(); message != prompt.messages.rend(); ++message) {
        if (message->calls.empty()) continue;
        json::Parser arguments;
        const auto parsed = arguments.parse(message->calls.front().arguments);
        const std::string_view city = parsed ? (*parsed)["city"].string() : std::string_view{};
        if (city.empty()) return {};
        return fmt::format("It is {} degrees in {}.", *degrees, city);
    }
    return {};
}

std::optional<std::int64_t> scripted_prompt_tokens(const Prompt& prompt, bool ollama_template) {
    if (prompt.tools.size() != 1 || prompt.tools.front().name != kWeatherTool) return {};
    Prompt without = prompt;
    without.tools.clear();
    const std::int64_t tool = ollama_template ? 67 : 65;
    if (prompt.messages.size() == 3 && prompt.messages.back().role == "tool") {
        without.messages.resize(1);
        return static_cast<std::int64_t>(count_tokens(render_prompt(without))) + tool + 37;
    }
    return static_cast<std::int64_t>(count_tokens(render_prompt(without))) + tool;
}

}  // namespace segue::engine::rehearsal
