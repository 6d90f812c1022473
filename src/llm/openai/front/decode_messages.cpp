#include <fmt/format.h>

#include <map>

#include "base/result.hpp"
#include "base/text.hpp"
#include "llm/openai/front/decode.hpp"
#include "llm/session.hpp"

namespace segue::llm::openai {
namespace {

Outcome<Part> decode_image(json::Value part, const std::string& where) {
    const json::Value image = part["image_url"];
    const json::Value url = image.is_object() ? image["url"] : image;
    if (!url.is_string())
        return tl::unexpected<Failure>(bad_type(where + ".image_url.url", "a string", url));
    std::string_view text = url.string();
    if (istarts_with(text, "http://") || istarts_with(text, "https://"))
        return Part(ImagePart{.media_type = {}, .base64 = {}, .url = std::string(text)});
    const std::size_t comma = text.find(',');
    if (!istarts_with(text, "data:") || comma == std::string_view::npos ||
        !text.substr(0, comma).ends_with(";base64"))
        return tl::unexpected<Failure>(bad_parameter(
            where + ".image_url.url",
            "Invalid image URL: expected data:image/…;base64,… or an http(s) address.",
            "invalid_image_url"));
    const std::string_view head = text.substr(5, comma - 5);
    const std::string_view data = text.substr(comma + 1);
    Base64Error error{};
    if (!base64_decode(data, &error))
        return tl::unexpected<Failure>(bad_parameter(
            where + ".image_url.url",
            fmt::format("Invalid image: illegal base64 data at byte {} of the data.", error.offset),
            "invalid_base64"));
    return Part(ImagePart{.media_type = std::string(head.substr(0, head.find(';'))),
                          .base64 = std::string(data),
                          .url = {}});
}

Outcome<Part> decode_audio(json::Value part, const std::string& where) {
    const json::Value data = part["input_audio"]["data"];
    if (!data.is_string())
        return tl::unexpected<Failure>(bad_type(where + ".input_audio.data", "a string", data));
    Base64Error error{};
    if (!base64_decode(data.string(), &error))
        return tl::unexpected<Failure>(bad_parameter(
            where + ".input_audio.data",
            fmt::format("Invalid audio: illegal base64 data at byte {}.", error.offset),
            "invalid_base64"));
    return Part(AudioPart{.format = std::string(part["input_audio"]["format"].string("wav")),
                          .base64 = std::string(data.string())});
}

Outcome<Part> decode_part(json::Value part, const std::string& where) {
    if (part.is_string()) return Part(TextPart{std::string(part.string())});
    if (!part.is_object()) return tl::unexpected<Failure>(bad_type(where, "an object", part));
    const std::string_view type = part["type"].string();
    if (type == "image_url") return decode_image(part, where);
    if (type == "input_audio") return decode_audio(part, where);
    const std::string_view member = type == "refusal" ? "refusal" : "text";
    if (type == "text" || type == "refusal" || type == "input_text" || type == "output_text") {
        const json::Value text = part[member];
        if (!text.is_string())
            return tl::unexpected<Failure>(
                bad_type(fmt::format("{}.{}", where, member), "a string", text));
        return Part(TextPart{std::string(text.string())});
    }
    return tl::unexpected<Failure>(bad_parameter(
        where + ".type",
        fmt::format("Invalid value: '{}'. This engine takes 'text', 'image_url' and 'input_audio'.",
                    type)));
}

std::optional<Failure> decode_content(json::Value content, const std::string& where,
                                      Message& message) {
    if (content.absent()) {
        message.content_is_null = true;
        return std::nullopt;
    }
    if (content.is_string()) {
        message.parts.emplace_back(TextPart{std::string(content.string())});
        return std::nullopt;
    }
    if (!content.is_array()) return bad_type(where, "a string or an array of parts", content);
    std::size_t i = 0;
    for (const json::Value part : content) {
        auto decoded = decode_part(part, fmt::format("{}[{}]", where, i++));
        if (!decoded) return std::move(decoded).error();
        message.parts.push_back(*std::move(decoded));
    }
    return std::nullopt;
}

std::optional<Failure> decode_call(json::Value id, json::Value function, const std::string& where,
                                   Message& message) {
    if (!function.is_object()) return bad_type(where, "an object", function);
    const json::Value name = function["name"];
    if (!name.is_string()) return bad_type(where + ".name", "a string", name);
    const json::Value given = function["arguments"];
    if (!given.absent() && !given.is_string() && !given.is_object())
        return bad_type(where + ".arguments", "a string", given);
    const auto arguments = normalize_arguments(given.is_object() ? given.raw() : given.string());
    if (!arguments)
        return bad_parameter(where + ".arguments",
                             "invalid tool call arguments: the string is not a JSON object");
    message.tool_calls.push_back(
        {std::string(id.string()), std::string(name.string()), *arguments});
    return std::nullopt;
}

std::optional<Failure> decode_calls(json::Value value, const std::string& where, Message& message) {
    const json::Value calls = value["tool_calls"];
    if (!calls.absent() && !calls.is_array())
        return bad_type(where + ".tool_calls", "an array", calls);
    std::size_t i = 0;
    for (const json::Value call : calls) {
        const std::string at = fmt::format("{}.tool_calls[{}].function", where, i++);
        if (auto failure = decode_call(call["id"], call["function"], at, message)) return failure;
    }
    // The form of 2023, of which clients' old histories are full.
    if (const json::Value call = value["function_call"]; call.is_object())
        return decode_call({}, call, where + ".function_call", message);
    return std::nullopt;
}

Outcome<Message> decode_message(json::Value value, const std::string& where,
                                Declarations& declared) {
    if (!value.is_object()) return tl::unexpected<Failure>(bad_type(where, "an object", value));
    Message message;
    const json::Value role = value["role"];
    if (!role.is_string())
        return tl::unexpected<Failure>(bad_type(where + ".role", "a string", role));
    message.role = to_lower(role.string());
    if (message.role == "developer") message.role = "system";
    if (auto failure = decode_content(value["content"], where + ".content", message))
        return tl::unexpected<Failure>(*std::move(failure));
    if (auto failure = decode_calls(value, where, message))
        return tl::unexpected<Failure>(*std::move(failure));
    message.reasoning = value["reasoning"].string(value["reasoning_content"].string());
    message.tool_call_id = value["tool_call_id"].string();
    const std::string_view name = value["name"].string();
    if (message.role == "function") message.role = "tool";
    if (message.role == "tool") {
        message.tool_name = name;
    } else if (!name.empty()) {
        declared.ignore("messages.name", Loss::kHint);
    }
    return message;
}

}  // namespace

Outcome<std::vector<Message>> decode_messages(json::Value messages, Declarations& declared) {
    if (!messages.is_array())
        return tl::unexpected<Failure>(bad_type("messages", "an array", messages));
    if (messages.empty())
        return tl::unexpected<Failure>(
            bad_parameter("messages", "[] is too short - 'messages'", "empty_array"));
    std::vector<Message> decoded;
    decoded.reserve(messages.size());
    for (const json::Value value : messages) {
        SEGUE_TRY(message,
                  decode_message(value, fmt::format("messages[{}]", decoded.size()), declared));
        decoded.push_back(std::move(message));
    }
    return decoded;
}

}  // namespace segue::llm::openai
