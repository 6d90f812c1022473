// Any body is either refused or gives calls with bodies that are JSON; nothing crashes.
#include <cstddef>
#include <cstdint>
#include <memory>
#include <string_view>

#include "base/check.hpp"
#include "base/json.hpp"
#include "llm/openai/front/front.hpp"

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
    if (size < 1 || size > 65536) return 0;
    const std::string_view body(reinterpret_cast<const char*>(data + 1), size - 1);
    const auto endpoint = static_cast<segue::llm::OpenAiEndpoint>(data[0] % 4);
    const auto request = segue::llm::decode_openai_request(endpoint, "/v1/x", std::string(body));
    if (!request) return 0;
    segue::llm::BridgeContext context;
    context.target.dialect =
        (data[0] & 4) != 0 ? segue::llm::Dialect::kOpenAi : segue::llm::Dialect::kOllama;
    context.target.served_model = "served";
    context.target.profile = std::make_shared<segue::llm::Profile>();
    context.target.traits = std::make_shared<segue::llm::EngineTraits>();
    auto bridge = (*request)->bridge(std::move(context));
    if (!bridge) return 0;
    segue::llm::Output out;
    const auto calls = (*bridge)->start({}, out);
    if (!calls) return 0;
    for (const auto& call : *calls)
        SEGUE_CHECK(segue::json::is_object(call.body));
    return 0;
}
