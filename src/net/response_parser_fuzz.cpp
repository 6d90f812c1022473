// An answer fed whole and fed in pieces must give the same: status, body, end or error.
#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <cstdlib>
#include <string>
#include <string_view>

#include "net/response_parser.hpp"

namespace {

using segue::net::ResponseParser;

struct Outcome {
    ResponseParser::Status status = ResponseParser::Status::kMore;
    int code = 0;
    std::size_t headers = 0;
    std::size_t consumed = 0;
    bool until_close = false;
    std::string body;
    bool operator==(const Outcome&) const = default;
};

Outcome parse(std::string_view bytes, std::size_t piece, ResponseParser::Body rule) {
    ResponseParser parser(4096, rule);
    Outcome out;
    while (!bytes.empty() && out.status == ResponseParser::Status::kMore) {
        const std::string copy(bytes.substr(0, piece));  // its own block: overreads are seen
        const auto step = parser.feed(copy);
        if (step.status != ResponseParser::Status::kBad && step.consumed > copy.size())
            std::abort();
        out.body += step.body;
        out.status = step.status;
        if (step.status == ResponseParser::Status::kMore && step.consumed != copy.size())
            std::abort();
        out.consumed += step.consumed;
        bytes.remove_prefix(std::min(step.consumed, bytes.size()));
    }
    out.until_close = out.status == ResponseParser::Status::kMore && parser.finish();
    if (parser.head_done()) {
        out.code = parser.head().status;
        out.headers = parser.head().headers.size();
    }
    // Where exactly an error is noticed may depend on the pieces.
    if (out.status == ResponseParser::Status::kBad) out = Outcome{.status = out.status};
    return out;
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
    if (size < 2) return 0;
    const std::size_t piece = 1U + data[0] % 64U;
    const auto rule =
        (data[1] & 1U) != 0 ? ResponseParser::Body::kNone : ResponseParser::Body::kExpected;
    // NOLINTNEXTLINE(cppcoreguidelines-pro-type-reinterpret-cast): libFuzzer gives bytes
    const std::string_view bytes(reinterpret_cast<const char*>(data) + 2, size - 2);
    if (parse(bytes, bytes.size() + 1, rule) != parse(bytes, piece, rule)) std::abort();
    return 0;
}
