/// RFC 9457 problem details: how Segue's own API says what went wrong. Pure.
#pragma once

#include <string>
#include <string_view>

namespace segue::gateway {

inline constexpr std::string_view kProblemType = "application/problem+json";

/// `title` "": the status code's own words; `type` "": about:blank.
std::string problem_json(int status, std::string_view title, std::string_view detail,
                         std::string_view type = "");

}  // namespace segue::gateway
