/// What goes into a statement and comes out of a row: which C++ types PostgreSQL's values may
/// become, and how they are written. Everything travels as text: the server knows the types of a
/// prepared statement's parameters, and no version of PostgreSQL reads it differently.
///
/// Thread: values and pure functions.
#pragma once

#include <concepts>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <tuple>
#include <vector>

#include "base/clock.hpp"
#include "base/result.hpp"

namespace segue::store {

/// bytea
struct Bytes {
    std::string data;
    bool operator==(const Bytes&) const = default;
};
/// json, jsonb: the text as it is; the server checks it.
struct Json {
    std::string text;
    bool operator==(const Json&) const = default;
};
/// pgvector's vector
struct Embedding {
    std::vector<float> values;
    bool operator==(const Embedding&) const = default;
};

/// A value on its way into a statement. No text: NULL.
struct Parameter {
    std::optional<std::string> text;
};

Parameter bind(std::nullopt_t);
Parameter bind(bool value);
Parameter bind(std::int64_t value);
Parameter bind(double value);
Parameter bind(float value);
Parameter bind(std::string_view value);
Parameter bind(WallTime value);
Parameter bind(const Bytes& value);
Parameter bind(const Json& value);
Parameter bind(const Embedding& value);
Parameter bind(const std::vector<std::int64_t>& values);
Parameter bind(const std::vector<std::int32_t>& values);
Parameter bind(const std::vector<double>& values);
Parameter bind(const std::vector<std::string>& values);
inline Parameter bind(const std::string& value) {
    return bind(std::string_view(value));
}
inline Parameter bind(const char* value) {
    return bind(std::string_view(value));
}
template <std::integral T>
    requires(!std::same_as<T, bool> && !std::same_as<T, std::int64_t> && !std::same_as<T, char>)
Parameter bind(T value) {
    return bind(static_cast<std::int64_t>(value));
}
template <class T>
Parameter bind(const std::optional<T>& value) {
    return value ? bind(*value) : Parameter{};
}

template <class T>
concept Bindable = requires(const T& value) {
    { bind(value) } -> std::same_as<Parameter>;
};

/// One cell as the server wrote it; no text: NULL.
using Cell = std::optional<std::string_view>;

Result<void> read(Cell cell, bool& into);
Result<void> read(Cell cell, std::int16_t& into);
Result<void> read(Cell cell, std::int32_t& into);
Result<void> read(Cell cell, std::int64_t& into);
Result<void> read(Cell cell, double& into);
Result<void> read(Cell cell, float& into);
Result<void> read(Cell cell, std::string& into);
Result<void> read(Cell cell, WallTime& into);
Result<void> read(Cell cell, Bytes& into);
Result<void> read(Cell cell, Json& into);
Result<void> read(Cell cell, Embedding& into);
Result<void> read(Cell cell, std::vector<std::int64_t>& into);
Result<void> read(Cell cell, std::vector<double>& into);
Result<void> read(Cell cell, std::vector<std::string>& into);
template <class T>
Result<void> read(Cell cell, std::optional<T>& into) {
    if (!cell) {
        into.reset();
        return {};
    }
    return read(cell, into.emplace());
}

template <class T>
concept Column = std::default_initializable<T> && requires(Cell cell, T& value) {
    { read(cell, value) } -> std::same_as<Result<void>>;
};

template <Column... Row>
using Rows = std::vector<std::tuple<Row...>>;

}  // namespace segue::store
