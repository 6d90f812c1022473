/// Rows of the conversation tables as values: the columns, their types, and what becomes of them.
/// Private to archive*.cpp.
///
/// Thread: pure.
#pragma once

#include <string_view>
#include <tuple>

#include "base/result.hpp"
#include "chat/json.hpp"
#include "chat/types.hpp"
#include "store/value.hpp"

// The types of kConversationColumns and kMessageColumns, as template arguments.
#define SEGUE_CONVERSATION_ROW                                                                 \
    std::string, std::string, std::string, std::string, std::vector<std::string>, std::string, \
        bool, bool, bool, std::optional<std::string>, std::optional<std::vector<std::string>>, \
        std::optional<WallTime>, std::optional<std::string>, std::int64_t, WallTime, WallTime
#define SEGUE_MESSAGE_ROW                                                                          \
    std::string, std::string, std::optional<std::string>, std::vector<std::string>, std::string,   \
        std::string, std::string, std::string, std::vector<std::string>, std::string, std::string, \
        std::optional<double>, std::optional<store::Json>, std::optional<store::Json>,             \
        std::optional<store::Json>, std::optional<store::Json>, std::optional<store::Json>,        \
        std::optional<store::Json>, std::optional<store::Json>, std::optional<std::string>,        \
        std::string, WallTime

namespace segue::chat {

inline constexpr std::string_view kConversationColumns =
    "c.id, c.title, c.title_by, c.model, c.collections, c.system, c.pinned, c.archived, EXISTS "
    "(SELECT FROM message r WHERE r.conversation = c.id AND r.state = 'running'), c.share_token, "
    "CASE WHEN c.share_people IS NOT NULL THEN ARRAY(SELECT p.name FROM person p WHERE p.id::text "
    "= ANY (c.share_people) ORDER BY p.name) END, c.shared, c.leaf, c.messages::bigint, c.created, "
    "c.updated";
inline constexpr std::string_view kMessageColumns =
    "m.id, m.conversation, m.parent, ARRAY(SELECT s.id FROM message s WHERE s.conversation = "
    "m.conversation AND s.parent_key = m.parent_key ORDER BY s.ordinal), m.role, m.kind, m.state, "
    "m.model, m.collections, m.text, m.reasoning, m.reasoning_ms, m.problem, m.images, m.sources, "
    "m.citations, m.tool_calls, m.context, m.record, m.thumb, m.comment, m.created";

inline tl::unexpected<Error> no_conversation() {
    return fail(Fault::kNotFound, "there is no such conversation; it may have been deleted",
                "chat");
}

using ConversationRow = std::tuple<SEGUE_CONVERSATION_ROW>;
using MessageRow = std::tuple<SEGUE_MESSAGE_ROW>;

/// From the first columns of a row.
template <class Row>
Conversation conversation_of(Row& row) {
    Conversation out;
    out.id = std::move(std::get<0>(row));
    out.title = std::move(std::get<1>(row));
    out.title_by = parse_title_by(std::get<2>(row));
    out.model = std::move(std::get<3>(row));
    out.collections = std::move(std::get<4>(row));
    out.system = std::move(std::get<5>(row));
    out.pinned = std::get<6>(row);
    out.archived = std::get<7>(row);
    out.answering = std::get<8>(row);
    if (std::get<9>(row)) {
        Share share;
        share.token = *std::get<9>(row);
        share.company = !std::get<10>(row).has_value();
        if (std::get<10>(row)) share.people = *std::get<10>(row);
        share.created = std::get<11>(row).value_or(WallTime{});
        out.share = std::move(share);
    }
    out.leaf = std::move(std::get<12>(row));
    out.messages = std::get<13>(row);
    out.created = std::get<14>(row);
    out.updated = std::get<15>(row);
    return out;
}

inline Message message_of(MessageRow& row) {
    const auto json = [](const std::optional<store::Json>& value) {
        return value ? std::string_view(value->text) : std::string_view("null");
    };
    Message out;
    out.id = std::move(std::get<0>(row));
    out.conversation = std::move(std::get<1>(row));
    out.parent = std::move(std::get<2>(row));
    out.siblings = std::move(std::get<3>(row));
    out.role = std::get<4>(row) == "user" ? Message::Role::kUser : Message::Role::kAssistant;
    out.kind = parse_kind(std::get<5>(row)).value_or(Message::Kind::kText);
    out.state = parse_state(std::get<6>(row)).value_or(Message::State::kIncomplete);
    out.model = std::move(std::get<7>(row));
    out.collections = std::move(std::get<8>(row));
    out.text = std::move(std::get<9>(row));
    out.reasoning = std::move(std::get<10>(row));
    out.reasoning_ms = std::get<11>(row);
    out.trouble = read_trouble(json(std::get<12>(row)));
    out.images = read_images(json(std::get<13>(row)));
    out.sources = read_sources(json(std::get<14>(row)));
    out.citations = read_citations(json(std::get<15>(row)));
    out.tool_calls = read_tool_calls(json(std::get<16>(row)));
    out.context = read_context(json(std::get<17>(row)));
    out.record = read_record(json(std::get<18>(row)));
    if (std::get<19>(row)) out.feedback = Feedback{*std::get<19>(row) == "up", std::get<20>(row)};
    out.created = std::get<21>(row);
    return out;
}

}  // namespace segue::chat
