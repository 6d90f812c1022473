#include "engine/rehearsal/vllm_checks.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <array>

#include "base/text.hpp"

namespace segue::engine::rehearsal {
namespace {

constexpr std::size_t kMostStops = 4;
/// The longest token of a vocabulary in characters: vLLM's cheap test multiplies the context by it
/// (recording "err_context_overflow": 13312 for 1024).
constexpr std::int64_t kLongestToken = 13;

VllmRefusal bad_request(std::string message, std::string param = {}) {
    return {400, "BadRequestError", std::move(message), std::move(param)};
}

/// "2.0" as Python prints a float; integers too become floats there.
std::string python_float(double value) {
    std::string out = fmt::format("{}", value);
    if (out.find_first_of(".en") == std::string::npos) out += ".0";
    return out;
}

struct Range {
    std::string_view field;
    double low;
    double high;
    bool low_included;
    std::string_view message;
};
constexpr std::array kRanges{
    Range{"top_p", 0, 1, false, "top_p must be in (0, 1]"},
    Range{"min_p", 0, 1, true, "min_p must be in [0, 1]"},
    Range{"presence_penalty", -2, 2, true, "presence_penalty must be in [-2, 2]"},
    Range{"frequency_penalty", -2, 2, true, "frequency_penalty must be in [-2, 2]"},
    Range{"repetition_penalty", 0, 1e9, false, "repetition_penalty must be greater than zero"},
};

std::optional<VllmRefusal> check_ranges(json::Value request) {
    if (const auto temperature = request["temperature"].number(); temperature && *temperature < 0) {
        return bad_request(
            fmt::format(
                "temperature must be non-negative, got {0}. (parameter=temperature, value={0})",
                python_float(*temperature)),
            "temperature");
    }
    for (const Range& range : kRanges) {
        const auto value = request[range.field].number();
        if (!value) continue;
        const bool fits = (*value > range.low || (range.low_included && *value == range.low)) &&
                          *value <= range.high;
        if (fits) continue;
        return bad_request(fmt::format("{}, got {}. (parameter={}, value={})", range.message,
                                       python_float(*value), range.field, python_float(*value)),
                           std::string(range.field));
    }
    if (const auto top_k = request["top_k"].integer(); top_k && *top_k < -1) {
        return bad_request(fmt::format("top_k must be 0 (disable), or at least 1, got {}.", *top_k),
                           "top_k");
    }
    return {};
}

std::optional<VllmRefusal> check_limits(json::Value request, const EngineState& state) {
    json::Value limit = request["max_completion_tokens"];
    if (limit.absent()) limit = request["max_tokens"];
    if (const auto tokens = limit.integer()) {
        if (*tokens < 1) {
            return bad_request(
                fmt::format(
                    "max_tokens must be at least 1, got {0}. (parameter=max_tokens, value={0})",
                    *tokens),
                "max_tokens");
        }
        if (*tokens > state.options.max_model_len) {
            return bad_request(fmt::format("max_tokens={0} cannot be greater than "
                                           "max_model_len={1}. Please request fewer output "
                                           "tokens. (parameter=max_tokens, value={0})",
                                           *tokens, state.options.max_model_len),
                               "max_tokens");
        }
    }
    const auto n = request["n"].integer();
    if (n && *n < 1) return bad_request(fmt::format("n must be at least 1, got {}.", *n));
    const auto temperature = request["temperature"].number();
    if (n && *n > 1 && temperature && *temperature == 0) {
        return bad_request(fmt::format("n must be 1 when using greedy sampling, got {}.", *n));
    }
    return {};
}

std::optional<VllmRefusal> check_stops(json::Value stop) {
    if (stop.size() > kMostStops && stop.is_array()) {
        return bad_request(
            fmt::format("stop accepts at most {} strings, got {}.", kMostStops, stop.size()),
            "stop");
    }
    bool has_empty = stop.is_string() && stop.string().empty();
    for (json::Value one : stop)
        has_empty = has_empty || (one.is_string() && one.string().empty());
    if (has_empty) return bad_request("stop cannot contain an empty string.", "stop");
    return {};
}

}  // namespace

VllmRefusal pydantic_refusal(std::string_view type, std::string location, std::string_view message,
                             std::string_view input) {
    return {400, "Bad Request",
            fmt::format(
                "1 validation error:\n  {{'type': '{}', 'loc': '{}', 'msg': '{}', 'input': '{}'}}",
                type, location, message, input),
            std::move(location)};
}

std::optional<VllmRefusal> check_types(json::Value request) {
    for (std::string_view field :
         {"max_tokens", "max_completion_tokens", "n", "top_k", "seed", "top_logprobs"}) {
        const json::Value value = request[field];
        if (value.absent() || value.is_number()) continue;
        return pydantic_refusal(
            "int_parsing", fmt::format("body.{}", field),
            "Input should be a valid integer, unable to parse string as an integer",
            value.is_string() ? value.string() : value.raw());
    }
    for (std::string_view field : {"temperature", "top_p", "min_p", "presence_penalty",
                                   "frequency_penalty", "repetition_penalty"}) {
        const json::Value value = request[field];
        if (value.absent() || value.is_number()) continue;
        return pydantic_refusal(
            "float_parsing", fmt::format("body.{}", field),
            "Input should be a valid number, unable to parse string as a number",
            value.is_string() ? value.string() : value.raw());
    }
    if (const json::Value stream = request["stream"]; !stream.absent() && !stream.is_bool()) {
        return pydantic_refusal("bool_parsing", "body.stream",
                                "Input should be a valid boolean, unable to interpret input",
                                stream.string());
    }
    return {};
}

std::optional<VllmRefusal> check_values(json::Value request, const EngineState& state) {
    if (!request["stream_options"].absent() && !request["stream"].boolean()) {
        return bad_request("Stream options can only be defined when `stream=True`.",
                           "stream_options");
    }
    const json::Value top = request["top_logprobs"];
    if (const auto count = top.integer()) {
        if (*count != 0 && !request["logprobs"].boolean()) {
            return bad_request("when using `top_logprobs`, `logprobs` must be set to true.",
                               "top_logprobs");
        }
        if (*count > 20 || *count < -1) {
            return bad_request(
                fmt::format(
                    "Requested sample logprobs of {}, which is greater than max allowed: 20",
                    *count),
                "top_logprobs");
        }
    }
    if (auto wrong = check_limits(request, state)) return wrong;
    if (auto wrong = check_ranges(request)) return wrong;
    return check_stops(request["stop"]);
}

std::string vllm_error(const VllmRefusal& refusal) {
    return json::object([&](json::Writer& w) {
        w.key("error")
            .begin_object()
            .member("message", refusal.message)
            .member("type", refusal.type);
        if (refusal.param.empty()) {
            w.member_null("param");
        } else {
            w.member("param", refusal.param);
        }
        w.member("code", refusal.status).end_object();
    });
}

std::string_view vllm_error_type(int status) {
    switch (status) {
        case 400: return "BadRequestError";
        case 404: return "NotFoundError";
        case 422: return "UnprocessableEntityError";
        case 501: return "NotImplementedError";
        case 503: return "Service Unavailable";
        default: return "InternalServerError";
    }
}

VllmOutcome<json::Value> read_vllm_json(json::Parser& parser, const net::RequestHead& head,
                                        std::string_view body) {
    const auto type = head.headers.find("Content-Type");
    if (!body.empty() && (!type || !istarts_with(*type, "application/json"))) {
        return tl::make_unexpected(VllmRefusal{
            400, "Bad Request",
            "1 validation error:\n  Unsupported Media Type: Only 'application/json' is allowed",
            ""});
    }
    if (trim(body).empty()) {
        return tl::make_unexpected(pydantic_refusal("missing", "body", "Field required", "None"));
    }
    auto value = parser.parse(body);
    if (!value) {
        const std::string location = fmt::format("body.{}", value.error().offset);
        return tl::make_unexpected(VllmRefusal{
            400, "Bad Request",
            fmt::format("1 validation error:\n  {{'type': 'json_invalid', 'loc': '{}', 'msg': "
                        "'JSON decode error', "
                        "'input': '<dict of 0 items>', 'ctx': {{'error': 'Expecting value'}}}}",
                        location),
            location});
    }
    if (!value->is_object()) {
        return tl::make_unexpected(pydantic_refusal(
            "model_attributes_type", "body",
            "Input should be a valid dictionary or object to extract fields from", value->raw()));
    }
    return *value;
}

std::optional<VllmRefusal> check_model(json::Value request, const EngineState& state) {
    const json::Value model = request["model"];
    if (model.absent()) return {};
    const std::vector<std::string>& served = state.options.models;
    if (std::find(served.begin(), served.end(), model.string()) != served.end()) return {};
    return VllmRefusal{404, "NotFoundError",
                       fmt::format("The model `{}` does not exist. Valid aliases: {}.",
                                   model.string(), join(served, ", ")),
                       "model"};
}

std::optional<VllmRefusal> check_length(const EngineState& state, std::int64_t characters,
                                        std::int64_t tokens) {
    const std::int64_t context = state.options.max_model_len;
    if (characters > context * kLongestToken) {
        return bad_request(
            fmt::format("This model's maximum context length is {0} tokens. However, your prompt "
                        "contains {1} "
                        "characters (more than {2} characters, which is the upper bound for {0} "
                        "input tokens). Please "
                        "reduce the length of the input prompt. (parameter=input_text, value={1})",
                        context, characters, context * kLongestToken),
            "input_text");
    }
    if (tokens >= context) {
        return bad_request(fmt::format("This model's maximum context length is {0} tokens. "
                                       "However, your request has {1} input "
                                       "tokens. Please reduce the length of the input messages. "
                                       "(parameter=input_tokens, value={1})",
                                       context, tokens),
                           "input_tokens");
    }
    return {};
}

}  // namespace segue::engine::rehearsal
