// Any body is either refused with a text or decoded; what the scanner of go_json.hpp accepts and
// the fast parser refuses, or the other way round, is an error.
#include <cstddef>
#include <cstdint>
#include <string_view>

#include "base/check.hpp"
#include "base/json.hpp"
#include "llm/ollama/front/decode.hpp"
#include "llm/ollama/front/go_json.hpp"

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
    using namespace segue;
    using namespace segue::llm;
    if (size < 1 || size > 65536) return 0;
    const std::string_view body(reinterpret_cast<const char*>(data + 1), size - 1);

    const auto first = first_go_value(body);
    if (json::is_valid(body)) SEGUE_CHECK(first.has_value());
    if (first) SEGUE_CHECK(first_go_value(*first).value_or(std::string_view()) == *first);
    if (first) {
        json::Parser parser;
        const std::string repaired = json::repair_text(*first);
        const auto parsed = parser.parse(repaired);
        // Only our own limits may refuse what Go takes.
        if (!parsed)
            SEGUE_CHECK(parsed.error().kind == json::ParseError::Kind::kDepth ||
                        parsed.error().kind == json::ParseError::Kind::kNumber);
    }

    const auto request = read_ollama_request(static_cast<OllamaEndpoint>(data[0] % 4), body);
    if (!request) {
        SEGUE_CHECK(!request.error().message.empty());
        SEGUE_CHECK(request.error().status == 400 || request.error().status == 404);
    } else {
        SEGUE_CHECK(json::is_valid(request->body));
    }
    return 0;
}
