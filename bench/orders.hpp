/// What the load generator and the mock upstream agree on, carried inside the texts of a chat so
/// that it passes through every proxy and every dialect.
///
/// A prompt holds the orders `[mk-0000002a n0200 g0005000]`: the request's own marker
/// (hexadecimal), how many events the answer has, and the microseconds between two of them. Each
/// event of the answer is the text ` 0000002a:0001@00000a1b2c3d4e5f`: marker, number, and when it
/// was sent (nanoseconds of the monotonic clock, hexadecimal). So a lost, doubled, late or foreign
/// event is seen where it arrives.
///
/// Thread: none, pure functions. Lifetime: none.
#pragma once

#include <cstddef>
#include <cstdint>
#include <cstdlib>
#include <ctime>
#include <optional>
#include <string>
#include <string_view>

namespace bench {

constexpr std::string_view kOrdersStart = "[mk-";
constexpr std::size_t kMarkerSize = 8;
constexpr std::size_t kOrdersSize = std::string_view("[mk-0000002a n0200 g0005000]").size();
constexpr std::size_t kEventSize = std::string_view(" 0000002a:0001@00000a1b2c3d4e5f").size();
constexpr std::size_t kEventTimeAt = 15;
constexpr std::uint32_t kMaxEvents = 9999;

inline std::uint64_t now_ns() {
    timespec t{};
    clock_gettime(CLOCK_MONOTONIC, &t);
    return static_cast<std::uint64_t>(t.tv_sec) * 1'000'000'000U +
           static_cast<std::uint64_t>(t.tv_nsec);
}

inline void put_hex(char* at, std::size_t digits, std::uint64_t value) {
    for (std::size_t i = digits; i-- > 0; value >>= 4)
        at[i] = "0123456789abcdef"[value & 15];
}

inline std::optional<std::uint64_t> read_hex(std::string_view digits) {
    std::uint64_t value = 0;
    for (const char c : digits) {
        std::uint64_t digit = 0;
        if (c >= '0' && c <= '9')
            digit = static_cast<std::uint64_t>(c - '0');
        else if (c >= 'a' && c <= 'f')
            digit = static_cast<std::uint64_t>(c - 'a' + 10);
        else
            return std::nullopt;
        value = value << 4 | digit;
    }
    return value;
}

inline void put_decimal(char* at, std::size_t digits, std::uint32_t value) {
    for (std::size_t i = digits; i-- > 0; value /= 10)
        at[i] = static_cast<char>('0' + value % 10);
}

inline std::optional<std::uint32_t> read_decimal(std::string_view digits) {
    std::uint32_t value = 0;
    for (const char c : digits) {
        if (c < '0' || c > '9') return std::nullopt;
        value = value * 10 + static_cast<std::uint32_t>(c - '0');
    }
    return value;
}

struct Orders {
    std::uint32_t marker = 0;
    std::uint32_t events = 0;
    std::uint32_t gap_us = 0;
};

inline std::optional<Orders> read_orders(std::string_view body) {
    const std::size_t at = body.find(kOrdersStart);
    if (at == std::string_view::npos || body.size() - at < kOrdersSize) return std::nullopt;
    const auto marker = read_hex(body.substr(at + 4, kMarkerSize));
    const auto events = read_decimal(body.substr(at + 14, 4));
    const auto gap = read_decimal(body.substr(at + 20, 7));
    if (!marker || !events || !gap || *events == 0) return std::nullopt;
    return Orders{static_cast<std::uint32_t>(*marker), *events, *gap};
}

inline void append_event(std::string& out, std::uint32_t marker, std::uint32_t number,
                         std::uint64_t sent_ns) {
    const std::size_t at = out.size();
    out.append(" 00000000:0000@0000000000000000");
    put_hex(&out[at + 1], kMarkerSize, marker);
    put_decimal(&out[at + 10], 4, number);
    put_hex(&out[at + kEventTimeAt], 16, sent_ns);
}

struct Event {
    std::uint32_t marker = 0;
    std::uint32_t number = 0;
    std::uint64_t sent_ns = 0;
};

/// The event whose '@' is at `at`; needs kEventSize - kEventTimeAt + 1 bytes from there on.
inline std::optional<Event> read_event(std::string_view text, std::size_t at) {
    if (at < kEventTimeAt - 1 || text.size() - at < kEventSize - kEventTimeAt + 1)
        return std::nullopt;
    const std::string_view event = text.substr(at - (kEventTimeAt - 1), kEventSize);
    const auto marker = read_hex(event.substr(1, kMarkerSize));
    const auto number = read_decimal(event.substr(10, 4));
    const auto sent = read_hex(event.substr(kEventTimeAt, 16));
    if (event[0] != ' ' || event[9] != ':' || !marker || !number || !sent) return std::nullopt;
    return Event{static_cast<std::uint32_t>(*marker), *number, *sent};
}

}  // namespace bench
