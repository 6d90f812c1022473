#include "chat/archive.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <charconv>

#include "base/ids.hpp"
#include "base/text.hpp"
#include "base/utf8.hpp"
#include "chat/archive_rows.hpp"
#include "chat/json.hpp"

namespace segue::chat {
namespace {

constexpr std::size_t kLongestTitle = 60;
constexpr std::int64_t kMostMessages = 100'000;

tl::unexpected<Error> no_message() {
    return fail(Fault::kNotFound, "there is no such message; it may have been deleted", "chat");
}

/// 'word':* & 'other':* — each word of the query begins a word of the text. "" = no word.
std::string prefix_query(std::string_view query) {
    std::string out;
    std::string word;
    const auto close = [&] {
        if (word.empty()) return;
        out += out.empty() ? "'" : " & '";
        out += word + "':*";
        word.clear();
    };
    for (const char c : query) {
        const bool letter = (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') ||
                            (c >= '0' && c <= '9') || static_cast<unsigned char>(c) >= 0x80;
        letter ? word.push_back(c) : close();
    }
    close();
    return out;
}

std::string like_pattern(std::string_view query) {
    std::string out = "%";
    for (const char c : query) {
        if (c == '%' || c == '_' || c == '\\') out += '\\';
        out += c;
    }
    return out + "%";
}

bool is_ascii(std::string_view text) {
    return std::all_of(text.begin(), text.end(),
                       [](char c) { return static_cast<unsigned char>(c) < 0x80; });
}

/// "1.1795426528000000.id": pinned, updated in microseconds, id.
std::string cursor_of(const Conversation& last) {
    const auto micros =
        std::chrono::duration_cast<std::chrono::microseconds>(last.updated.time_since_epoch())
            .count();
    return fmt::format("{}.{}.{}", last.pinned ? 1 : 0, micros, last.id);
}

struct Cursor {
    bool pinned = true;
    std::int64_t micros = 0;
    std::string id;
};
std::optional<Cursor> read_cursor(std::string_view text) {
    const auto parts = split(text, '.');
    if (parts.size() != 3) return std::nullopt;
    Cursor cursor{parts[0] == "1", 0, std::string(parts[2])};
    const auto [end, error] =
        std::from_chars(parts[1].data(), parts[1].data() + parts[1].size(), cursor.micros);
    if (error != std::errc{} || end != parts[1].data() + parts[1].size()) return std::nullopt;
    return cursor;
}

}  // namespace

std::string title_of(std::string_view question) {
    std::string title;
    for (const auto line : split(question, '\n')) {
        title = trim(line);
        while (!title.empty() && (title.front() == '#' || title.front() == '>' || title[0] == ' '))
            title.erase(0, 1);
        if (!title.empty()) break;
    }
    if (title.size() <= kLongestTitle) return title;
    std::size_t cut = kLongestTitle;
    while (cut > 0 && continues_code_point(title[cut]))
        --cut;
    const auto space = title.rfind(' ', cut);
    if (space != std::string::npos && space > kLongestTitle / 2) cut = space;
    title.resize(cut);
    return title + "…";
}

Result<ConversationPage> Archive::list(const Person& person, const ConversationFilter& filter) {
    Cursor cursor;
    const bool paged = !filter.before.empty();
    if (paged) {
        const auto read = read_cursor(filter.before);
        if (!read)
            return fail(Fault::kInvalid, "before must be what an earlier page called next", "chat");
        cursor = *read;
    }
    const std::string words = prefix_query(filter.query);
    const std::string trimmed(trim(filter.query));
    const bool searching = !trimmed.empty();
    const auto fetch = [&](store::Connection& c) {
        if (!searching)
            return c.query<SEGUE_CONVERSATION_ROW, std::optional<std::string>>(
                fmt::format("SELECT {}, NULL::text FROM conversation c WHERE person = $1 AND "
                            "archived = $2 AND (NOT $3::boolean OR (pinned, updated, c.id) < "
                            "($4::boolean, to_timestamp($5::bigint / 1000000) + ($5::bigint % "
                            "1000000) * interval '1 microsecond', $6)) ORDER BY pinned DESC, "
                            "updated DESC, c.id DESC LIMIT $7",
                            kConversationColumns),
                person.id, filter.archived, paged, cursor.pinned, cursor.micros, cursor.id,
                filter.limit + 1);
        // Words by the index; scripts without spaces between words by their characters.
        return c.query<SEGUE_CONVERSATION_ROW, std::optional<std::string>>(
            fmt::format(
                "SELECT {}, m.snippet FROM conversation c LEFT JOIN LATERAL (SELECT "
                "ts_headline('pg_catalog.simple', left(m.text, 20000), $8::tsquery, "
                "'StartSel=\x02, StopSel=\x03, MaxWords=18, MinWords=8, MaxFragments=1') AS "
                "snippet FROM message m WHERE m.conversation = c.id AND (($8 <> '' AND m.words @@ "
                "$8::tsquery) OR ($9::boolean AND m.text ILIKE $10)) ORDER BY m.ordinal DESC LIMIT "
                "1) m ON true WHERE person = $1 AND ($2 OR NOT archived) AND (m.snippet IS NOT "
                "NULL "
                "OR title ILIKE $10) AND (NOT $3::boolean OR (pinned, updated, c.id) < "
                "($4::boolean, to_timestamp($5::bigint / 1000000) + ($5::bigint % 1000000) * "
                "interval '1 microsecond', $6)) ORDER BY pinned DESC, updated DESC, c.id DESC "
                "LIMIT $7",
                kConversationColumns),
            person.id, filter.archived, paged, cursor.pinned, cursor.micros, cursor.id,
            filter.limit + 1, words, !is_ascii(trimmed), like_pattern(trimmed));
    };
    SEGUE_TRY(rows, pool_.read(fetch));
    ConversationPage page;
    for (auto& row : rows) {
        page.conversations.push_back(conversation_of(row));
        page.conversations.back().match = std::get<std::tuple_size_v<ConversationRow>>(row);
    }
    if (page.conversations.size() > static_cast<std::size_t>(filter.limit)) {
        page.conversations.pop_back();
        page.next = cursor_of(page.conversations.back());
    }
    return page;
}

Result<Conversation> Archive::create(const Person& person, const NewConversation& wanted) {
    std::string system = wanted.system;
    if (!wanted.preset.empty()) {
        SEGUE_TRY(preset, pool_.one<std::string>(
                              "SELECT text FROM preset WHERE id = $1 AND (person = $2 OR shared)",
                              wanted.preset, person.id));
        if (!preset) return fail(Fault::kNotFound, "there is no such preset", "chat");
        system = std::get<0>(*preset);
    }
    const std::string id = random_alphanumeric(20);
    SEGUE_TRY_VOID(pool_.execute(
        "INSERT INTO conversation (id, person, title, title_by, model, collections, system) VALUES "
        "($1, $2, $3, $4, $5, $6, $7) ON CONFLICT DO NOTHING",
        id, person.id, wanted.title, wanted.title.empty() ? "nobody" : "person", wanted.model,
        wanted.collections, system));
    return find(person, id);
}

Result<Conversation> Archive::find(const Person& person, std::string_view id) {
    const auto fetch = [&](store::Connection& c) {
        return c.one<SEGUE_CONVERSATION_ROW>(
            fmt::format("SELECT {} FROM conversation c WHERE c.id = $1 AND person = $2",
                        kConversationColumns),
            id, person.id);
    };
    SEGUE_TRY(row, pool_.read(fetch));
    if (!row) return no_conversation();
    return conversation_of(*row);
}

Result<Conversation> Archive::change(const Person& person, std::string_view id,
                                     const ConversationChange& change) {
    if (change.leaf) {
        SEGUE_TRY(there, pool_.one<std::int64_t>(
                             "SELECT count(*) FROM message m JOIN conversation c ON c.id = "
                             "m.conversation WHERE m.id = $1 AND c.id = $2 AND c.person = $3",
                             *change.leaf, id, person.id));
        if (std::get<0>(*there) == 0) return no_message();
    }
    SEGUE_TRY(changed, pool_.execute(
                           "UPDATE conversation SET title = coalesce($3, title), title_by = CASE "
                           "WHEN $3::text IS NULL THEN title_by ELSE 'person' END, model = "
                           "coalesce($4, model), collections = coalesce($5::text[], collections), "
                           "system = coalesce($6, system), pinned = coalesce($7::boolean, pinned), "
                           "archived = coalesce($8::boolean, archived), leaf = coalesce($9, leaf) "
                           "WHERE id = $1 AND person = $2",
                           id, person.id, change.title, change.model, change.collections,
                           change.system, change.pinned, change.archived, change.leaf));
    if (changed == 0) return no_conversation();
    return find(person, id);
}

Result<void> Archive::remove(const Person& person, std::string_view id) {
    SEGUE_TRY(removed, pool_.execute("DELETE FROM conversation WHERE id = $1 AND person = $2", id,
                                     person.id));
    if (removed == 0) return no_conversation();
    return {};
}

Result<Branch> Archive::branch(const Person& person, std::string_view conversation,
                               std::string_view leaf, std::string_view before, std::int64_t limit) {
    SEGUE_TRY(whole, find(person, conversation));
    return pool_.read([&](store::Connection& c) -> Result<Branch> {
        Branch out;
        std::string end = leaf.empty() ? whole.leaf.value_or("") : std::string(leaf);
        if (end.empty()) return out;
        // Down to the newest end of the branch through that message.
        SEGUE_TRY(newest,
                  c.one<std::string>(
                      "WITH RECURSIVE down AS (SELECT id, 0 AS depth FROM message WHERE id = $1 "
                      "AND conversation = $2 UNION ALL SELECT n.id, depth + 1 FROM down CROSS JOIN "
                      "LATERAL (SELECT id FROM message m WHERE m.conversation = $2 AND "
                      "m.parent_key = down.id ORDER BY ordinal DESC LIMIT 1) n) SELECT id FROM "
                      "down ORDER BY depth DESC LIMIT 1",
                      end, conversation));
        if (!newest) return no_message();
        out.leaf = std::get<0>(*newest);
        SEGUE_TRY(rows,
                  c.query<SEGUE_MESSAGE_ROW>(
                      fmt::format(
                          "WITH RECURSIVE up AS (SELECT id, parent, 0 AS depth FROM message WHERE "
                          "conversation = $2 AND id = CASE WHEN $3 = '' THEN $1 ELSE (SELECT "
                          "parent FROM message WHERE id = $3 AND conversation = $2) END UNION ALL "
                          "SELECT m.id, m.parent, depth + 1 FROM up JOIN message m ON m.id = "
                          "up.parent WHERE depth < $4) SELECT {} FROM up JOIN message m ON m.id = "
                          "up.id ORDER BY depth DESC",
                          kMessageColumns),
                      *out.leaf, conversation, before, limit));
        for (auto& row : rows)
            out.messages.push_back(message_of(row));
        if (out.messages.size() > static_cast<std::size_t>(limit)) {
            out.messages.erase(out.messages.begin());
            out.earlier = out.messages.front().id;
        }
        return out;
    });
}

Result<Message> Archive::message(const Person& person, std::string_view id) {
    const auto fetch = [&](store::Connection& c) {
        return c.one<SEGUE_MESSAGE_ROW>(
            fmt::format("SELECT {} FROM message m JOIN conversation c ON c.id = m.conversation "
                        "WHERE m.id = $1 AND c.person = $2",
                        kMessageColumns),
            id, person.id);
    };
    SEGUE_TRY(row, pool_.read(fetch));
    if (!row) return no_message();
    return message_of(*row);
}

Result<std::vector<Message>> Archive::tree(const Person& person, std::string_view conversation) {
    SEGUE_TRY_VOID(find(person, conversation));
    const auto fetch = [&](store::Connection& c) {
        return c.query<SEGUE_MESSAGE_ROW>(
            fmt::format("SELECT {} FROM message m WHERE m.conversation = $1 ORDER BY ordinal",
                        kMessageColumns),
            conversation);
    };
    SEGUE_TRY(rows, pool_.read(fetch));
    std::vector<Message> out;
    out.reserve(rows.size());
    for (auto& row : rows)
        out.push_back(message_of(row));
    return out;
}

namespace {

/// Locks the conversation, so that two questions at once come one after the other.
Result<Conversation> lock_conversation(store::Connection& c, const Person& person,
                                       std::string_view id) {
    SEGUE_TRY(row, c.one<SEGUE_CONVERSATION_ROW>(
                       fmt::format("SELECT {} FROM conversation c WHERE c.id = $1 AND person = $2 "
                                   "FOR UPDATE OF c",
                                   kConversationColumns),
                       id, person.id));
    if (!row) return no_conversation();
    return conversation_of(*row);
}

Result<Message> fetch_message(store::Connection& c, std::string_view id) {
    SEGUE_TRY(row,
              c.one<SEGUE_MESSAGE_ROW>(
                  fmt::format("SELECT {} FROM message m WHERE m.id = $1", kMessageColumns), id));
    if (!row) return no_message();
    return message_of(*row);
}

Result<void> touch(store::Connection& c, std::string_view conversation, std::string_view leaf,
                   std::int64_t more, std::string_view title) {
    SEGUE_TRY_VOID(c.execute(
        "UPDATE conversation SET leaf = $2, messages = messages + $3, updated = now(), archived = "
        "false, title = CASE WHEN $4 = '' THEN title ELSE $4 END, title_by = CASE WHEN $4 = '' "
        "THEN title_by ELSE 'question' END WHERE id = $1",
        conversation, leaf, more, title));
    return {};
}

Result<std::string> add_answer(store::Connection& c, std::string_view conversation,
                               std::string_view question, std::string_view model,
                               const std::vector<std::string>& collections) {
    const std::string id = random_alphanumeric(20);
    SEGUE_TRY_VOID(
        c.execute("INSERT INTO message (id, conversation, parent, role, state, model, "
                  "collections) VALUES ($1, $2, $3, 'assistant', 'running', $4, $5)",
                  id, conversation, question, model, collections));
    return id;
}

}  // namespace

Result<Started> Archive::ask(const Person& person, std::string_view conversation,
                             const Question& question) {
    return pool_.transaction([&](store::Connection& c) -> Result<Started> {
        SEGUE_TRY(whole, lock_conversation(c, person, conversation));
        if (whole.messages >= kMostMessages)
            return fail(Fault::kConflict, "this conversation is full; begin a new one", "chat");
        if (question.parent) {
            SEGUE_TRY(parent,
                      c.one<std::string, std::string>(
                          "SELECT role, state FROM message WHERE id = $1 AND conversation = $2",
                          *question.parent, conversation));
            if (!parent) return no_message();
            if (std::get<0>(*parent) != "assistant")
                return fail(Fault::kInvalid,
                            "parent must be an answer; to replace a question, give its own parent",
                            "chat");
            if (std::get<1>(*parent) == "running")
                return fail(Fault::kConflict,
                            "the answer before this question is still being written; wait, or stop "
                            "it first",
                            "chat");
        }
        const std::string asked = random_alphanumeric(20);
        SEGUE_TRY_VOID(c.execute(
            "INSERT INTO message (id, conversation, parent, role, state, text, images, model, "
            "collections) VALUES ($1, $2, $3, 'user', 'complete', $4, $5, $6, $7)",
            asked, conversation, question.parent, question.text,
            question.images.empty() ? std::optional<store::Json>{}
                                    : store::Json{to_json(question.images)},
            question.model, question.collections));
        SEGUE_TRY(answer, add_answer(c, conversation, asked, question.model, question.collections));
        SEGUE_TRY_VOID(
            touch(c, conversation, answer, 2,
                  whole.title_by == Conversation::TitleBy::kNobody ? title_of(question.text) : ""));
        Started out;
        SEGUE_TRY(kept, fetch_message(c, asked));
        SEGUE_TRY(running, fetch_message(c, answer));
        out.question = std::move(kept);
        out.answer = std::move(running);
        return out;
    });
}

Result<Started> Archive::ask_again(const Person& person, std::string_view answer,
                                   std::string_view model) {
    SEGUE_TRY(old, message(person, answer));
    if (old.role != Message::Role::kAssistant || !old.parent)
        return fail(Fault::kInvalid, "only an answer can be made again", "chat");
    return pool_.transaction([&](store::Connection& c) -> Result<Started> {
        SEGUE_TRY_VOID(lock_conversation(c, person, old.conversation));
        SEGUE_TRY(question, fetch_message(c, *old.parent));
        SEGUE_TRY(fresh, add_answer(c, old.conversation, *old.parent,
                                    model.empty() ? std::string_view(old.model) : model,
                                    question.collections));
        SEGUE_TRY_VOID(touch(c, old.conversation, fresh, 1, ""));
        SEGUE_TRY(running, fetch_message(c, fresh));
        return Started{std::move(question), std::move(running)};
    });
}

Result<Started> Archive::resume(const Person& person, std::string_view answer) {
    SEGUE_TRY(old, message(person, answer));
    if (old.role != Message::Role::kAssistant || !old.parent)
        return fail(Fault::kInvalid, "only an answer can be continued", "chat");
    return pool_.transaction([&](store::Connection& c) -> Result<Started> {
        SEGUE_TRY_VOID(lock_conversation(c, person, old.conversation));
        SEGUE_TRY(changed, c.execute("UPDATE message SET state = 'running', kind = 'text', problem "
                                     "= NULL, saved = now() WHERE id = $1 AND state IN ('stopped', "
                                     "'incomplete')",
                                     answer));
        if (changed == 0)
            return fail(Fault::kConflict,
                        "this answer is whole or still being written; only one that was stopped or "
                        "broke off can be continued",
                        "chat");
        SEGUE_TRY(question, fetch_message(c, *old.parent));
        SEGUE_TRY(running, fetch_message(c, answer));
        return Started{std::move(question), std::move(running)};
    });
}

Result<void> Archive::save_progress(const Message& answer) {
    SEGUE_TRY_VOID(pool_.execute(
        "UPDATE message SET text = $2, reasoning = $3, sources = $4, saved "
        "= now() WHERE id = $1 AND state = 'running'",
        answer.id, answer.text, answer.reasoning, store::Json{to_json(answer.sources)}));
    return {};
}

Result<void> Archive::save(const Message& answer) {
    const auto maybe = [](const auto& part) {
        return part ? std::optional(store::Json{to_json(*part)}) : std::nullopt;
    };
    // The same values again do no harm: a write whose answer was lost is simply repeated.
    return pool_.transaction([&](store::Connection& c) -> Result<void> {
        SEGUE_TRY_VOID(c.execute(
            "UPDATE message SET kind = $2, state = $3, text = $4, reasoning = $5, reasoning_ms = "
            "$6, problem = $7, sources = $8, citations = $9, tool_calls = $10, context = $11, "
            "record = $12, saved = now() WHERE id = $1",
            answer.id, kind_name(answer.kind), state_name(answer.state), answer.text,
            answer.reasoning, answer.reasoning_ms, maybe(answer.trouble),
            store::Json{to_json(answer.sources)}, store::Json{to_json(answer.citations)},
            store::Json{to_json(answer.tool_calls)}, maybe(answer.context), maybe(answer.record)));
        SEGUE_TRY_VOID(c.execute("UPDATE conversation SET updated = now() WHERE id = $1",
                                 answer.conversation));
        return {};
    });
}

Result<std::uint64_t> Archive::give_up_running(std::chrono::seconds older) {
    Trouble trouble;
    trouble.status = 503;
    trouble.title = "Interrupted";
    trouble.detail =
        "Segue was stopped while this answer was being written; continue it, or ask "
        "again";
    return pool_.execute(
        "UPDATE message SET state = 'incomplete', problem = $1 WHERE state = "
        "'running' AND saved <= now() - $2::bigint * interval '1 second'",
        store::Json{to_json(trouble)}, static_cast<std::int64_t>(older.count()));
}

Result<void> Archive::rate(const Person& person, std::string_view id,
                           const std::optional<Feedback>& feedback) {
    SEGUE_TRY(rated,
              pool_.execute("UPDATE message m SET thumb = $3, comment = $4, rated = CASE WHEN "
                            "$3::text IS NULL THEN NULL ELSE now() END FROM conversation c WHERE "
                            "m.id = $1 AND c.id = m.conversation AND c.person = $2 AND m.role = "
                            "'assistant'",
                            id, person.id,
                            feedback ? std::optional<std::string>(feedback->up ? "up" : "down")
                                     : std::nullopt,
                            feedback ? feedback->comment : std::string()));
    if (rated == 0) return no_message();
    return {};
}

}  // namespace segue::chat
