#include "llm/ollama/engine/decode_stream.hpp"

#include <fmt/format.h>

#include <utility>

#include "base/text.hpp"
#include "llm/ollama/engine/errors.hpp"
#include "llm/session.hpp"

namespace segue::llm::ollama {
namespace {

TokenLogprob token_of(json::Value value) {
    TokenLogprob token;
    token.token = value["token"].string();
    token.logprob = value["logprob"].number().value_or(0);
    if (const json::Value bytes = value["bytes"]; bytes.is_array()) {
        token.bytes.emplace();
        for (const json::Value byte : bytes)
            token.bytes->push_back(static_cast<std::uint8_t>(byte.integer().value_or(0) & 0xff));
    }
    for (const json::Value top : value["top_logprobs"])
        token.top.push_back(token_of(top));
    return token;
}

}  // namespace

StreamDecoder::StreamDecoder(DecoderOptions options)
    : options_(std::move(options)), lines_(options_.max_line_bytes) {
}

void StreamDecoder::feed(std::string_view bytes, Events& events) {
    if (over_) return;
    std::vector<std::string_view> lines;
    const bool fits = lines_.feed(bytes, lines);
    for (const std::string_view text : lines) {
        if (over_) return;
        line(text, events);
    }
    if (!fits && !over_) fail_broken("sent a line that is too long", events);
}

void StreamDecoder::end(Events& events) {
    if (over_) return;
    const std::string rest(trim(lines_.rest()));
    if (!rest.empty()) line(rest, events);
    if (!over_) fail_broken("ended its answer before it was complete", events);
}

void StreamDecoder::line(std::string_view text, Events& events) {
    auto root = parser_.parse(text);
    // Bytes that are no UTF-8 are one bad character, not the end of an answer; Go's readers see it
    // so too.
    if (!root && root.error().kind == json::ParseError::Kind::kUtf8)
        root = parser_.parse(json::repair_text(text));
    if (!root || !root->is_object())
        return fail_broken("sent a line that is no JSON object", events);
    if ((*root)["error"])
        return fail(line_failure(text, options_.target, options_.client_model), events);

    if (!std::exchange(started_, true)) events.emplace_back(Started{});
    const json::Value message = (*root)["message"];
    const std::string_view thinking = (message ? message : *root)["thinking"].string();
    const std::string_view content =
        message ? message["content"].string() : (*root)["response"].string();

    if (const json::Value tokens = (*root)["logprobs"]; tokens.is_array() && !tokens.empty())
        logprobs(tokens, events);
    if (!thinking.empty()) events.emplace_back(Reasoning{std::string(thinking), options_.choice});
    if (!content.empty()) events.emplace_back(Text{std::string(content), options_.choice});
    text_seen_ = text_seen_ || !thinking.empty() || !content.empty();
    tool_calls((message ? message : *root)["tool_calls"], events);
    if ((*root)["done"].boolean()) done(*root, events);
}

void StreamDecoder::tool_calls(json::Value calls, Events& events) {
    for (const json::Value call : calls) {
        const json::Value function = call["function"];
        const json::Value given = function["arguments"];
        ToolCallDelta delta;
        delta.index = calls_++;
        delta.choice = options_.choice;
        delta.id = call["id"].string();
        delta.name = function["name"].string();
        // An object; engines that only look like Ollama send OpenAI's string.
        auto arguments = normalize_arguments(given.absent()      ? std::string_view("{}")
                                             : given.is_string() ? given.string()
                                                                 : given.raw());
        delta.arguments = arguments ? *std::move(arguments) : std::string(given.raw());
        if (delta.id.empty()) {
            // Two equal calls of one answer must not share an id.
            const std::string salted = delta.index == 0
                                           ? delta.arguments
                                           : fmt::format("{}#{}", delta.arguments, delta.index);
            delta.id = made_tool_call_id(options_.message_position, delta.name, salted,
                                         options_.target.profile->mistral_ids);
        }
        events.emplace_back(std::move(delta));
    }
}

void StreamDecoder::logprobs(json::Value tokens, Events& events) {
    logprobs_seen_ = true;
    Logprobs event;
    event.choice = options_.choice;
    for (const json::Value token : tokens)
        event.tokens.push_back(token_of(token));
    events.emplace_back(std::move(event));
}

void StreamDecoder::done(json::Value root, Events& events) {
    over_ = true;
    Usage usage;
    // Both are left out when they are 0, prompt_eval_count also when the whole prompt was cached
    // (wire 5.3).
    usage.prompt_tokens = root["prompt_eval_count"].integer().value_or(0);
    usage.completion_tokens = root["eval_count"].integer().value_or(0);
    events.emplace_back(usage);
    const std::string_view reason = root["done_reason"].string("stop");
    Finished finished;
    finished.choice = options_.choice;
    if (calls_ > 0)
        finished.reason = FinishReason::kToolCalls;
    else if (reason == "length")
        finished.reason = FinishReason::kLength;
    else if (reason == "load")
        finished.reason = FinishReason::kLoad;
    else if (reason == "unload")
        finished.reason = FinishReason::kUnload;
    events.emplace_back(std::move(finished));
    events.emplace_back(Ended{});
}

void StreamDecoder::fail(Failure failure, Events& events) {
    over_ = true;
    events.emplace_back(Failed{std::move(failure)});
}

void StreamDecoder::fail_broken(std::string_view why, Events& events) {
    fail(Failure{Failure::Cause::kBroken, fmt::format("engine {} {}", options_.target.engine, why)},
         events);
}

}  // namespace segue::llm::ollama
