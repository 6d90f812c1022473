/// Reads members of a request object one by one; remembers which were asked for, and the first that
/// was wrong.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "base/json.hpp"
#include "llm/chat.hpp"
#include "llm/failure.hpp"

namespace segue::llm::openai {

/// A 400 as OpenAI words it: what is wrong with which parameter.
Failure bad_parameter(std::string_view param, std::string message,
                      std::string_view code = "invalid_value");
Failure bad_type(std::string_view param, std::string_view expected, json::Value got);

/// Null counts as absent. After the first wrong member the answers are harmless; ask failure() at
/// the end.
class Fields {
public:
    /// `prefix` comes before the names in errors: "stream_options.".
    explicit Fields(json::Value object, std::string prefix = "")
        : object_(object), prefix_(std::move(prefix)) {}

    /// Any type; missing when absent or null.
    json::Value any(std::string_view name);
    std::string text(std::string_view name);
    std::optional<bool> boolean(std::string_view name);
    std::optional<double> number(std::string_view name);
    /// Also a number such as 16.0.
    std::optional<std::int64_t> integer(std::string_view name);
    /// Missing unless it is an object (array); anything else is wrong.
    json::Value object(std::string_view name);
    json::Value array(std::string_view name);

    std::string path(std::string_view name) const { return prefix_ + std::string(name); }
    void refuse(Failure failure);
    bool failed() const { return failure_.has_value(); }
    Failure failure() const { return *failure_; }

    /// Members that nobody asked for, in request order; nulls are left out.
    std::vector<Extra> rest() const;

private:
    json::Value typed(std::string_view name, json::Type type, std::string_view expected);

    json::Value object_;
    std::string prefix_;
    std::vector<std::string_view> asked_;  // names, which callers have as literals
    std::optional<Failure> failure_;
};

}  // namespace segue::llm::openai
