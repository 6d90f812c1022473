#include "chat/json.hpp"

namespace segue::chat {
namespace {

template <class T>
void optional(json::Writer& w, std::string_view name, const std::optional<T>& value) {
    if (!value) {
        w.member_null(name);
    } else {
        w.member(name, *value);
    }
}

template <class T>
void list(json::Writer& w, std::string_view name, const std::vector<T>& values) {
    w.key(name).begin_array();
    for (const auto& value : values)
        write(w, value);
    w.end_array();
}

void texts(json::Writer& w, std::string_view name, const std::vector<std::string>& values) {
    w.key(name).begin_array();
    for (const auto& value : values)
        w.string(value);
    w.end_array();
}

template <class T>
std::string list_json(const std::vector<T>& values) {
    std::string out;
    json::Writer w(out);
    w.begin_array();
    for (const auto& value : values)
        write(w, value);
    w.end_array();
    return out;
}

/// `read` for each element.
template <class T, class Read>
std::vector<T> read_list(std::string_view text, Read&& read) {
    std::vector<T> out;
    json::Parser parser;
    const auto root = parser.parse(text);
    if (!root) return out;
    for (const auto value : *root)
        out.push_back(read(value));
    return out;
}

std::optional<int> small(json::Value value) {
    const auto number = value.integer();
    if (!number) return std::nullopt;
    return static_cast<int>(*number);
}

std::optional<std::string> maybe_text(json::Value value) {
    if (!value.is_string()) return std::nullopt;
    return std::string(value.string());
}

}  // namespace

void write(json::Writer& w, const Citation& citation) {
    w.begin_object().member("n", citation.n).member("start", citation.start);
    w.member("end", citation.end);
    w.member("supported", citation.finding == Citation::Finding::kSupported);
    optional(w, "reason", finding_name(citation.finding));
    w.end_object();
}

void write(json::Writer& w, const Image& image) {
    w.begin_object().member("media_type", image.media_type).member("data", image.data).end_object();
}

void write(json::Writer& w, const AnswerRecord& record) {
    w.begin_object().member("engine", record.engine).member("engine_kind", record.engine_kind);
    w.member("rehearsal", record.rehearsal).member("model", record.model);
    optional(w, "first_token_ms", record.first_token_ms);
    w.member("total_ms", record.total_ms);
    optional(w, "tokens_per_second", record.tokens_per_second);
    optional(w, "tokens_in", record.tokens_in);
    optional(w, "tokens_out", record.tokens_out);
    optional(w, "cached_tokens", record.cached_tokens);
    optional(w, "queue_ms", record.queue_ms);
    optional(w, "search_ms", record.search_ms);
    w.member("finish_reason", record.finish_reason).member("request_id", record.request_id);
    optional(w, "previous_engine", record.previous_engine);
    w.end_object();
}

void write(json::Writer& w, const Source& source) {
    w.begin_object().member("n", source.n).member("passage", source.passage);
    w.member("document", source.document).member("collection", source.collection);
    w.member("title", source.title).member("path", source.path).member("text", source.text);
    texts(w, "heading", source.heading);
    optional(w, "page", source.page);
    optional(w, "first_line", source.first_line);
    optional(w, "last_line", source.last_line);
    w.end_object();
}

void write(json::Writer& w, const ToolCall& call) {
    w.begin_object().member("id", call.id).member("name", call.name);
    w.member("arguments", call.arguments);
    optional(w, "result", call.result);
    w.end_object();
}

void write(json::Writer& w, const ContextReport& context) {
    w.begin_object();
    optional(w, "limit", context.limit);
    w.member("tokens", context.tokens);
    w.member("counted_by",
             context.counted_by == ContextReport::Counter::kEngine ? "engine" : "estimate");
    w.member("messages_sent", context.messages_sent);
    w.member("messages_left_out", context.messages_left_out);
    w.member("sources_left_out", context.sources_left_out);
    w.member("shortened", context.shortened()).end_object();
}

void write(json::Writer& w, const Trouble& trouble) {
    w.begin_object().member("type", "about:blank").member("title", trouble.title);
    w.member("status", trouble.status).member("detail", trouble.detail);
    if (trouble.retry_after_s) w.member("retry_after_s", *trouble.retry_after_s);
    w.end_object();
}

void write(json::Writer& w, const Feedback& feedback) {
    w.begin_object().member("thumb", feedback.up ? "up" : "down");
    w.member("comment", feedback.comment).end_object();
}

void write(json::Writer& w, const Message& message) {
    w.begin_object().member("id", message.id).member("conversation", message.conversation);
    optional(w, "parent", message.parent);
    texts(w, "siblings", message.siblings);
    w.member("role", role_name(message.role)).member("kind", kind_name(message.kind));
    w.member("state", state_name(message.state)).member("text", message.text);
    w.member("reasoning", message.reasoning);
    optional(w, "reasoning_ms", message.reasoning_ms);
    w.key("problem");
    message.trouble ? write(w, *message.trouble) : void(w.null());
    list(w, "images", message.images);
    list(w, "sources", message.sources);
    list(w, "citations", message.citations);
    list(w, "tool_calls", message.tool_calls);
    w.key("context");
    message.context ? write(w, *message.context) : void(w.null());
    w.key("record");
    message.record ? write(w, *message.record) : void(w.null());
    w.key("feedback");
    message.feedback ? write(w, *message.feedback) : void(w.null());
    w.member("created_at", rfc3339(message.created)).end_object();
}

void write(json::Writer& w, const File& file) {
    w.begin_object().member("id", file.id).member("name", file.name);
    w.member("type", file.type).member("bytes", file.bytes);
    optional(w, "problem", file.problem);
    w.end_object();
}

void write(json::Writer& w, const Share& share) {
    w.begin_object().member("token", share.token);
    w.member("audience", share.company ? "company" : "people");
    texts(w, "people", share.people);
    w.member("created_at", rfc3339(share.created)).end_object();
}

void write(json::Writer& w, const Conversation& conversation) {
    w.begin_object().member("id", conversation.id).member("title", conversation.title);
    w.member("title_by", title_by_name(conversation.title_by)).member("model", conversation.model);
    texts(w, "collections", conversation.collections);
    w.member("system", conversation.system).member("pinned", conversation.pinned);
    w.member("archived", conversation.archived).key("share");
    conversation.share ? write(w, *conversation.share) : void(w.null());
    list(w, "files", conversation.files);
    optional(w, "leaf", conversation.leaf);
    w.member("messages", conversation.messages);
    w.member("created_at", rfc3339(conversation.created));
    w.member("updated_at", rfc3339(conversation.updated)).end_object();
}

void write_summary(json::Writer& w, const Conversation& conversation) {
    w.begin_object().member("id", conversation.id).member("title", conversation.title);
    w.member("model", conversation.model);
    texts(w, "collections", conversation.collections);
    w.member("pinned", conversation.pinned).member("archived", conversation.archived);
    w.member("shared", conversation.share.has_value()).member("answering", conversation.answering);
    w.member("messages", conversation.messages);
    w.member("created_at", rfc3339(conversation.created));
    w.member("updated_at", rfc3339(conversation.updated));
    optional(w, "match", conversation.match);
    w.end_object();
}

void write(json::Writer& w, const Preset& preset) {
    w.begin_object().member("id", preset.id).member("name", preset.name);
    w.member("text", preset.text).member("shared", preset.shared).member("mine", preset.mine);
    w.end_object();
}

std::string to_json(const std::vector<Source>& sources) {
    return list_json(sources);
}
std::string to_json(const std::vector<Citation>& citations) {
    return list_json(citations);
}
std::string to_json(const std::vector<Image>& images) {
    return list_json(images);
}
std::string to_json(const std::vector<ToolCall>& calls) {
    return list_json(calls);
}
std::vector<Source> read_sources(std::string_view text) {
    return read_list<Source>(text, [](json::Value value) {
        Source source;
        source.n = small(value["n"]).value_or(0);
        source.passage = value["passage"].string();
        source.document = value["document"].string();
        source.collection = value["collection"].string();
        source.title = value["title"].string();
        source.path = value["path"].string();
        source.text = value["text"].string();
        for (const auto heading : value["heading"])
            source.heading.emplace_back(heading.string());
        source.page = small(value["page"]);
        source.first_line = small(value["first_line"]);
        source.last_line = small(value["last_line"]);
        return source;
    });
}

std::vector<Citation> read_citations(std::string_view text) {
    return read_list<Citation>(text, [](json::Value value) {
        Citation citation;
        citation.n = small(value["n"]).value_or(0);
        citation.start = static_cast<std::size_t>(value["start"].integer().value_or(0));
        citation.end = static_cast<std::size_t>(value["end"].integer().value_or(0));
        for (const auto finding :
             {Citation::Finding::kNoSuchSource, Citation::Finding::kNotEnoughInCommon})
            if (value["reason"].string() == finding_name(finding)) citation.finding = finding;
        return citation;
    });
}

std::vector<Image> read_images(std::string_view text) {
    return read_list<Image>(text, [](json::Value value) {
        return Image{std::string(value["media_type"].string()),
                     std::string(value["data"].string())};
    });
}

std::vector<ToolCall> read_tool_calls(std::string_view text) {
    return read_list<ToolCall>(text, [](json::Value value) {
        return ToolCall{std::string(value["id"].string()), std::string(value["name"].string()),
                        std::string(value["arguments"].string()), maybe_text(value["result"])};
    });
}

std::optional<ContextReport> read_context(std::string_view text) {
    json::Parser parser;
    const auto root = parser.parse(text);
    if (!root || !root->is_object()) return std::nullopt;
    ContextReport out;
    out.limit = (*root)["limit"].integer();
    out.tokens = (*root)["tokens"].integer().value_or(0);
    if ((*root)["counted_by"].string() == "engine")
        out.counted_by = ContextReport::Counter::kEngine;
    out.messages_sent = small((*root)["messages_sent"]).value_or(0);
    out.messages_left_out = small((*root)["messages_left_out"]).value_or(0);
    out.sources_left_out = small((*root)["sources_left_out"]).value_or(0);
    return out;
}

std::optional<AnswerRecord> read_record(std::string_view text) {
    json::Parser parser;
    const auto parsed = parser.parse(text);
    if (!parsed || !parsed->is_object()) return std::nullopt;
    const json::Value root = *parsed;
    AnswerRecord out;
    out.engine = root["engine"].string();
    out.engine_kind = root["engine_kind"].string();
    out.rehearsal = root["rehearsal"].boolean();
    out.model = root["model"].string();
    out.first_token_ms = root["first_token_ms"].number();
    out.total_ms = root["total_ms"].number().value_or(0);
    out.tokens_per_second = root["tokens_per_second"].number();
    out.tokens_in = root["tokens_in"].integer();
    out.tokens_out = root["tokens_out"].integer();
    out.cached_tokens = root["cached_tokens"].integer();
    out.queue_ms = root["queue_ms"].number();
    out.search_ms = root["search_ms"].number();
    out.finish_reason = root["finish_reason"].string();
    out.request_id = root["request_id"].string();
    out.previous_engine = maybe_text(root["previous_engine"]);
    return out;
}

std::optional<Trouble> read_trouble(std::string_view text) {
    json::Parser parser;
    const auto root = parser.parse(text);
    if (!root || !root->is_object()) return std::nullopt;
    Trouble out;
    out.status = small((*root)["status"]).value_or(502);
    out.title = (*root)["title"].string();
    out.detail = (*root)["detail"].string();
    out.retry_after_s = (*root)["retry_after_s"].integer();
    return out;
}

}  // namespace segue::chat
