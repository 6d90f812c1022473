/// What a conversation is made of, as the store keeps it and the API shows it.
///
/// Thread: values.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "base/clock.hpp"

namespace segue::chat {

/// Who asks. Everything in this module is asked for by a person, and shows that person's own.
struct Person {
    std::int64_t id = 0;
    std::string name;
    std::string role;
};

/// A passage that an answer may cite, with its place.
struct Source {
    int n = 0;  // its number in the text: [1]
    std::string passage;
    std::string document;
    std::string collection;
    std::string title;
    std::string path;
    std::string text;
    std::vector<std::string> heading;  // outermost first
    std::optional<int> page;
    std::optional<int> first_line;
    std::optional<int> last_line;
};

/// A mark in the text, and whether the passage bears it out.
struct Citation {
    enum class Finding : std::uint8_t { kSupported, kNoSuchSource, kNotEnoughInCommon };
    int n = 0;
    std::size_t start = 0;  // in UTF-16 code units, as browsers count
    std::size_t end = 0;
    Finding finding = Finding::kSupported;
    bool operator==(const Citation&) const = default;
};

struct ToolCall {
    std::string id;
    std::string name;
    std::string arguments;
    std::optional<std::string> result;
};

struct Image {
    std::string media_type;
    std::string data;  // base64
};

/// What of the conversation the engine got to read.
struct ContextReport {
    std::optional<std::int64_t> limit;
    std::int64_t tokens = 0;
    enum class Counter : std::uint8_t { kEngine, kEstimate } counted_by = Counter::kEstimate;
    int messages_sent = 0;
    int messages_left_out = 0;
    int sources_left_out = 0;
    bool shortened() const { return messages_left_out > 0 || sources_left_out > 0; }
};

/// How one answer was made.
struct AnswerRecord {
    std::string engine;
    std::string engine_kind;
    bool rehearsal = false;
    std::string model;
    std::optional<double> first_token_ms;
    double total_ms = 0;
    std::optional<double> tokens_per_second;
    std::optional<std::int64_t> tokens_in;
    std::optional<std::int64_t> tokens_out;
    std::optional<std::int64_t> cached_tokens;
    std::optional<double> queue_ms;
    std::optional<double> search_ms;
    std::string finish_reason;
    std::string request_id;
    std::optional<std::string> previous_engine;
};

/// Why an answer broke off, for a person: never a part of its text.
struct Trouble {
    int status = 502;
    std::string title;
    std::string detail;
    std::optional<std::int64_t> retry_after_s;
};

struct Feedback {
    bool up = true;
    std::string comment;
};

struct Message {
    enum class Role : std::uint8_t { kUser, kAssistant };
    enum class Kind : std::uint8_t {
        kText,
        kPassages,      // no engine answered: the sources are the answer
        kNothingFound,  // no passage matched, and no engine was asked
    };
    enum class State : std::uint8_t { kComplete, kRunning, kStopped, kIncomplete };

    std::string id;
    std::string conversation;
    std::optional<std::string> parent;
    std::vector<std::string> siblings;  // all with the same parent, oldest first
    Role role = Role::kUser;
    Kind kind = Kind::kText;
    State state = State::kComplete;
    std::string text;
    std::string reasoning;
    std::optional<double> reasoning_ms;
    std::optional<Trouble> trouble;
    std::vector<Image> images;
    std::vector<Source> sources;
    std::vector<Citation> citations;
    std::vector<ToolCall> tool_calls;
    std::optional<ContextReport> context;
    std::optional<AnswerRecord> record;
    std::optional<Feedback> feedback;
    std::string model;                     // asked for
    std::vector<std::string> collections;  // searched for it
    WallTime created{};
};

struct Share {
    std::string token;
    bool company = true;
    std::vector<std::string> people;  // logins; where it is not the whole company
    WallTime created{};
};

/// A file of one conversation.
struct File {
    std::string id;
    std::string name;
    std::string type;
    std::int64_t bytes = 0;
    std::optional<std::string> problem;  // why it could not be read
};

struct Conversation {
    std::string id;
    std::string title;
    enum class TitleBy : std::uint8_t { kNobody, kQuestion, kPerson } title_by = TitleBy::kNobody;
    std::string model;
    std::vector<std::string> collections;
    std::string system;
    bool pinned = false;
    bool archived = false;
    bool answering = false;
    std::optional<Share> share;
    std::vector<File> files;  // only where one conversation is asked for
    std::optional<std::string> leaf;
    std::int64_t messages = 0;
    std::optional<std::string> match;  // where a search found it
    WallTime created{};
    WallTime updated{};
};

struct Preset {
    std::string id;
    std::string name;
    std::string text;
    bool shared = false;
    bool mine = false;
};

/// Words as the API and the store write them.
std::string_view role_name(Message::Role role);
std::string_view kind_name(Message::Kind kind);
std::string_view state_name(Message::State state);
std::string_view title_by_name(Conversation::TitleBy by);
std::optional<Message::Kind> parse_kind(std::string_view name);
std::optional<Message::State> parse_state(std::string_view name);
Conversation::TitleBy parse_title_by(std::string_view name);
/// Null: supported.
std::optional<std::string_view> finding_name(Citation::Finding finding);

}  // namespace segue::chat
