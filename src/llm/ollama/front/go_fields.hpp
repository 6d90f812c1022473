/// Members of a JSON object, taken as encoding/json would store them into a Go struct: names
/// without regard to case, null means absent, a wrong type is Go's UnmarshalTypeError. Views into
/// the parsed text; lives for one decode.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "base/json.hpp"

namespace segue::llm {

/// The error that Go would report of several. An UnmarshalJSON method's error ends Go's decoding at
/// once; a wrong type is only remembered, and the first one is told at the end.
class GoErrors {
public:
    enum class Weight : std::uint8_t { kRemembered, kFinal };
    /// `place`: where in the text the value stands; decides which error was first.
    void add(Weight weight, const char* place, std::string text);
    bool any() const { return remembered_place_ || final_place_; }
    std::string text() const { return final_place_ ? final_text_ : remembered_text_; }

private:
    const char* remembered_place_ = nullptr;
    const char* final_place_ = nullptr;
    std::string remembered_text_;
    std::string final_text_;
};

/// "string", "number", "bool", "array", "object": Go's words.
std::string_view go_kind(json::Value value);

class GoFields {
public:
    /// `struct_name` as Go prints it ("ChatRequest"), `prefix` the path to this object
    /// ("messages."), `weight` of a wrong type.
    GoFields(json::Value object, std::string struct_name, std::string prefix, GoErrors& errors,
             GoErrors::Weight weight = GoErrors::Weight::kRemembered);

    /// Missing, when absent or null.
    json::Value find(std::string_view name) const;
    std::string string(std::string_view name) const;
    bool boolean(std::string_view name, bool otherwise) const;
    std::optional<bool> maybe_boolean(std::string_view name) const;
    std::int64_t integer(std::string_view name) const;
    /// `value` of field `name` (or an element of it) as a Go int; nothing when it is null or no
    /// int.
    std::optional<std::int64_t> whole(json::Value value, std::string_view name) const;
    /// The array, or a missing value. `type` as Go prints it: "[]api.Message".
    json::Value array(std::string_view name, std::string_view type) const;
    json::Value object(std::string_view name, std::string_view type) const;
    /// `json: cannot unmarshal VALUE into Go struct field S.path of type T`
    void refuse(json::Value value, std::string_view name, std::string_view type) const;
    /// An error with a text of its own.
    void refuse_with(json::Value value, GoErrors::Weight weight, std::string text) const;

private:
    json::Value object_;
    std::string struct_name_;
    std::string prefix_;
    GoErrors& errors_;
    GoErrors::Weight weight_;
};

}  // namespace segue::llm
