#include <fmt/format.h>

#include <iterator>

#include "base/result.hpp"
#include "base/text.hpp"
#include "llm/anthropic/decode.hpp"
#include "llm/openai/front/fields.hpp"

namespace segue::llm::anthropic {
namespace {

using openai::bad_parameter;
using openai::bad_type;

constexpr std::string_view kBlankLine = "\n\n";
/// Written by one client into its system prompt, different with each request: it would spoil the
/// engine's prefix cache, and vLLM drops it too (wire 2.5).
constexpr std::string_view kBilling = "x-anthropic-billing-header";

tl::unexpected<Failure> wrong(Failure failure) {
    return tl::unexpected<Failure>(std::move(failure));
}

Outcome<Part> decode_image(json::Value block, const std::string& where) {
    const json::Value source = block["source"];
    const std::string_view type = source["type"].string();
    if (type == "url" && source["url"].is_string())
        return Part(
            ImagePart{.media_type = {}, .base64 = {}, .url = std::string(source["url"].string())});
    if (type == "base64" && source["data"].is_string()) {
        const std::string_view data = source["data"].string();
        Base64Error error{};
        if (!base64_decode(data, &error))
            return wrong(
                bad_parameter(where, fmt::format("{}.source.data: illegal base64 data at byte {}",
                                                 where, error.offset)));
        return Part(ImagePart{.media_type = std::string(source["media_type"].string()),
                              .base64 = std::string(data),
                              .url = {}});
    }
    return wrong(bad_parameter(
        where,
        fmt::format("{}.source must be of type 'base64' with data, or 'url' with a url", where)));
}

/// The messages that one turn becomes.
class Turn {
public:
    Turn(std::string role, Declarations& declared) : declared_(declared) {
        rest_.role = std::move(role);
    }

    std::optional<Failure> add(json::Value block, const std::string& where) {
        if (!block.is_object()) return bad_type(where, "an object", block);
        const std::string_view type = block["type"].string();
        if (type == "text") return text(block, where);
        if (type == "image") return part(decode_image(block, where), rest_.parts);
        if (type == "tool_use") return tool_use(block, where);
        if (type == "tool_result") return tool_result(block, where);
        if (type == "document") return document(block, where, rest_.parts);
        if (type == "thinking") {
            rest_.reasoning += block["thinking"].string();
        } else if (type != "redacted_thinking") {
            if (type.empty()) return bad_type(where + ".type", "a string", block["type"]);
            // What Anthropic's own servers put into a history: server_tool_use and its results.
            declared_.ignore(where, Loss::kSemantic);
        }
        return std::nullopt;
    }

    void say(std::string_view words) { rest_.parts.emplace_back(TextPart{std::string(words)}); }

    /// Tool results first: templates demand them right behind the calls. Their images cannot be in
    /// a tool message, so they open what follows.
    void finish(std::vector<Message>& out) {
        const bool only_results = !results_.empty() && rest_.parts.empty() && images_.empty();
        std::move(results_.begin(), results_.end(), std::back_inserter(out));
        if (only_results) return;
        rest_.parts.insert(rest_.parts.begin(), std::make_move_iterator(images_.begin()),
                           std::make_move_iterator(images_.end()));
        rest_.content_is_null = rest_.parts.empty();
        out.push_back(std::move(rest_));
    }

private:
    static std::optional<Failure> part(Outcome<Part> decoded, std::vector<Part>& parts) {
        if (!decoded) return std::move(decoded).error();
        parts.push_back(*std::move(decoded));
        return std::nullopt;
    }

    std::optional<Failure> text(json::Value block, const std::string& where) {
        if (!block["text"].is_string()) return bad_type(where + ".text", "a string", block["text"]);
        say(block["text"].string());
        return std::nullopt;
    }

    static std::optional<Failure> document(json::Value block, const std::string& where,
                                           std::vector<Part>& parts) {
        const json::Value source = block["source"];
        if (source["type"].string() != "text" || !source["data"].is_string())
            return bad_parameter(
                where, fmt::format("{}: only documents of plain text can be read; send PDF "
                                   "pages as images",
                                   where));
        parts.emplace_back(TextPart{std::string(source["data"].string())});
        return std::nullopt;
    }

    std::optional<Failure> tool_use(json::Value block, const std::string& where) {
        const json::Value input = block["input"];
        if (!block["name"].is_string()) return bad_type(where + ".name", "a string", block["name"]);
        if (!input.absent() && !input.is_object())
            return bad_type(where + ".input", "an object", input);
        rest_.tool_calls.push_back({std::string(block["id"].string()),
                                    std::string(block["name"].string()),
                                    input.is_object() ? json::minify(input.raw()) : "{}"});
        return std::nullopt;
    }

