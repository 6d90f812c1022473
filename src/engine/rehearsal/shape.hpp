/// Makes JSON of a wanted shape: the smallest value that satisfies a schema, its strings taken from
/// given words. Pure.
#pragma once

#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "base/json.hpp"

namespace segue::engine::rehearsal {

/// What strings and numbers may be filled with, best first.
struct Material {
    std::vector<std::string> words;
    std::vector<std::string> numbers;
};
Material material_from(std::string_view question, std::string_view context);

/// The value, written as Python writes JSON ("{\"a\": 1}"). Handles type, properties, required,
/// enum, const, items, anyOf/oneOf/allOf, $ref into $defs, and the limits of strings, numbers and
/// arrays.
std::string fill_schema(json::Value schema, const Material& material);
/// What is wrong with a schema ("Invalid type: nonsense"); nothing when it can be used.
std::optional<std::string> schema_problem(json::Value schema);

}  // namespace segue::engine::rehearsal
