#include "llm/ollama/front/options.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <limits>
#include <unordered_map>

namespace segue::llm {
namespace {

/// int64(float64) as Go does it: the fraction is cut. Out of range is clamped rather than left to
/// the processor.
std::int64_t cut(double value) {
    if (value >= 9.2e18) return std::numeric_limits<std::int64_t>::max();
    if (value <= -9.2e18) return std::numeric_limits<std::int64_t>::min();
    return static_cast<std::int64_t>(value);
}

Failure wrong_type(std::string_view name, std::string_view type) {
    return Failure{Failure::Cause::kBadRequest,
                   fmt::format("option \"{}\" must be of {}", name, type), 500};
}

std::optional<Failure> check_type(const OptionFact& fact, json::Value value) {
    switch (fact.type) {
        case OptionType::kInteger:
            if (!value.is_number()) return wrong_type(fact.name, "type integer");
            break;
        case OptionType::kFloat:
            if (!value.is_number()) return wrong_type(fact.name, "type float32");
            break;
        case OptionType::kBoolean:
            if (!value.is_bool()) return wrong_type(fact.name, "type boolean");
            break;
        case OptionType::kStrings:
            if (!value.is_array()) return wrong_type(fact.name, "type array");
            for (const json::Value element : value)
                if (!element.is_string()) return wrong_type(fact.name, "an array of strings");
            break;
        case OptionType::kUnchecked: break;
    }
    return std::nullopt;
}

void set_member(std::string_view name, json::Value value, Sampling& sampling) {
    const auto real = [&](std::optional<double>& member) { member = value.number(); };
    const auto whole = [&](std::optional<std::int64_t>& member) {
        if (const auto number = value.number()) member = cut(*number);
    };
    if (name == "temperature")
        real(sampling.temperature);
    else if (name == "top_p")
        real(sampling.top_p);
    else if (name == "min_p")
        real(sampling.min_p);
    else if (name == "typical_p")
        real(sampling.typical_p);
    else if (name == "presence_penalty")
        real(sampling.presence_penalty);
    else if (name == "frequency_penalty")
        real(sampling.frequency_penalty);
    else if (name == "repeat_penalty")
        real(sampling.repeat_penalty);
    else if (name == "top_k")
        whole(sampling.top_k);
    else if (name == "num_predict")
        whole(sampling.max_tokens);
    else if (name == "repeat_last_n")
        whole(sampling.repeat_last_n);
    else if (name == "num_ctx")
        whole(sampling.num_ctx);
    else if (name == "seed") {
        // Exact beyond 2^53 too, where Go's detour over float64 is not.
        sampling.seed = value.integer();
        if (!sampling.seed) whole(sampling.seed);
    } else if (name == "stop") {
        sampling.stop.emplace();
        for (const json::Value element : value)
            sampling.stop->emplace_back(element.string());
    }
}

}  // namespace

const OptionFact* find_option(std::string_view name) {
    const auto* const found = std::ranges::find(kOptionFacts, name, &OptionFact::name);
    return found == kOptionFacts.end() ? nullptr : found;
}

bool is_neutral(const OptionFact& fact, json::Value value) {
    if (!fact.neutral) return false;
    if (value.is_bool()) return value.boolean() == (*fact.neutral != 0);
    const auto number = value.number();
    return number && *number == *fact.neutral;
}

std::optional<Failure> read_options(json::Value options, Sampling& sampling,
                                    std::vector<Extra>& extras) {
    // Of duplicates the last counts, as in Go's map. Names point into the parsed text.
    std::unordered_map<std::string_view, std::size_t> places;
    const auto list = [&](std::string_view name, std::string_view text) {
        const auto [place, fresh] = places.try_emplace(name, extras.size());
        if (fresh) {
            extras.push_back({std::string(name), std::string(text)});
        } else {
            extras[place->second].json = std::string(text);
        }
    };
    for (const json::Value value : options) {
        if (value.is_null()) continue;
        const OptionFact* const fact = find_option(value.key());
        if (!fact) {
            list(value.key(), value.raw());
            continue;
        }
        if (auto failure = check_type(*fact, value)) return failure;
        set_member(fact->name, value, sampling);
        if (fact->kind == OptionKind::kSampling || is_neutral(*fact, value)) continue;
        list(fact->name, value.raw());
    }
    return std::nullopt;
}

}  // namespace segue::llm
