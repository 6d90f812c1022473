#include "llm/ollama/front/go_fields.hpp"

#include <fmt/format.h>

#include <charconv>
#include <functional>

namespace segue::llm {

void GoErrors::add(Weight weight, const char* place, std::string text) {
    const char*& known = weight == Weight::kFinal ? final_place_ : remembered_place_;
    if (known && !std::less<>{}(place, known)) return;
    known = place;
    (weight == Weight::kFinal ? final_text_ : remembered_text_) = std::move(text);
}

std::string_view go_kind(json::Value value) {
    if (!value) return "null";
    switch (value.type()) {
        case json::Type::kNull: return "null";
        case json::Type::kBool: return "bool";
        case json::Type::kNumber: return "number";
        case json::Type::kString: return "string";
        case json::Type::kArray: return "array";
        case json::Type::kObject: return "object";
    }
    return "";
}

GoFields::GoFields(json::Value object, std::string struct_name, std::string prefix,
                   GoErrors& errors, GoErrors::Weight weight)
    : object_(object),
      struct_name_(std::move(struct_name)),
      prefix_(std::move(prefix)),
      errors_(errors),
      weight_(weight) {
}

json::Value GoFields::find(std::string_view name) const {
    const json::Value value = object_.find_ignoring_case(name);
    return value.absent() ? json::Value() : value;
}

std::string GoFields::string(std::string_view name) const {
    const json::Value value = find(name);
    if (value && !value.is_string()) refuse(value, name, "string");
    return std::string(value.string());
}

std::optional<bool> GoFields::maybe_boolean(std::string_view name) const {
    const json::Value value = find(name);
    if (!value) return std::nullopt;
    if (!value.is_bool()) {
        refuse(value, name, "bool");
        return std::nullopt;
    }
    return value.boolean();
}

bool GoFields::boolean(std::string_view name, bool otherwise) const {
    return maybe_boolean(name).value_or(otherwise);
}

std::int64_t GoFields::integer(std::string_view name) const {
    return whole(find(name), name).value_or(0);
}

std::optional<std::int64_t> GoFields::whole(json::Value value, std::string_view name) const {
    if (value.absent()) return std::nullopt;
    if (!value.is_number()) {
        refuse(value, name, "int");
        return std::nullopt;
    }
    // strconv.ParseInt over the text: neither 1.0 nor 1e3 is an int to Go.
    std::int64_t number = 0;
    const std::string_view text = value.raw();
    const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), number);
    if (error == std::errc{} && end == text.data() + text.size()) return number;
    errors_.add(
        weight_, text.data(),
        fmt::format("json: cannot unmarshal number {} into Go struct field {}.{}{} of type int",
                    text, struct_name_, prefix_, name));
    return std::nullopt;
}

json::Value GoFields::array(std::string_view name, std::string_view type) const {
    const json::Value value = find(name);
    if (!value || value.is_array()) return value;
    refuse(value, name, type);
    return {};
}

json::Value GoFields::object(std::string_view name, std::string_view type) const {
    const json::Value value = find(name);
    if (!value || value.is_object()) return value;
    refuse(value, name, type);
    return {};
}

void GoFields::refuse(json::Value value, std::string_view name, std::string_view type) const {
    errors_.add(weight_, value.raw().data(),
                fmt::format("json: cannot unmarshal {} into Go struct field {}.{}{} of type {}",
                            go_kind(value), struct_name_, prefix_, name, type));
}

void GoFields::refuse_with(json::Value value, GoErrors::Weight weight, std::string text) const {
    errors_.add(weight == GoErrors::Weight::kFinal ? weight : weight_, value.raw().data(),
                std::move(text));
}

}  // namespace segue::llm
