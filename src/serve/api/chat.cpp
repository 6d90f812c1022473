#include "serve/api/chat.hpp"

#include <algorithm>
#include <array>
#include <charconv>
#include <utility>

#include <fmt/format.h>

#include "base/text.hpp"
#include "chat/chat.hpp"
#include "chat/export.hpp"
#include "chat/json.hpp"
#include "people/people.hpp"
#include "serve/api/session.hpp"

namespace segue::serve::api {
namespace {

constexpr std::size_t kLongestText = 4 * 1024 * 1024;
constexpr std::size_t kLongestTitle = 500;
constexpr std::size_t kLongestSystem = 64 * 1024;
constexpr std::size_t kLongestComment = 16 * 1024;
constexpr std::size_t kMostImages = 8;

chat::Person person_of(const Request& request) {
    chat::Person person;
    const std::string& id = request.caller.id;
    std::from_chars(id.data(), id.data() + id.size(), person.id);
    person.name = request.caller.name;
    person.role = request.caller.role;
    return person;
}

template <class T>
Reply one(int status, const T& value) {
    Reply reply;
    reply.status = status;
    reply.body = chat::to_json(value);
    return reply;
}

/// A Feed as the host reads it.
class FeedTail final : public Tail {
public:
    FeedTail(std::shared_ptr<chat::Feed> feed, chat::Feed::Id after)
        : follower_(std::move(feed), after) {}
    void on_ready(std::function<void()> wake) override { follower_.on_ready(std::move(wake)); }
    More read(std::size_t room, std::string& out) override {
        return follower_.read(room, out) ? More::kYes : More::kNo;
    }

private:
    chat::Feed::Follower follower_;
};

/// Last-Event-ID, or ?after=; anything else than a number means: from the beginning.
chat::Feed::Id place_in_stream(const Request& request) {
    std::string given(request.head.headers.find("Last-Event-ID").value_or(""));
    if (given.empty()) given = request.query("after").value_or("");
    chat::Feed::Id id = 0;
    const auto [end, error] = std::from_chars(given.data(), given.data() + given.size(), id);
    return error == std::errc{} && end == given.data() + given.size() ? id : 0;
}

std::vector<chat::Image> read_images(Body& body) {
    static constexpr std::array kTypes{"image/png", "image/jpeg", "image/webp", "image/gif"};
    std::vector<chat::Image> out;
    const auto images = body["images"];
    if (images.absent()) return out;
    if (!images.is_array() || images.size() > kMostImages) {
        body.complain("images must be a list of at most 8 pictures");
        return out;
    }
    for (const auto image : images) {
        const auto type = image["media_type"].string();
        const auto data = image["data"].string();
        if (std::find(kTypes.begin(), kTypes.end(), type) == kTypes.end()) {
            body.complain(
                "a picture's media_type is image/png, image/jpeg, image/webp or image/gif");
        } else if (data.empty() || !base64_decode(data)) {
            body.complain("a picture's data is base64");
        } else {
            out.push_back({std::string(type), std::string(data)});
        }
    }
    return out;
}

void write_list(json::Writer& w, std::string_view name,
                const std::vector<chat::Message>& messages) {
    w.key(name).begin_array();
    for (const auto& message : messages)
        chat::write(w, message);
    w.end_array();
}

void write_maybe(json::Writer& w, std::string_view name, const std::optional<std::string>& text) {
    w.key(name);
    text ? w.string(*text) : w.null();
}

/// A file name that every system takes.
std::string file_name(std::string_view title, std::string_view ending) {
    std::string out;
    for (const char c : title.substr(0, 60)) {
        const bool plain =
            (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9');
        if (plain) {
            out += c;
        } else if (!out.empty() && out.back() != '-') {
            out += '-';
        }
    }
    while (!out.empty() && out.back() == '-')
        out.pop_back();
    return (out.empty() ? std::string("conversation") : out) + std::string(ending);
}

}  // namespace

namespace conversations {

Reply list(Context& context, const Request& request) {
    chat::ConversationFilter filter;
    filter.query = request.query("query").value_or("").substr(0, 500);
    filter.archived = request.query("archived") == "true";
    filter.before = request.query("before").value_or("");
    SEGUE_API_TRY(limit, request.query_number("limit", 50, 1, 200));
    filter.limit = limit;
    SEGUE_API_TRY(page, context.chat->archive().list(person_of(request), filter));
    return json_reply(200, [&](json::Writer& w) {
        w.key("conversations").begin_array();
        for (const auto& conversation : page.conversations)
            chat::write_summary(w, conversation);
        w.end_array();
        write_maybe(w, "next", page.next);
    });
}

Reply create(Context& context, const Request& request) {
    SEGUE_API_TRY(body, Body::parse(request.body));
    chat::NewConversation wanted;
    wanted.title = body.text("title", kLongestTitle);
    wanted.model = body.text("model");
    wanted.collections = body.texts("collections");
    wanted.system = body.text("system", kLongestSystem);
    wanted.preset = body.text("preset");
    SEGUE_API_TRY_VOID(body.problem());
    SEGUE_API_TRY(made, context.chat->archive().create(person_of(request), wanted));
    return one(201, made);
}

Reply get(Context& context, const Request& request) {
    SEGUE_API_TRY(
        found, context.chat->conversation(person_of(request), request.parameter("conversation")));
    return one(200, found);
}

Reply change(Context& context, const Request& request) {
    SEGUE_API_TRY(body, Body::parse(request.body));
    chat::ConversationChange change;
    const auto text = [&](std::string_view name, std::size_t most) -> std::optional<std::string> {
        if (!body.has(name)) return std::nullopt;
        return body.text(name, most);
    };
    change.title = text("title", kLongestTitle);
    change.model = text("model", 1024);
    change.system = text("system", kLongestSystem);
    change.leaf = text("leaf", 64);
    if (body.has("collections")) change.collections = body.texts("collections");
    change.pinned = body.boolean("pinned");
    change.archived = body.boolean("archived");
    SEGUE_API_TRY_VOID(body.problem());
    SEGUE_API_TRY(changed, context.chat->archive().change(
                               person_of(request), request.parameter("conversation"), change));
    return one(200, changed);
}

Reply remove(Context& context, const Request& request) {
    SEGUE_API_TRY_VOID(context.chat->remove(person_of(request), request.parameter("conversation")));
    return no_content();
}

Reply messages(Context& context, const Request& request) {
    SEGUE_API_TRY(limit, request.query_number("limit", 200, 1, 1000));
    SEGUE_API_TRY(branch,
                  context.chat->branch(person_of(request), request.parameter("conversation"),
                                       request.query("leaf").value_or(""),
                                       request.query("before").value_or(""), limit));
    return json_reply(200, [&](json::Writer& w) {
        write_list(w, "messages", branch.messages);
        write_maybe(w, "leaf", branch.leaf);
        write_maybe(w, "earlier", branch.earlier);
    });
}

Reply ask(Context& context, const Request& request) {
    SEGUE_API_TRY(body, Body::parse(request.body));
    const chat::Person person = person_of(request);
    const std::string& id = request.parameter("conversation");
    chat::Question question;
    if (body.has("parent")) question.parent = body.text("parent", 64);
    question.text = body.text("text", kLongestText);
    question.model = body.text("model", 1024);
    question.images = read_images(body);
    if (body.has("collections")) {
        question.collections = body.texts("collections");
    } else {
        SEGUE_API_TRY(whole, context.chat->archive().find(person, id));
        question.collections = std::move(whole.collections);
    }
    SEGUE_API_TRY_VOID(body.problem());
    SEGUE_API_TRY(started, context.chat->ask(person, id, std::move(question)));
    return json_reply(202, [&](json::Writer& w) {
        w.key("question");
        chat::write(w, started.question);
        w.key("answer");
        chat::write(w, started.answer);
    });
}

Reply export_one(Context& context, const Request& request) {
    const chat::Person person = person_of(request);
    const std::string& id = request.parameter("conversation");
    const std::string format = request.query("format").value_or("markdown");
    SEGUE_API_TRY(whole, context.chat->archive().find(person, id));
    Reply reply;
    std::string_view ending;
    if (format == "markdown") {
        SEGUE_API_TRY(branch, context.chat->branch(person, id, "", "", 100'000));
        reply.content_type = "text/markdown; charset=utf-8";
        reply.body = chat::as_markdown(whole, branch.messages);
        ending = ".md";
    } else if (format == "json") {
        SEGUE_API_TRY(tree, context.chat->archive().tree(person, id));
        reply.body = chat::as_json(whole, tree);
        ending = ".json";
    } else {
        return problem(400, "", "format is markdown or json");
    }
    reply.headers.add("Content-Disposition",
                      "attachment; filename=\"" + file_name(whole.title, ending) + "\"");
    return reply;
}

/// People are named by login, as one knows them, or by id; kept by id.
Result<std::vector<std::string>> ids_of(people::People& people,
                                        const std::vector<std::string>& named) {
    SEGUE_TRY(all, people.list());
    std::vector<std::string> ids;
    for (const auto& name : named) {
        const auto found = std::ranges::find_if(all, [&](const people::Person& person) {
            return iequals(person.login, name) || std::to_string(person.id) == name;
        });
        if (found == all.end())
            return fail(Fault::kInvalid, fmt::format("nobody here signs in as {}", name), "chat");
        ids.push_back(std::to_string(found->id));
    }
    return ids;
}

/// Who shared is for the log; a title is for those it was shared with.
Result<void> note_conversation(Context& context, const Request& request, std::string_view action) {
    return note(context, request, action, "", json::object([&](json::Writer& w) {
                    w.member("conversation", request.parameter("conversation"));
                }));
}

Reply share(Context& context, const Request& request) {
    SEGUE_API_TRY(body, Body::parse(request.body));
    const std::string audience = body.needed_text("audience");
    std::optional<std::vector<std::string>> people;
    if (audience == "people") {
        const auto named = body.texts("people");
        if (named.empty()) body.complain("people names who may read it, by their logins");
        SEGUE_API_TRY_VOID(body.problem());
        SEGUE_API_TRY(ids, ids_of(*context.people, named));
        people = std::move(ids);
    } else if (audience != "company") {
        body.complain("audience is company or people");
    }
    SEGUE_API_TRY_VOID(body.problem());
    SEGUE_API_TRY(shared, context.chat->archive().share(person_of(request),
                                                        request.parameter("conversation"), people));
    SEGUE_API_TRY_VOID(note_conversation(context, request, "conversation.share"));
    return one(200, shared);
}

Reply unshare(Context& context, const Request& request) {
    SEGUE_API_TRY_VOID(
        context.chat->archive().unshare(person_of(request), request.parameter("conversation")));
    SEGUE_API_TRY_VOID(note_conversation(context, request, "conversation.unshare"));
    return no_content();
}

Reply shared(Context& context, const Request& request) {
    SEGUE_API_TRY(found, context.chat->shared(person_of(request), request.parameter("token")));
    return json_reply(200, [&](json::Writer& w) {
        w.member("title", found.title).member("owner", found.owner);
        w.member("created_at", rfc3339(found.created));
        write_list(w, "messages", found.messages);
    });
}

Reply add_file(Context& context, const Request& request) {
    std::string name(trim(request.query("name").value_or("")));
    // Only the last part of a path names a file.
    if (const auto slash = name.find_last_of("/\\"); slash != std::string::npos)
        name.erase(0, slash + 1);
    if (name.empty() || name.size() > 255)
        return problem(400, "", "name must be the file's name, of at most 255 bytes");
    if (request.body.empty()) return problem(400, "", "the file is empty");
    SEGUE_API_TRY(added,
                  context.chat->files().add(person_of(request), request.parameter("conversation"),
                                            name, request.body));
    return one(201, added);
}

Reply remove_file(Context& context, const Request& request) {
    SEGUE_API_TRY_VOID(context.chat->files().remove(
        person_of(request), request.parameter("conversation"), request.parameter("file")));
    return no_content();
}

}  // namespace conversations

namespace messages {

Reply get(Context& context, const Request& request) {
    SEGUE_API_TRY(found, context.chat->message(person_of(request), request.parameter("message")));
    return one(200, found);
}

Reply events(Context& context, const Request& request) {
    SEGUE_API_TRY(feed, context.chat->follow(person_of(request), request.parameter("message")));
    return event_stream(std::make_unique<FeedTail>(std::move(feed), place_in_stream(request)));
}

Reply regenerate(Context& context, const Request& request) {
    SEGUE_API_TRY(body, Body::parse(request.body));
    const std::string model = body.text("model", 1024);
    SEGUE_API_TRY_VOID(body.problem());
    SEGUE_API_TRY(started,
                  context.chat->ask_again(person_of(request), request.parameter("message"), model));
    return one(202, started);
}

Reply go_on(Context& context, const Request& request) {
    SEGUE_API_TRY(started, context.chat->go_on(person_of(request), request.parameter("message")));
    return one(202, started);
}

Reply stop(Context& context, const Request& request) {
    SEGUE_API_TRY(stopped,
                  context.chat->stop_answer(person_of(request), request.parameter("message")));
    return one(200, stopped);
}

Reply give_feedback(Context& context, const Request& request) {
    SEGUE_API_TRY(body, Body::parse(request.body));
    chat::Feedback feedback;
    const std::string thumb = body.needed_text("thumb");
    if (thumb != "up" && thumb != "down") body.complain("thumb is up or down");
    feedback.up = thumb == "up";
    feedback.comment = body.text("comment", kLongestComment);
    SEGUE_API_TRY_VOID(body.problem());
    SEGUE_API_TRY_VOID(
        context.chat->archive().rate(person_of(request), request.parameter("message"), feedback));
    return one(200, feedback);
}

Reply withdraw_feedback(Context& context, const Request& request) {
    SEGUE_API_TRY_VOID(context.chat->archive().rate(person_of(request),
                                                    request.parameter("message"), std::nullopt));
    return no_content();
}

}  // namespace messages

namespace presets {

Reply list(Context& context, const Request& request) {
    SEGUE_API_TRY(found, context.chat->archive().presets(person_of(request)));
    return json_reply(200, [&](json::Writer& w) {
        w.key("presets").begin_array();
        for (const auto& preset : found)
            chat::write(w, preset);
        w.end_array();
    });
}

Reply create(Context& context, const Request& request) {
    SEGUE_API_TRY(body, Body::parse(request.body));
    const std::string name = body.needed_text("name", 200);
    const std::string text = body.needed_text("text", kLongestSystem);
    const bool shared = body.boolean("shared").value_or(false);
    SEGUE_API_TRY_VOID(body.problem());
    if (shared && !request.caller.may(Permission::kSettingsManage))
        return problem(403, "", "only an administrator makes presets that everybody sees");
    SEGUE_API_TRY(made, context.chat->archive().add_preset(person_of(request), name, text, shared));
    if (shared) SEGUE_API_TRY_VOID(note(context, request, "preset.create", name));
    return one(201, made);
}

Reply remove(Context& context, const Request& request) {
    SEGUE_API_TRY(removed, context.chat->archive().remove_preset(
                               person_of(request), request.parameter("preset"),
                               request.caller.may(Permission::kSettingsManage)));
    if (removed.shared) SEGUE_API_TRY_VOID(note(context, request, "preset.delete", removed.name));
    return no_content();
}

}  // namespace presets
}  // namespace segue::serve::api
