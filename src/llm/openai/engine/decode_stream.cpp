#include "llm/openai/engine/decode_stream.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <utility>

#include "base/text.hpp"
#include "llm/session.hpp"

namespace segue::llm::openai_engine {
namespace {

using Cause = Failure::Cause;

// An engine's numbers decide how much memory an answer takes: odd ones are passed over.
constexpr std::int64_t kMaxChoices = 1024;
constexpr std::size_t kMaxCalls = 1024;
// An engine whose chunks have no common frame (a time in each) is not compared for ever.
constexpr int kMostLearned = 16;

std::vector<std::uint8_t> bytes_of(std::string_view text) {
    return {text.begin(), text.end()};
}

TokenLogprob chat_token(json::Value value) {
    TokenLogprob token;
    token.token = value["token"].string();
    token.logprob = value["logprob"].number().value_or(0);
    if (const json::Value bytes = value["bytes"]; bytes.is_array()) {
        token.bytes.emplace();
        for (const json::Value byte : bytes)
            token.bytes->push_back(static_cast<std::uint8_t>(byte.integer().value_or(0) & 0xff));
    }
    for (const json::Value top : value["top_logprobs"])
        token.top.push_back(chat_token(top));
    return token;
}

/// Completions give columns rather than rows (wire 2.4).
std::vector<TokenLogprob> zip_columns(json::Value logprobs, std::int64_t top_wanted) {
    std::vector<TokenLogprob> tokens;
    const json::Value values = logprobs["token_logprobs"];
    const json::Value tops = logprobs["top_logprobs"];
    auto value = values.begin();
    auto top = tops.begin();
    for (const json::Value text : logprobs["tokens"]) {
        TokenLogprob token;
        token.token = text.string();
        token.bytes = bytes_of(token.token);
        if (value != values.end()) {
            token.logprob = (*value).number().value_or(0);
            ++value;
        }
        if (top != tops.end()) {
            if (top_wanted > 0) {
                for (const json::Value other : *top) {
                    token.top.push_back({std::string(other.key()),
                                         other.number().value_or(0),
                                         bytes_of(other.key()),
                                         {}});
                }
            }
            ++top;
        }
        tokens.push_back(std::move(token));
    }
    return tokens;
}

/// `reasoning` first; the name of engines before 0.11.1 else. Both at once hold the same text
/// (wire 5.1).
std::string_view reasoning_of(json::Value message) {
    const std::string_view reasoning = message["reasoning"].string();
    return reasoning.empty() ? message["reasoning_content"].string() : reasoning;
}

/// Some engines give parts even in answers.
std::string content_of(json::Value content) {
    if (content.is_string()) return std::string(content.string());
    std::string text;
    for (const json::Value part : content)
        text += part["text"].string();
    return text;
}

/// Lines of an event that SSE would pass over in silence: an engine does not send them, so
/// something else is in the way (a proxy's page, bytes of another answer).
bool has_stray_line(std::string_view source) {
    for (std::string_view line : split(source, '\n')) {
        line = trim(line);
        if (line.empty() || line.starts_with(':')) continue;
        const std::string_view field = line.substr(0, line.find(':'));
        if (field != "data" && field != "event" && field != "id" && field != "retry") return true;
    }
    return false;
}

void learn(std::atomic<EngineTraits::Tri>& trait, EngineTraits::Tri value) {
    if (trait.load(std::memory_order_relaxed) != value) trait = value;
}

}  // namespace

StreamDecoder::StreamDecoder(DecoderOptions options)
    : options_(std::move(options)), splitter_(options_.max_event_bytes) {
}

void StreamDecoder::feed(std::string_view bytes, Events& events) {
    if (over_) return;
    if (shape_ == Shape::kUnknown) {
        // No SSE field begins with a bracket: a whole object comes from an engine that does not
        // stream, or is an error with status 200. What is blank before it says nothing, however it
        // is cut.
        bytes = trim_left(bytes);
        if (bytes.empty()) return;
        shape_ = bytes.front() == '{' ? Shape::kObject : Shape::kSse;
    }
    if (shape_ == Shape::kSse) return read_sse(bytes, events);
    if (object_.size() + bytes.size() > options_.max_event_bytes)
        return break_off("sent an answer that is too long", events);
    object_ += bytes;
}

void StreamDecoder::end(Events& events) {
    if (over_) return;
    if (shape_ == Shape::kObject) {
        read_object(object_, events);
    } else if (!splitter_.at_boundary()) {
        // The last event may lack its blank line.
        read_sse("\n\n", events);
    }
    if (!over_) complete(events);
}

void StreamDecoder::read_sse(std::string_view bytes, Events& events) {
    std::vector<SseEvent> parts;
    const bool fits = splitter_.feed(bytes, parts);
    for (const SseEvent& part : parts) {
        if (over_) return;
        read_event(part, events);
    }
    if (!fits && !over_) break_off("sent an event that is too long", events);
}

void StreamDecoder::read_event(const SseEvent& event, Events& events) {
    if (event.comment_only) {
        if (has_stray_line(event.source)) break_off("sent a line that is no event", events);
        return;
    }
    const std::string_view data = trim(event.data);
    if (data.empty()) return;
    if (const auto text = plain_.text_of(data)) {
        events.emplace_back(Text{std::string(*text), plain_choice_});
        return;
    }
    if (data == "[DONE]") return complete(events);
    read_object(data, events);
}

void StreamDecoder::read_object(std::string_view text, Events& events) {
    auto root = parser_.parse(text);
    // Bytes that are no UTF-8 are one bad character, not the end of an answer.
    if (!root && root.error().kind == json::ParseError::Kind::kUtf8)
        root = parser_.parse(json::repair_text(text));
    if (!root || !root->is_object())
        return break_off("sent an event that is no JSON object", events);
    if (const auto error = find_error(*root))
        return fail(body_failure(*error, options_.target, options_.client_model), events);
    read_chunk(*root, events);
    if (shape_ == Shape::kSse && !over_ && learned_ < kMostLearned && plain_.learn(text, *root)) {
        ++learned_;
        const auto choice = (*root)["choices"].at(0)["index"].integer().value_or(0);
        if (choice < 0 || choice >= kMaxChoices) return plain_.forget();
        plain_choice_ = static_cast<std::uint32_t>(choice);
    }
}

void StreamDecoder::read_chunk(json::Value root, Events& events) {
    if (!std::exchange(started_, true)) events.emplace_back(Started{});
    if (options_.want_token_ids) read_token_ids(root, events);
    for (const json::Value choice : root["choices"]) {
        if (over_) return;
        read_choice(choice, events);
    }
    if (!over_) read_usage(root, events);
}

void StreamDecoder::read_choice(json::Value choice, Events& events) {
    const std::int64_t number = choice["index"].integer().value_or(0);
    if (number < 0 || number >= kMaxChoices) return;
    const auto index = static_cast<std::uint32_t>(number);
    // `delta` in a stream, `message` in a whole answer, `text` beside them in completions.
    const json::Value delta = choice["delta"];
    const json::Value message = delta.is_object() ? delta : choice["message"];
    const std::string_view reasoning = reasoning_of(message);
    const std::string text =
        message ? content_of(message["content"]) : std::string(choice["text"].string());

    if (options_.want_token_ids) read_token_ids(choice, events);
    read_logprobs(choice["logprobs"], index, events);
    if (!reasoning.empty()) {
        EngineTraits& traits = *options_.target.traits;
        learn(traits.reasoning_parser, EngineTraits::Tri::kYes);
        if (message["reasoning"].absent() && !traits.answers_reasoning_content)
            traits.answers_reasoning_content = true;
        events.emplace_back(Reasoning{std::string(reasoning), index});
    }
    if (!text.empty()) events.emplace_back(Text{text, index});
    // In a whole answer calls have no index: their place is their number.
    std::int64_t position = 0;
    for (const json::Value call : message["tool_calls"]) {
        const bool whole = !delta.is_object();
        read_call(call, whole ? std::optional(position) : std::nullopt, index, events);
        ++position;
    }
    const json::Value reason = choice["finish_reason"];
    if (reason.is_string()) finish(reason.string(), choice["stop_reason"], index, events);
}

void StreamDecoder::read_logprobs(json::Value logprobs, std::uint32_t index, Events& events) const {
    if (!logprobs.is_object()) return;
    Logprobs found;
    found.choice = index;
    if (logprobs["tokens"].is_array()) {
        found.tokens = zip_columns(logprobs, options_.top_logprobs);
    } else {
        for (const json::Value token : logprobs["content"])
            found.tokens.push_back(chat_token(token));
    }
    if (!found.tokens.empty()) events.emplace_back(std::move(found));
}

/// Wire 3.6: `index` may be missing: the call with that id, a new one for a new id, else the first.
/// Some engines number every call 0: a new id with a new name after arguments is a new call.
std::size_t StreamDecoder::place_of_call(Choice& choice, std::optional<std::int64_t> engine_index,
                                         std::string_view id, std::string_view name) {
    std::vector<Call>& calls = choice.calls;
    const auto add = [&] {
        calls.push_back({engine_index, {}, {}, {}});
        return calls.size() - 1;
    };
    if (engine_index) {
        // The latest with that number.
        for (std::size_t i = calls.size(); i-- > 0;) {
            if (calls[i].engine_index != engine_index) continue;
            const bool another = !id.empty() && !name.empty() && !calls[i].id.empty() &&
                                 calls[i].id != id && !calls[i].arguments.empty();
            return another ? add() : i;
        }
        return add();
    }
    if (id.empty()) return calls.empty() ? add() : std::size_t{0};
    for (std::size_t i = 0; i < calls.size(); ++i) {
        if (calls[i].id == id) return i;
    }
    return add();
}

void StreamDecoder::read_call(json::Value call, std::optional<std::int64_t> position,
                              std::uint32_t index, Events& events) {
    const json::Value function = call["function"];
    const std::string_view id = call["id"].string();
    const std::string_view name = function["name"].string();
    // A string by the book; some engines give the object itself.
    const json::Value given = function["arguments"];
    const std::string_view arguments = given.is_object() ? given.raw() : given.string();

    Choice& choice = choices_[index];
    if (choice.calls.size() >= kMaxCalls) return;
    const auto engine_index = call["index"].integer();
    const std::size_t place =
        place_of_call(choice, engine_index ? engine_index : position, id, name);
    Call& kept = choice.calls[place];
    ToolCallDelta delta;
    delta.index = static_cast<std::uint32_t>(place);
    delta.choice = index;
    // Once, in pieces, or whole in every fragment: only what is new goes on.
    if (kept.id != id) delta.id = id;
    if (kept.name != name) delta.name = name;
    delta.arguments = arguments;
    kept.id += delta.id;
    kept.name += delta.name;
    kept.arguments += arguments;
    if (!delta.id.empty() || !delta.name.empty() || !delta.arguments.empty())
        events.emplace_back(std::move(delta));
}

void StreamDecoder::read_usage(json::Value root, Events& events) {
    const json::Value given = root["usage"];
    Usage usage;
    if (given.is_object()) {
        usage.prompt_tokens = given["prompt_tokens"].integer();
        usage.completion_tokens = given["completion_tokens"].integer();
        usage.cached_tokens = given["prompt_tokens_details"]["cached_tokens"].integer();
        usage.reasoning_tokens = given["completion_tokens_details"]["reasoning_tokens"].integer();
        // Only an engine with a reasoning parser counts them (wire 3.8).
        if (usage.reasoning_tokens)
            learn(options_.target.traits->reasoning_parser, EngineTraits::Tri::kYes);
    }
    usage.queue_ms = root["metrics"]["queue_time_ms"].number();
    if (usage != Usage{}) events.emplace_back(usage);
}

void StreamDecoder::read_token_ids(json::Value holder, Events& events) const {
    TokenIds ids;
    for (const json::Value id : holder["prompt_token_ids"])
        ids.prompt.push_back(id.integer().value_or(0));
    for (const json::Value id : holder["token_ids"])
        ids.completion.push_back(id.integer().value_or(0));
    if (!ids.prompt.empty() || !ids.completion.empty()) events.emplace_back(std::move(ids));
}

void StreamDecoder::finish(std::string_view reason, json::Value stop_reason, std::uint32_t index,
                           Events& events) {
    if (reason == "abort" || reason == "error") {
        Failure failure{Cause::kEngineFailed, fmt::format("engine {} gave up while answering ({})",
                                                          options_.target.engine, reason)};
        return fail(std::move(failure), events);
    }
    Choice& choice = choices_[index];
    if (std::exchange(choice.finished, true)) return;
    for (std::size_t i = 0; i < choice.calls.size(); ++i) {
        Call& call = choice.calls[i];
        if (!call.id.empty()) continue;
        call.id = made_tool_call_id(options_.message_position,
                                    fmt::format("{}#{}.{}", call.name, index, i), call.arguments,
                                    options_.target.profile->mistral_ids);
        events.emplace_back(ToolCallDelta{static_cast<std::uint32_t>(i), call.id, {}, {}, index});
    }
    Finished finished;
    finished.choice = index;
    if (reason == "length") {
        finished.reason = FinishReason::kLength;
    } else if (!choice.calls.empty()) {
        // A named tool_choice ends with "stop" (wire 2.3).
        finished.reason = FinishReason::kToolCalls;
    }
    finished.stop_sequence = stop_reason.string();
    events.emplace_back(std::move(finished));
}

void StreamDecoder::complete(Events& events) {
    const bool whole =
        !choices_.empty() && std::all_of(choices_.begin(), choices_.end(),
                                         [](const auto& entry) { return entry.second.finished; });
    if (!whole) return break_off("ended its answer before it was complete", events);
    over_ = true;
    events.emplace_back(Ended{});
}

void StreamDecoder::break_off(std::string_view why, Events& events) {
    fail(Failure{Cause::kBroken, fmt::format("engine {} {}", options_.target.engine, why)}, events);
}

void StreamDecoder::fail(Failure failure, Events& events) {
    over_ = true;
    events.emplace_back(Failed{std::move(failure)});
}

}  // namespace segue::llm::openai_engine
