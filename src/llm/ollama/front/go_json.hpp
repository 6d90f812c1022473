/// The parts of Go's encoding/json and time packages whose texts Ollama's clients read
/// (wire 1.1, 1.3): where the first value of a body ends, how a syntax error is worded, how a
/// string is quoted, what a duration is. Pure functions; nothing recurses.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <tl/expected.hpp>

namespace segue::llm {

/// Why a body holds no JSON value. `empty`: nothing but white space (Go's io.EOF, Ollama's `missing
/// request body`).
struct GoSyntaxError {
    std::string text;
    bool empty = false;
};

/// The first JSON value of `body`, without white space around it; what follows it is not looked at,
/// as Go's Decoder does.
tl::expected<std::string_view, GoSyntaxError> first_go_value(std::string_view body);

/// strconv.Quote.
std::string go_quote(std::string_view text);

/// time.ParseDuration, in nanoseconds; the error is Go's text.
tl::expected<std::int64_t, std::string> parse_go_duration(std::string_view text);

/// A float64 as Go's encoding/json writes it: shortest digits, no exponent between 1e-6 and 1e21.
void append_go_float(double value, std::string& out);
void append_go_float(float value, std::string& out);

/// base64.StdEncoding over a []byte field: CR and LF are skipped. The error is Go's text. `data`
/// gets the bytes.
std::optional<std::string> check_go_base64(std::string_view text, std::string& data);

}  // namespace segue::llm
