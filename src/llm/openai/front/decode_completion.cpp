#include <fmt/format.h>

#include "base/result.hpp"
#include "llm/openai/front/decode.hpp"

namespace segue::llm::openai {
namespace {

/// A text, or a list of texts. Token ids mean something to one tokenizer only: an engine that takes
/// text cannot use them.
std::vector<std::string> take_texts(Fields& fields, std::string_view name) {
    const json::Value value = fields.any(name);
    std::vector<std::string> texts;
    if (value.is_string()) {
        texts.emplace_back(value.string());
        return texts;
    }
    if (!value.is_array()) {
        fields.refuse(bad_type(fields.path(name), "a string or an array of strings", value));
        return texts;
    }
    for (const json::Value each : value) {
        if (each.is_string()) {
            texts.emplace_back(each.string());
            continue;
        }
        const bool ids = each.is_number() || each.is_array();
        fields.refuse(
            ids ? bad_parameter(
                      name,
                      fmt::format("'{}' as token ids is not supported by this engine; send text.",
                                  name),
                      "unsupported_value")
                : bad_type(fmt::format("{}[{}]", name, texts.size()), "a string", each));
        return texts;
    }
    return texts;
}

}  // namespace

Outcome<CompletionRequest> decode_completion(json::Value body, Declarations& declared) {
    Fields fields(body);
    CompletionRequest request;
    request.model = fields.text("model");
    request.prompts = take_texts(fields, "prompt");
    if (request.prompts.empty() && !fields.failed())
        fields.refuse(bad_parameter("prompt", "Invalid 'prompt': it must not be an empty list.",
                                    "empty_array"));
    request.suffix = fields.text("suffix");
    request.has_suffix = !request.suffix.empty();
    request.echo = fields.boolean("echo").value_or(false);
    request.stream = fields.boolean("stream").value_or(false);
    request.include_usage = take_include_usage(fields, declared);
    request.sampling = take_sampling(fields, request.extras);
    request.choices = take_choices(fields);
    const auto answers = static_cast<std::int64_t>(request.prompts.size()) * request.choices;
    if (answers > kMaxChoices)
        fields.refuse(bad_parameter(
            "prompt",
            fmt::format("{} prompts times n are {} answers; at most {} are given to one request.",
                        request.prompts.size(), answers, kMaxChoices)));
    request.format = take_response_format(fields);
    request.keep_alive = take_keep_alive(fields);
    // A number here, of alternatives for each token; chat has two fields for it.
    if (const json::Value logprobs = fields.any("logprobs"); logprobs.is_bool()) {
        request.logprobs = logprobs.boolean();
    } else if (logprobs) {
        const auto top = logprobs.integer();
        request.logprobs = true;
        request.top_logprobs = top;
        if (!top)
            fields.refuse(bad_type("logprobs", "an integer", logprobs));
        else if (*top < 0 || *top > 20)
            fields.refuse(bad_parameter("logprobs", "logprobs must be between 0 and 20"));
    }
    for (Extra& extra : fields.rest())
        request.extras.push_back(std::move(extra));
    if (fields.failed()) return tl::unexpected<Failure>(fields.failure());
    return request;
}

Outcome<DecodedEmbed> decode_embed(json::Value body, Declarations& declared) {
    (void)declared;
    Fields fields(body);
    DecodedEmbed decoded;
    EmbedRequest& request = decoded.request;
    request.model = fields.text("model");
    request.inputs = take_texts(fields, "input");
    // Ollama takes an empty text for the wish to load the model, and gives no vector (wire 1.9).
    if (!fields.failed() &&
        (request.inputs.empty() || (request.inputs.size() == 1 && request.inputs[0].empty())))
        fields.refuse(
            bad_parameter("input", "Invalid 'input': it must not be empty.", "empty_input"));
    // OpenAI never cuts a text to fit; its clients count on the error (wire 3.12).
    request.truncate = false;
    request.dimensions = fields.integer("dimensions");
    if (request.dimensions && *request.dimensions < 1)
        fields.refuse(bad_parameter("dimensions", "Invalid 'dimensions': it must be at least 1."));
    const std::string format = fields.text("encoding_format");
    if (format == "base64")
        decoded.format = EmbeddingFormat::kBase64;
    else if (!format.empty() && format != "float")
        fields.refuse(bad_parameter(
            "encoding_format",
            fmt::format("Invalid value: '{}'. Supported values are: 'float' and 'base64'.",
                        format)));
    request.keep_alive = take_keep_alive(fields);
    if (const json::Value options = fields.object("options"))
        for (const json::Value option : options)
            request.extras.push_back({std::string(option.key()), std::string(option.raw())});
    for (Extra& extra : fields.rest())
        request.extras.push_back(std::move(extra));
    if (fields.failed()) return tl::unexpected<Failure>(fields.failure());
    return decoded;
}

}  // namespace segue::llm::openai
