#include "chat/types.hpp"

namespace segue::chat {

std::string_view role_name(Message::Role role) {
    return role == Message::Role::kUser ? "user" : "assistant";
}

std::string_view kind_name(Message::Kind kind) {
    switch (kind) {
        case Message::Kind::kText: return "text";
        case Message::Kind::kPassages: return "passages";
        case Message::Kind::kNothingFound: return "nothing_found";
    }
    return "text";
}

std::string_view state_name(Message::State state) {
    switch (state) {
        case Message::State::kComplete: return "complete";
        case Message::State::kRunning: return "running";
        case Message::State::kStopped: return "stopped";
        case Message::State::kIncomplete: return "incomplete";
    }
    return "incomplete";
}

std::string_view title_by_name(Conversation::TitleBy by) {
    switch (by) {
        case Conversation::TitleBy::kNobody: return "nobody";
        case Conversation::TitleBy::kQuestion: return "question";
        case Conversation::TitleBy::kPerson: return "person";
    }
    return "nobody";
}

std::optional<Message::Kind> parse_kind(std::string_view name) {
    for (const auto kind :
         {Message::Kind::kText, Message::Kind::kPassages, Message::Kind::kNothingFound})
        if (kind_name(kind) == name) return kind;
    return std::nullopt;
}

std::optional<Message::State> parse_state(std::string_view name) {
    for (const auto state : {Message::State::kComplete, Message::State::kRunning,
                             Message::State::kStopped, Message::State::kIncomplete})
        if (state_name(state) == name) return state;
    return std::nullopt;
}

Conversation::TitleBy parse_title_by(std::string_view name) {
    for (const auto by : {Conversation::TitleBy::kQuestion, Conversation::TitleBy::kPerson})
        if (title_by_name(by) == name) return by;
    return Conversation::TitleBy::kNobody;
}

std::optional<std::string_view> finding_name(Citation::Finding finding) {
    switch (finding) {
        case Citation::Finding::kSupported: return std::nullopt;
        case Citation::Finding::kNoSuchSource: return "no_such_source";
        case Citation::Finding::kNotEnoughInCommon: return "not_enough_in_common";
    }
    return std::nullopt;
}

}  // namespace segue::chat
