// Whatever the reader accepts, the text of every value in it reads as the same value; minified and
// written anew it is still JSON.
#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>

#include "base/check.hpp"
#include "base/json.hpp"

namespace {

using segue::json::Value;

bool same(Value a, Value b) {
    if (a.type() != b.type() || a.size() != b.size() || a.raw() != b.raw()) return false;
    if (a.string() != b.string() || a.boolean() != b.boolean()) return false;
    if (a.integer() != b.integer() || a.number() != b.number()) return false;
    for (auto i = a.begin(), j = b.begin(); i != a.end(); ++i, ++j)
        if ((*i).key() != (*j).key() || !same(*i, *j)) return false;
    return true;
}

// Reading every span anew costs the square of the size, so the number of them has a limit.
void read_anew(Value value, int& budget) {
    if (--budget < 0) return;
    segue::json::Parser parser;
    const auto again = parser.parse(value.raw());
    SEGUE_CHECK(again.has_value());
    SEGUE_CHECK(same(value, *again));
    if (value.is_string()) {
        const std::string quoted = segue::json::quoted(value.string());
        const auto written = parser.parse(quoted);
        SEGUE_CHECK(written && written->string() == value.string());
    }
    for (const Value child : value)
        read_anew(child, budget);
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
    if (size > 65536) return 0;
    // NOLINTNEXTLINE(cppcoreguidelines-pro-type-reinterpret-cast): libFuzzer gives bytes
    const std::string_view text(reinterpret_cast<const char*>(data), size);
    segue::json::Parser parser;
    const auto value = parser.parse(text);
    SEGUE_CHECK(value.has_value() == segue::json::is_valid(text));
    if (!value) return 0;
    int budget = 64;
    read_anew(*value, budget);
    const std::string small = segue::json::minify(text);
    SEGUE_CHECK(segue::json::is_valid(small));
    SEGUE_CHECK(segue::json::minify(small) == small);
    SEGUE_CHECK(segue::json::is_valid(segue::json::repair_text(text)));
    return 0;
}
