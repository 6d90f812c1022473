/// Messages and conversations as the API shows them, and the parts of a message that the store
/// keeps as JSON, in the same words.
///
/// Thread: pure functions.
#pragma once

#include <concepts>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "base/json.hpp"
#include "chat/types.hpp"

namespace segue::chat {

void write(json::Writer& w, const Message& message);
void write(json::Writer& w, const Conversation& conversation);
/// The line of a list.
void write_summary(json::Writer& w, const Conversation& conversation);
void write(json::Writer& w, const Share& share);
void write(json::Writer& w, const Preset& preset);
void write(json::Writer& w, const File& file);
void write(json::Writer& w, const Source& source);
void write(json::Writer& w, const Citation& citation);
void write(json::Writer& w, const Image& image);
void write(json::Writer& w, const AnswerRecord& record);
void write(json::Writer& w, const ToolCall& call);
void write(json::Writer& w, const ContextReport& context);
void write(json::Writer& w, const Trouble& trouble);
void write(json::Writer& w, const Feedback& feedback);

template <class T>
std::string to_json(const T& value) {
    std::string out;
    json::Writer w(out);
    write(w, value);
    return out;
}
std::string to_json(const std::vector<Source>& sources);
std::string to_json(const std::vector<Citation>& citations);
std::string to_json(const std::vector<Image>& images);
std::string to_json(const std::vector<ToolCall>& calls);

/// What to_json wrote; anything else reads as nothing.
std::vector<Source> read_sources(std::string_view text);
std::vector<Citation> read_citations(std::string_view text);
std::vector<Image> read_images(std::string_view text);
std::vector<ToolCall> read_tool_calls(std::string_view text);
std::optional<ContextReport> read_context(std::string_view text);
std::optional<AnswerRecord> read_record(std::string_view text);
std::optional<Trouble> read_trouble(std::string_view text);

/// {"type":"…", …}
template <std::invocable<json::Writer&> Fill>
std::string event_json(std::string_view type, Fill&& fill) {
    return json::object([&](json::Writer& w) {
        w.member("type", type);
        fill(w);
    });
}

}  // namespace segue::chat
