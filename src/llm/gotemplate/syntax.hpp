/// The parsed form of a template; see gotemplate.hpp.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace segue::llm::gotemplate {

struct Expression {
    enum class Kind : std::uint8_t {
        kNil,
        kBool,
        kInteger,
        kString,
        kDot,
        kVariable,
        kCall
    } kind = Kind::kNil;
    bool boolean = false;
    std::int64_t integer = 0;
    std::string text;  // of a string; name of a variable ("$" = the root) or function
    std::vector<std::string> fields;  // read one after the other from what stands before them
    std::vector<Expression> arguments;
};

struct Node {
    enum class Kind : std::uint8_t {
        kText,
        kPrint,
        kAssign,
        kIf,
        kWith,
        kRange
    } kind = Kind::kText;
    std::string text;
    Expression expression;
    std::string key_variable;    // kRange with two variables
    std::string value_variable;  // kRange, kAssign; "" = none
    bool declares = false;       // kAssign with :=
    std::vector<Node> body;
    std::vector<Node> otherwise;
};

enum class Cut : std::uint8_t { kNever, kBehindResponse };

/// Nothing when the template uses something outside the known part, or is no template at all.
std::optional<std::vector<Node>> parse(std::string_view source, Cut cut);

}  // namespace segue::llm::gotemplate
