/// Assertions (STYLE 5). SEGUE_ASSERT: our bug, debug builds only. SEGUE_CHECK: always on,
/// unrecoverable. Neither may depend on input from a network or a file: that is an Error.
#pragma once

namespace segue::detail {
[[noreturn]] void check_failed(const char* expression, const char* file, int line);
}

#define SEGUE_CHECK(expression)          \
    ((expression) ? static_cast<void>(0) \
                  : ::segue::detail::check_failed(#expression, __FILE__, __LINE__))

#ifdef SEGUE_DEBUG
#define SEGUE_ASSERT(expression) SEGUE_CHECK(expression)
#else
#define SEGUE_ASSERT(expression) static_cast<void>(0)
#endif