    std::optional<Failure> tool_result(json::Value block, const std::string& where) {
        const json::Value id = block["tool_use_id"];
        if (!id.is_string()) return bad_type(where + ".tool_use_id", "a string", id);
        std::vector<Part> parts;
        const json::Value content = block["content"];
        if (content.is_string()) {
            parts.emplace_back(TextPart{std::string(content.string())});
        } else if (!content.absent() && !content.is_array()) {
            return bad_type(where + ".content", "a string or an array of blocks", content);
        }
        std::size_t i = 0;
        if (content.is_array()) {
            for (const json::Value inner : content) {
                if (auto failure =
                        result_block(inner, fmt::format("{}.content[{}]", where, i++), parts))
                    return failure;
            }
        }
        Message result;
        result.role = "tool";
        result.tool_call_id = id.string();
        std::string words = block["is_error"].boolean() ? "Error: " : "";
        std::size_t texts = 0;
        for (Part& each : parts) {
            if (const auto* said = std::get_if<TextPart>(&each)) {
                if (texts++ > 0) words += '\n';
                words += said->text;
            } else {
                images_.push_back(std::move(each));
            }
        }
        result.parts.emplace_back(TextPart{std::move(words)});
        results_.push_back(std::move(result));
        return std::nullopt;
    }

    std::optional<Failure> result_block(json::Value block, const std::string& where,
                                        std::vector<Part>& parts) {
        if (!block.is_object()) return bad_type(where, "an object", block);
        const std::string_view type = block["type"].string();
        if (type == "image") return part(decode_image(block, where), parts);
        if (type == "document") return document(block, where, parts);
        if (type == "text" && block["text"].is_string()) {
            parts.emplace_back(TextPart{std::string(block["text"].string())});
        } else {
            declared_.ignore(where, Loss::kSemantic);
        }
        return std::nullopt;
    }

    Declarations& declared_;
    std::vector<Message> results_;
    std::vector<Part> images_;  // of the results
    Message rest_;
};

std::optional<Failure> decode_turn(json::Value turn, const std::string& where,
                                   Declarations& declared, std::vector<Message>& out) {
    if (!turn.is_object()) return bad_type(where, "an object", turn);
    const std::string role(turn["role"].string());
    if (role != "user" && role != "assistant" && role != "system")
        return bad_parameter(
            where + ".role",
            fmt::format("{}: unexpected role \"{}\"; it must be \"user\" or \"assistant\"", where,
                        role));
    Turn made(role, declared);
    const json::Value content = turn["content"];
    if (content.is_string()) {
        made.say(content.string());
    } else if (content.is_array()) {
        std::size_t i = 0;
        for (const json::Value block : content) {
            const std::string at = fmt::format("{}.content[{}]", where, i++);
            if (auto failure = made.add(block, at)) return failure;
        }
    } else {
        return bad_type(where + ".content", "a string or an array of blocks", content);
    }
    made.finish(out);
    return std::nullopt;
}

}  // namespace

Outcome<std::optional<Message>> decode_system(json::Value system) {
    if (system.absent()) return std::optional<Message>{};
    std::string text;
    if (system.is_string()) {
        text = system.string();
    } else if (system.is_array()) {
        std::size_t i = 0;
        for (const json::Value block : system) {
            const json::Value words = block["text"];
            if (!words.is_string())
                return wrong(bad_type(fmt::format("system[{}].text", i), "a string", words));
            ++i;
            if (words.string().starts_with(kBilling)) continue;
            if (!text.empty()) text += kBlankLine;
            text += words.string();
        }
    } else {
        return wrong(bad_type("system", "a string or an array of text blocks", system));
    }
    if (text.empty()) return std::optional<Message>{};
    Message message;
    message.role = "system";
    message.parts.emplace_back(TextPart{std::move(text)});
    return std::optional<Message>(std::move(message));
}

Outcome<std::vector<Message>> decode_turns(json::Value turns, Declarations& declared) {
    if (!turns.is_array()) return wrong(bad_type("messages", "an array", turns));
    std::vector<Message> messages;
    std::size_t i = 0;
    for (const json::Value turn : turns) {
        if (auto failure = decode_turn(turn, fmt::format("messages[{}]", i++), declared, messages))
            return wrong(*std::move(failure));
    }
    return messages;
}

}  // namespace segue::llm::anthropic
