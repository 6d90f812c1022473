/// Errors as values (STYLE 1-3): Result<T>, Error, SEGUE_TRY.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <tl/expected.hpp>
#include <utility>

namespace segue {

/// What kind of thing went wrong; decides exit codes and HTTP statuses.
enum class Fault : std::uint8_t {
    kInvalid,      // the input is wrong
    kNotFound,     // what was named does not exist
    kUnreachable,  // something needed could not be reached
    kTimeout,      // a deadline passed
    kTooLarge,     // a limit was exceeded
    kConflict,     // somebody else holds it
    kIo,           // the operating system refused
    kInternal,     // our own mistake
};

std::string_view fault_name(Fault fault);

/// What failed, where, and what to do next; `detail` is shown to people as it is: lower case, with
/// the value and the next step. `where` must be a literal or "".
struct [[nodiscard]] Error {
    Fault fault = Fault::kInternal;
    std::string detail;
    std::string_view where = "";
};

template <class T>
using Result = tl::expected<T, Error>;

inline tl::unexpected<Error> fail(Fault fault, std::string detail, std::string_view where = "") {
    return tl::unexpected<Error>(Error{fault, std::move(detail), where});
}

}  // namespace segue

#define SEGUE_CONCAT_INNER(a, b) a##b
#define SEGUE_CONCAT(a, b) SEGUE_CONCAT_INNER(a, b)

/// Unwraps a Result (or any tl::expected) into a new variable, or returns its error. A statement,
/// not an expression: `SEGUE_TRY(head, parse_head(bytes));`
#define SEGUE_TRY(name, ...)                                                               \
    auto SEGUE_CONCAT(segue_try_, __LINE__) = (__VA_ARGS__);                               \
    if (!SEGUE_CONCAT(segue_try_, __LINE__))                                               \
        return tl::make_unexpected(std::move(SEGUE_CONCAT(segue_try_, __LINE__)).error()); \
    auto name = std::move(*SEGUE_CONCAT(segue_try_, __LINE__))

/// The same for Result<void>: `SEGUE_TRY_VOID(check(config));`
#define SEGUE_TRY_VOID(...)                                                                 \
    do {                                                                                    \
        auto segue_try_void = (__VA_ARGS__);                                                \
        if (!segue_try_void) return tl::make_unexpected(std::move(segue_try_void).error()); \
    } while (false)
