/// Where a code point of UTF-8 begins. Pure.
#pragma once

namespace segue {

/// A byte that goes on with the code point before it (RFC 3629: 10xxxxxx): no place to cut.
constexpr bool continues_code_point(char c) {
    return (static_cast<unsigned char>(c) & 0xC0U) == 0x80U;
}

}  // namespace segue
