/// The canonical request: what a client asked, whatever dialect it spoke. Fronts decode into it,
/// engine sessions encode from it. Plain data; no engine's or client's field names.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <utility>
#include <variant>
#include <vector>

namespace segue::llm {

enum class Dialect : std::uint8_t { kOllama, kOpenAi, kAnthropic };
std::string_view dialect_name(Dialect dialect);

struct TextPart {
    std::string text;
};
/// Either base64 data with its media type ("image/png"), or an http(s) URL.
struct ImagePart {
    std::string media_type;
    std::string base64;
    std::string url;
};
/// Base64 data; format "wav" or "mp3".
struct AudioPart {
    std::string format;
    std::string base64;
};
using Part = std::variant<TextPart, ImagePart, AudioPart>;

/// One call of the assistant. `arguments` is the exact JSON text of an object; "" means no
/// arguments.
struct ToolCall {
    std::string id;  // "" = none was given
    std::string name;
    std::string arguments;
};

struct Message {
    std::string role;         // lower case: system, user, assistant, tool, or anything else
    std::vector<Part> parts;  // in order; empty = no content
    bool content_is_null = false;
    std::string reasoning;  // thinking of an earlier assistant turn
    std::vector<ToolCall> tool_calls;
    std::string tool_call_id;  // role tool
    std::string tool_name;     // role tool
    std::string extra;  // "" or a JSON object of members the canonical form does not know (OpenAI
                        // front only)

    /// Text parts joined by a newline.
    std::string text() const;
};

/// What the client set; absent means: the model's profile, then the front's defaults, then the
/// engine decide.
struct Sampling {
    std::optional<double> temperature;
    std::optional<double> top_p;
    std::optional<double> min_p;
    std::optional<double> typical_p;
    std::optional<double> presence_penalty;
    std::optional<double> frequency_penalty;
    std::optional<double> repeat_penalty;
    std::optional<std::int64_t> top_k;
    std::optional<std::int64_t> seed;
    std::optional<std::int64_t> max_tokens;  // Ollama's num_predict: negative = no limit
    std::optional<std::int64_t> repeat_last_n;
    std::optional<std::int64_t> num_ctx;
    std::optional<std::vector<std::string>> stop;

    /// Takes from `lower` what is absent here.
    void fill_from(const Sampling& lower);
};

/// A request member that the canonical form has no word for, with its exact JSON: engine-native
/// options that pass through, load options, removed options. `name` without the "options." prefix.
struct Extra {
    std::string name;
    std::string json;
};

struct ResponseFormat {
    enum class Kind : std::uint8_t { kNone, kJsonObject, kJsonSchema } kind = Kind::kNone;
    std::string schema;  // exact JSON text of the schema (kJsonSchema)
    std::string name;    // OpenAI's json_schema.name; "" = "response"
};

struct ToolChoice {
    enum class Kind : std::uint8_t { kUnset, kAuto, kNone, kRequired, kNamed } kind = Kind::kUnset;
    std::string name;  // kNamed
};

/// The thinking switch. kLevel: low, medium, high, max in `level` (Ollama's names).
struct Think {
    enum class Mode : std::uint8_t { kUnset, kOff, kOn, kLevel } mode = Mode::kUnset;
    std::string level;
    std::optional<std::int64_t> budget_tokens;
    bool wanted() const { return mode == Mode::kOn || mode == Mode::kLevel; }
};

struct ChatRequest {
    std::string model;  // exactly as the client wrote it
    std::vector<Message> messages;
    std::vector<std::string> tools;  // each the exact JSON of one OpenAI function tool
    ToolChoice tool_choice;
    std::optional<bool> parallel_tool_calls;
    ResponseFormat format;
    Think think;
    Sampling sampling;
    std::vector<Extra> extras;  // in request order
    bool logprobs = false;
    std::optional<std::int64_t> top_logprobs;
    bool stream = false;
    bool include_usage = false;  // OpenAI front: stream_options.include_usage
    std::int64_t choices = 1;    // OpenAI front: n
    std::optional<bool>
        truncate;            // Ollama front: cut a prompt that is too long (absent = yes there)
    std::string keep_alive;  // exact JSON, "" = absent; for Ollama engines
    /// `context: exact` (wire 3.3), set by the Ollama front for generate when
    /// profile.exact_context: the ids of an earlier answer, and whether TokenIds events are wanted.
    /// An extra named "context" is then not declared as lost.
    std::vector<std::int64_t> context;
    bool want_token_ids = false;
};

/// A prompt that goes to the model as it is, without a chat template.
struct CompletionRequest {
    std::string model;
    std::vector<std::string> prompts;  // usually one
    std::string suffix;
    bool has_suffix = false;
    bool echo = false;
    std::vector<Part> images;
    ResponseFormat format;
    Sampling sampling;
    std::vector<Extra> extras;
    bool logprobs = false;
    std::optional<std::int64_t> top_logprobs;
    bool stream = false;
    bool include_usage = false;
    std::int64_t choices = 1;
    std::string keep_alive;
};

struct EmbedRequest {
    std::string model;
    std::vector<std::string> inputs;
    std::optional<std::int64_t> dimensions;
    bool truncate = true;
    std::vector<Extra> extras;
    std::string keep_alive;
};

}  // namespace segue::llm
