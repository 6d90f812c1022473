// Requests over HTTP, and settings that are read with a default.
#include <algorithm>
#include <span>

#include "audit/flow/pass.hpp"
#include "audit/text/vocabulary.hpp"
#include "base/text.hpp"

namespace segue::audit {

using namespace trait;

namespace {

/// Functions and methods that send a request, over all languages.
constexpr std::string_view kVerbs[] = {"get",
                                       "post",
                                       "put",
                                       "delete",
                                       "request",
                                       "fetch",
                                       "stream",
                                       "$fetch",
                                       "axios",
                                       "ky",
                                       "got",
                                       "urlopen",
                                       "PostAsync",
                                       "GetAsync",
                                       "SendAsync",
                                       "PostAsJsonAsync",
                                       "GetFromJsonAsync",
                                       "NewRequest",
                                       "NewRequestWithContext",
                                       "Post",
                                       "Get",
                                       "Do",
                                       "useFetch",
                                       "ofetch",
                                       "Request",
                                       "uri",
                                       "url",
                                       "exchange",
                                       "postForObject",
                                       "postForEntity",
                                       "getForObject",
                                       "GetStringAsync",
                                       "send",
                                       "build",
                                       "head",
                                       "patch",
                                       "undici",
                                       "retrieve",
                                       "getForEntity",
                                       "superagent",
                                       "GetStreamAsync",
                                       "HttpRequestMessage"};
/// Those that answer with the body, read already.
constexpr std::string_view kParsing[] = {
    "$fetch",        "ofetch",       "useFetch", "GetFromJsonAsync",
    "postForObject", "getForObject", "got",      "ky"};
/// What makes an HTTP client that is bound to an address.
constexpr std::string_view kHttpMakers[] = {"Client", "AsyncClient", "ClientSession", "create",
                                            "extend", "baseUrl",     "HttpClient",    "Session"};
/// Arguments and members that hold an address.
constexpr std::string_view kAddressFields[] = {
    "base_url", "baseURL",     "baseUrl",  "api_base", "apiBase", "host",
    "endpoint", "BaseAddress", "basePath", "url",      "uri",     "openai_api_base"};
/// Functions that read a setting, with or without a default.
constexpr std::string_view kSettings[] = {"getenv",
                                          "get",
                                          "env",
                                          "Getenv",
                                          "LookupEnv",
                                          "var",
                                          "GetEnvironmentVariable",
                                          "getProperty",
                                          "get_env",
                                          "str",
                                          "config",
                                          "getEnv",
                                          "GetEnv",
                                          "Field",
                                          "GetValue",
                                          "getOrDefault",
                                          "env_str",
                                          "required",
                                          "string",
                                          "optional",
                                          "EnvOr",
                                          "envOr",
                                          "getEnvOrDefault",
                                          "Env",
                                          "environ",
                                          "unwrap_or",
                                          "unwrap_or_else",
                                          "orElse",
                                          "default"};

bool listed(std::span<const std::string_view> names, std::string_view name) {
    return std::find(names.begin(), names.end(), name) != names.end();
}

}  // namespace

Value Pass::address_field(const Arguments& list) {
    Value address;
    fields(list, [&](Node, std::string_view key, Node part) {
        if (!listed(kAddressFields, key) || is_null(part)) return;
        const Value value = quiet(part);
        if (value.has(kAddress)) address.merge(value);
    });
    return address;
}

void Pass::http(std::string_view name, const Value& owner, const Arguments& list, Value& value) {
    const auto to = std::find_if(list.begin(), list.end(), [](const Argument& argument) {
        return argument.value.has(kAddress);
    });
    const Value field = address_field(list);
    // The line that reaches the server says so, whoever named the address.
    if (to != list.end() && !to->value.always(kAddress) &&
        (listed(kVerbs, name) || listed(kHttpMakers, name)))
        emit(Role::kAddress, to->node, to->value, Confidence::kLikely);
    const bool addressed = field.has(kAddress) || to != list.end();
    if (name.find("OpenAI") != std::string_view::npos ||
        name.find("openai") != std::string_view::npos) {
        if (addressed) {
            value.traits |= kOpenAiClient;
            value.from = field.has(kAddress) ? field.from : to->value.from;
            model_fields(list);
        }
        return;
    }
    if (owner.has(kOpenAiClient)) {
        value.traits |= kOpenAiClient;
        model_fields(list);
        return;
    }
    if (addressed && listed(kHttpMakers, name)) {
        value.traits |= kHttp;
        value.merge(inherit(field.has(kAddress) ? field : to->value, kOpenAi | kApiBase));
        return;
    }
    if (owner.has(kHttp) && !list.empty()) {
        http_client_call(name, owner, list, value);
        return;
    }
    if (!listed(kVerbs, name)) return;
    const std::uint32_t raw = listed(kParsing, name) ? 0U : static_cast<std::uint32_t>(kRaw);
    if (addressed) {
        const Value& address = to != list.end() ? to->value : field;
        if (address.has(kOpenAi)) {
            model_fields(list);
            return;
        }
        (address.always(kAddress) ? value.traits : value.given) |= kReply | raw;
        value.from = address.from;
        native_fields(list, address);
    }
    // client.post("/api/generate", …) where the client's address is out of sight.
    for (const auto& argument : list) {
        const auto path = literal(argument.node);
        if (addressed || path.empty() || !is_native_request(argument.node, path)) continue;
        const Value base = with(kAddress, argument.node, "a path of Ollama's API");
        tail(path, argument.node.start() + 1, base);
        value.traits |= kReply | raw;
        native_fields(list, base);
        break;
    }
    // A request object that was built from the address goes to Do, send, fetch.
    if (to == list.end())
        for (const auto& argument : list)
            if (argument.value.has(kReply))
                value.merge(inherit(argument.value, kReply | kOpenAi | kRaw));
}

/// A call of an HTTP client that is bound to the address: client.post("/api/chat", …).
void Pass::http_client_call(std::string_view name, const Value& owner, const Arguments& list,
                            Value& value) {
    const auto path = literal(list.front().node);
    Value base = owner;
    base.traits |= kAddress;
    if (!path.empty()) tail(path, list.front().node.start() + 1, base);
    if (listed(kVerbs, name)) {
        value.traits |=
            kReply | (listed(kParsing, name) ? 0U : static_cast<std::uint32_t>(kRaw)) |
            (path.find("/v1") != std::string_view::npos || owner.has(kOpenAi) ? kOpenAi : 0U);
        value.from = owner.from;
        if (!value.has(kOpenAi)) native_fields(list, owner);
    }
    if (value.has(kOpenAi)) value.traits &= ~static_cast<std::uint32_t>(kReply);
}

void Pass::model_fields(const Arguments& list) {
    fields(list, [&](Node, std::string_view key, Node value) {
        if (iequals(key, "model") && !is_null(value) &&
            (literal_traits(literal(value)) & kTag) != 0)
            emit(Role::kModelString, value, Value{});
    });
}

void Pass::settings(std::string_view name, const Arguments& list, Value& value) {
    if (!listed(kSettings, name)) return;
    for (const auto& argument : list) {
        const auto key = literal(argument.node);
        if (is_env_like(key)) value.merge(environment(key, argument.node));
        value.merge(inherit(argument.value, kAddress | kTag | kOpenAi | kApiBase));
    }
    // The value decides, not the name.
    if (std::any_of(list.begin(), list.end(), [&](const Argument& argument) {
            return is_other_engine(literal(argument.node));
        }))
        value = inherit(value, kTag);
}

}  // namespace segue::audit
