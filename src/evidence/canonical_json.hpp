/// Canonical JSON after RFC 8785 (JSON Canonicalization Scheme): the one text of a JSON value that
/// everybody makes alike, so that a hash or a signature of it can be checked with other programs.
/// Members in the order of their names' UTF-16 units, numbers as ECMAScript writes them, no white
/// space, the fewest escapes.
///
/// Stricter than the RFC where it says "must not be ambiguous" (I-JSON, RFC 7493): a name that is
/// there twice, and a whole number that a double cannot hold exactly, are refused. Pure; any
/// thread.
#pragma once

#include <string>
#include <string_view>

#include "base/json.hpp"
#include "base/result.hpp"

namespace segue::evidence {

Result<std::string> canonical_json(std::string_view text);
Result<std::string> canonical_json(json::Value value);

/// A number as ECMAScript's Number::toString writes it. NaN and infinities are "null", as there.
std::string ecmascript_number(double value);

}  // namespace segue::evidence
