#include "store/value.hpp"

#include <fmt/format.h>

#include <charconv>
#include <chrono>
#include <cmath>
#include <limits>

#include "base/text.hpp"

namespace segue::store {
namespace {

tl::unexpected<Error> unreadable(std::string_view what, Cell cell) {
    if (!cell)
        return fail(Fault::kInternal,
                    fmt::format("a column without a value was read as {}; the query should say "
                                "coalesce, or the row type std::optional",
                                what),
                    "store");
    return fail(Fault::kInternal,
                fmt::format("'{}' from the database is not {}", cell->substr(0, 60), what),
                "store");
}

template <class T>
Result<void> read_number(Cell cell, T& into, std::string_view what) {
    if (!cell) return unreadable(what, cell);
    const auto [end, error] = std::from_chars(cell->data(), cell->data() + cell->size(), into);
    if (error != std::errc{} || end != cell->data() + cell->size()) return unreadable(what, cell);
    return {};
}

template <class T>
Result<void> read_float(Cell cell, T& into) {
    if (cell && (*cell == "NaN" || *cell == "Infinity" || *cell == "-Infinity")) {
        into = *cell == "NaN" ? std::numeric_limits<T>::quiet_NaN()
                              : std::numeric_limits<T>::infinity();
        if (*cell == "-Infinity") into = -into;
        return {};
    }
    return read_number(cell, into, "a number");
}

/// PostgreSQL's words for what C++ calls nan and inf.
template <class T>
std::string float_text(T value) {
    if (std::isnan(value)) return "NaN";
    if (std::isinf(value)) return value > 0 ? "Infinity" : "-Infinity";
    return fmt::format("{}", value);
}

template <class List, class Write>
Parameter array(const List& values, Write write) {
    std::string text = "{";
    for (const auto& value : values) {
        if (text.size() > 1) text += ',';
        write(text, value);
    }
    text += '}';
    return {std::move(text)};
}

/// Calls `take(text, quoted)` for each element of a one-dimensional array.
template <class Take>
Result<void> each_element(Cell cell, Take&& take) {
    if (!cell || cell->size() < 2 || cell->front() != '{' || cell->back() != '}')
        return unreadable("an array", cell);
    const std::string_view text = cell->substr(1, cell->size() - 2);
    std::string element;
    std::size_t at = 0;
    while (at < text.size()) {
        element.clear();
        const bool quoted = text[at] == '"';
        if (quoted) {
            for (++at; at < text.size() && text[at] != '"'; ++at) {
                if (text[at] == '\\' && at + 1 < text.size()) ++at;
                element += text[at];
            }
            ++at;
        } else {
            for (; at < text.size() && text[at] != ','; ++at)
                element += text[at];
        }
        if (!quoted && element == "NULL") return unreadable("an array without NULL", cell);
        SEGUE_TRY_VOID(take(element));
        if (at < text.size() && text[at] != ',') return unreadable("an array", cell);
        ++at;
    }
    return {};
}

template <class T>
Result<void> read_numbers(Cell cell, std::vector<T>& into) {
    into.clear();
    return each_element(cell, [&](const std::string& element) -> Result<void> {
        T value{};
        SEGUE_TRY_VOID(read(Cell(element), value));
        into.push_back(value);
        return {};
    });
}

int digits(std::string_view text, std::size_t from, std::size_t count) {
    int value = 0;
    for (std::size_t i = from; i < from + count; ++i) {
        if (i >= text.size() || text[i] < '0' || text[i] > '9') return -1;
        value = value * 10 + (text[i] - '0');
    }
    return value;
}

int hex_digit(char c) {
    if (c >= '0' && c <= '9') return c - '0';
    if (c >= 'a' && c <= 'f') return c - 'a' + 10;
    return -1;
}

}  // namespace

Parameter bind(std::nullopt_t) {
    return {};
}
Parameter bind(bool value) {
    return {value ? "t" : "f"};
}
Parameter bind(std::int64_t value) {
    return {fmt::format("{}", value)};
}
Parameter bind(double value) {
    return {float_text(value)};
}
Parameter bind(float value) {
    return {float_text(value)};
}
Parameter bind(std::string_view value) {
    return {std::string(value)};
}
Parameter bind(WallTime value) {
    return {rfc3339(value)};
}
Parameter bind(const Bytes& value) {
    return {"\\x" + hex_encode(value.data)};
}
Parameter bind(const Json& value) {
    return {value.text};
}
Parameter bind(const Embedding& value) {
    fmt::memory_buffer out;
    out.push_back('[');
    for (const float number : value.values) {
        if (out.size() > 1) out.push_back(',');
        fmt::format_to(std::back_inserter(out), "{}", number);
    }
    out.push_back(']');
    return {fmt::to_string(out)};
}
Parameter bind(const std::vector<std::int64_t>& values) {
    return array(values, [](std::string& out, std::int64_t value) {
        fmt::format_to(std::back_inserter(out), "{}", value);
    });
}
Parameter bind(const std::vector<std::int32_t>& values) {
    return array(values, [](std::string& out, std::int32_t value) {
        fmt::format_to(std::back_inserter(out), "{}", value);
    });
}
Parameter bind(const std::vector<double>& values) {
    return array(values, [](std::string& out, double value) { out += float_text(value); });
}
Parameter bind(const std::vector<std::string>& values) {
    return array(values, [](std::string& out, const std::string& value) {
        out += '"';
        for (const char c : value) {
            if (c == '"' || c == '\\') out += '\\';
            out += c;
        }
        out += '"';
    });
}

Result<void> read(Cell cell, bool& into) {
    if (!cell || (*cell != "t" && *cell != "f")) return unreadable("a truth value", cell);
    into = *cell == "t";
    return {};
}
Result<void> read(Cell cell, std::int16_t& into) {
    return read_number(cell, into, "a small integer");
}
Result<void> read(Cell cell, std::int32_t& into) {
    return read_number(cell, into, "an integer");
}
Result<void> read(Cell cell, std::int64_t& into) {
    return read_number(cell, into, "an integer");
}
Result<void> read(Cell cell, double& into) {
    return read_float(cell, into);
}
Result<void> read(Cell cell, float& into) {
    return read_float(cell, into);
}
Result<void> read(Cell cell, std::string& into) {
    if (!cell) return unreadable("a text", cell);
    into = *cell;
    return {};
}

/// "2026-11-23 09:15:28.123456+00": every connection asks for ISO dates in UTC.
Result<void> read(Cell cell, WallTime& into) {
    using namespace std::chrono;
    if (!cell || cell->size() < 22) return unreadable("a time", cell);
    const year_month_day date{year(digits(*cell, 0, 4)),
                              month(static_cast<unsigned>(digits(*cell, 5, 2))),
                              day(static_cast<unsigned>(digits(*cell, 8, 2)))};
    const int hour = digits(*cell, 11, 2);
    const int minute = digits(*cell, 14, 2);
    const int second = digits(*cell, 17, 2);
    std::size_t at = 19;
    std::int64_t micros = 0;
    if ((*cell)[at] == '.') {
        std::int64_t unit = 100'000;
        for (++at; at < cell->size() && (*cell)[at] >= '0' && (*cell)[at] <= '9'; ++at, unit /= 10)
            micros += ((*cell)[at] - '0') * unit;
    }
    if (!date.ok() || hour < 0 || minute < 0 || second < 0 || cell->substr(at) != "+00")
        return unreadable("a time in UTC", cell);
    into = time_point_cast<WallTime::duration>(sys_days(date)) + hours(hour) + minutes(minute) +
           seconds(second) + microseconds(micros);
    return {};
}
Result<void> read(Cell cell, Bytes& into) {
    if (!cell || !cell->starts_with("\\x") || cell->size() % 2 != 0)
        return unreadable("bytes", cell);
    into.data.clear();
    into.data.reserve(cell->size() / 2);
    for (std::size_t i = 2; i < cell->size(); i += 2) {
        const int high = hex_digit((*cell)[i]);
        const int low = hex_digit((*cell)[i + 1]);
        if (high < 0 || low < 0) return unreadable("bytes", cell);
        into.data += static_cast<char>(high * 16 + low);
    }
    return {};
}
Result<void> read(Cell cell, Json& into) {
    return read(cell, into.text);
}
Result<void> read(Cell cell, Embedding& into) {
    if (!cell || cell->size() < 2 || cell->front() != '[' || cell->back() != ']')
        return unreadable("a vector", cell);
    into.values.clear();
    const char* at = cell->data() + 1;
    const char* const end = cell->data() + cell->size() - 1;
    while (at < end) {
        float value = 0;
        const auto [next, error] = std::from_chars(at, end, value);
        if (error != std::errc{}) return unreadable("a vector", cell);
        into.values.push_back(value);
        at = next < end && *next == ',' ? next + 1 : next;
        if (next < end && *next != ',') return unreadable("a vector", cell);
    }
    return {};
}
Result<void> read(Cell cell, std::vector<std::int64_t>& into) {
    return read_numbers(cell, into);
}
Result<void> read(Cell cell, std::vector<double>& into) {
    return read_numbers(cell, into);
}
Result<void> read(Cell cell, std::vector<std::string>& into) {
    into.clear();
    return each_element(cell, [&](const std::string& element) -> Result<void> {
        into.push_back(element);
        return {};
    });
}

}  // namespace segue::store
