#include "llm/openai/front/fields.hpp"

#include <fmt/format.h>

#include <algorithm>

namespace segue::llm::openai {
namespace {

std::string_view name_of(json::Value value) {
    if (!value) return "nothing";
    switch (value.type()) {
        case json::Type::kNull: return "null";
        case json::Type::kBool: return "a boolean";
        case json::Type::kNumber: return value.integer() ? "an integer" : "a decimal";
        case json::Type::kString: return "a string";
        case json::Type::kArray: return "an array";
        case json::Type::kObject: return "an object";
    }
    return "something else";
}

}  // namespace

Failure bad_parameter(std::string_view param, std::string message, std::string_view code) {
    Failure failure{Failure::Cause::kBadRequest, std::move(message), 400};
    failure.param = param;
    failure.code = code;
    return failure;
}

Failure bad_type(std::string_view param, std::string_view expected, json::Value got) {
    return bad_parameter(param,
                         fmt::format("Invalid type for '{}': expected {}, but got {} instead.",
                                     param, expected, name_of(got)),
                         "invalid_type");
}

json::Value Fields::any(std::string_view name) {
    asked_.push_back(name);
    const json::Value value = object_[name];
    return value.absent() ? json::Value{} : value;
}

json::Value Fields::typed(std::string_view name, json::Type type, std::string_view expected) {
    const json::Value value = any(name);
    if (!value || value.is(type)) return value;
    refuse(bad_type(path(name), expected, value));
    return {};
}

std::string Fields::text(std::string_view name) {
    return std::string(typed(name, json::Type::kString, "a string").string());
}

std::optional<bool> Fields::boolean(std::string_view name) {
    const json::Value value = typed(name, json::Type::kBool, "a boolean");
    return value ? std::optional(value.boolean()) : std::nullopt;
}

std::optional<double> Fields::number(std::string_view name) {
    const json::Value value = typed(name, json::Type::kNumber, "a decimal");
    return value ? value.number() : std::nullopt;
}

std::optional<std::int64_t> Fields::integer(std::string_view name) {
    const json::Value value = typed(name, json::Type::kNumber, "an integer");
    if (!value) return std::nullopt;
    if (const auto integer = value.integer()) return integer;
    refuse(bad_type(path(name), "an integer", value));
    return std::nullopt;
}

json::Value Fields::object(std::string_view name) {
    return typed(name, json::Type::kObject, "an object");
}
json::Value Fields::array(std::string_view name) {
    return typed(name, json::Type::kArray, "an array");
}

void Fields::refuse(Failure failure) {
    if (!failure_) failure_ = std::move(failure);
}

std::vector<Extra> Fields::rest() const {
    std::vector<Extra> extras;
    for (const json::Value member : object_) {
        if (member.is_null()) continue;
        const std::string_view name = member.key();
        if (std::find(asked_.begin(), asked_.end(), name) != asked_.end()) continue;
        extras.push_back({std::string(name), std::string(member.raw())});
    }
    return extras;
}

}  // namespace segue::llm::openai
