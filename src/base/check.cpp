#include "base/check.hpp"

#include <cstdio>
#include <cstdlib>

namespace segue::detail {

void check_failed(const char* expression, const char* file, int line) {
    std::fprintf(stderr, "segue: internal error: %s does not hold (%s:%d)\n", expression, file,
                 line);
    std::abort();
}

}  // namespace segue::detail
