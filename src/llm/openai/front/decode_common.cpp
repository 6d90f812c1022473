#include <fmt/format.h>

#include <array>

#include "llm/openai/front/decode.hpp"

namespace segue::llm::openai {
namespace {

struct NumberField {
    std::string_view name;
    std::optional<double> Sampling::*member;
};
struct IntegerField {
    std::string_view name;
    std::optional<std::int64_t> Sampling::*member;
};

// At the top level: OpenAI's names and vLLM's. An earlier name wins over a later one of the same
// member.
constexpr std::array kNumbers{
    NumberField{"temperature", &Sampling::temperature},
    NumberField{"top_p", &Sampling::top_p},
    NumberField{"min_p", &Sampling::min_p},
    NumberField{"typical_p", &Sampling::typical_p},
    NumberField{"presence_penalty", &Sampling::presence_penalty},
    NumberField{"frequency_penalty", &Sampling::frequency_penalty},
    NumberField{"repetition_penalty", &Sampling::repeat_penalty},
    NumberField{"repeat_penalty", &Sampling::repeat_penalty},
};
constexpr std::array kIntegers{
    IntegerField{"max_completion_tokens", &Sampling::max_tokens},
    IntegerField{"max_tokens", &Sampling::max_tokens},
    IntegerField{"top_k", &Sampling::top_k},
    IntegerField{"seed", &Sampling::seed},
    IntegerField{"repeat_last_n", &Sampling::repeat_last_n},
    IntegerField{"num_ctx", &Sampling::num_ctx},
};
// Inside `options`: Ollama's names.
constexpr std::array kOptionNumbers{
    NumberField{"temperature", &Sampling::temperature},
    NumberField{"top_p", &Sampling::top_p},
    NumberField{"min_p", &Sampling::min_p},
    NumberField{"typical_p", &Sampling::typical_p},
    NumberField{"presence_penalty", &Sampling::presence_penalty},
    NumberField{"frequency_penalty", &Sampling::frequency_penalty},
    NumberField{"repeat_penalty", &Sampling::repeat_penalty},
};
constexpr std::array kOptionIntegers{
    IntegerField{"num_predict", &Sampling::max_tokens},
    IntegerField{"top_k", &Sampling::top_k},
    IntegerField{"seed", &Sampling::seed},
    IntegerField{"repeat_last_n", &Sampling::repeat_last_n},
    IntegerField{"num_ctx", &Sampling::num_ctx},
};

/// A string or strings; empty ones match everywhere and are dropped.
std::optional<std::vector<std::string>> take_stop(Fields& fields) {
    const json::Value stop = fields.any("stop");
    if (!stop) return std::nullopt;
    std::vector<std::string> stops;
    const auto add = [&](json::Value value) {
        if (!value.is_string())
            fields.refuse(bad_type(fields.path("stop"), "a string or an array of strings", value));
        else if (!value.string().empty())
            stops.emplace_back(value.string());
    };
    if (stop.is_array())
        for (const json::Value each : stop)
            add(each);
    else
        add(stop);
    if (stops.empty()) return std::nullopt;
    return stops;
}

template <std::size_t N, std::size_t M>
Sampling take_table(Fields& fields, const std::array<NumberField, N>& numbers,
                    const std::array<IntegerField, M>& integers) {
    Sampling sampling;
    for (const NumberField& field : numbers)
        if (const auto value = fields.number(field.name); value && !(sampling.*field.member))
            sampling.*field.member = value;
    for (const IntegerField& field : integers)
        if (const auto value = fields.integer(field.name); value && !(sampling.*field.member))
            sampling.*field.member = value;
    sampling.stop = take_stop(fields);
    return sampling;
}

}  // namespace

Sampling take_sampling(Fields& fields, std::vector<Extra>& extras) {
    Sampling sampling = take_table(fields, kNumbers, kIntegers);
    const json::Value options = fields.object("options");
    if (!options) return sampling;
    Fields inner(options, "options.");
    sampling.fill_from(take_table(inner, kOptionNumbers, kOptionIntegers));
    if (inner.failed()) fields.refuse(inner.failure());
    for (Extra& extra : inner.rest())
        extras.push_back(std::move(extra));
    return sampling;
}

std::string take_keep_alive(Fields& fields) {
    const json::Value value = fields.any("keep_alive");
    if (!value) return {};
    if (value.is_string() || value.is_number()) return std::string(value.raw());
    fields.refuse(
        bad_type("keep_alive", "a duration such as \"10m\" or a number of seconds", value));
    return {};
}

ResponseFormat take_response_format(Fields& fields) {
    const json::Value format = fields.object("response_format");
    if (!format) return {};
    const json::Value type = format["type"];
    if (!type.is_string()) {
        fields.refuse(bad_type("response_format.type", "a string", type));
        return {};
    }
    if (type.string() == "text") return {};
    if (type.string() == "json_object") return {ResponseFormat::Kind::kJsonObject, {}, {}};
    if (type.string() == "json_schema") {
        const json::Value schema = format["json_schema"]["schema"];
        if (!schema.is_object()) {
            fields.refuse(bad_type("response_format.json_schema.schema", "an object", schema));
            return {};
        }
        return {ResponseFormat::Kind::kJsonSchema, std::string(schema.raw()),
                std::string(format["json_schema"]["name"].string())};
    }
    fields.refuse(bad_parameter(
        "response_format.type",
        fmt::format(
            "Invalid value: '{}'. This engine takes 'text', 'json_object' and 'json_schema'.",
            type.string())));
    return {};
}

std::int64_t take_choices(Fields& fields) {
    const std::int64_t n = fields.integer("n").value_or(1);
    if (n >= 1 && n <= kMaxChoices) return n;
    fields.refuse(bad_parameter(
        "n", fmt::format("Invalid value for 'n': {} is not between 1 and {}.", n, kMaxChoices)));
    return 1;
}

bool take_include_usage(Fields& fields, Declarations& declared) {
    const json::Value options = fields.object("stream_options");
    if (!options) return false;
    Fields inner(options, "stream_options.");
    const bool include = inner.boolean("include_usage").value_or(false);
    if (inner.boolean("continuous_usage_stats").value_or(false))
        declared.ignore("stream_options.continuous_usage_stats", Loss::kHint);
    if (inner.failed()) fields.refuse(inner.failure());
    return include;
}

}  // namespace segue::llm::openai
