#include "serve/api/documents.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <charconv>
#include <chrono>
#include <map>

#include "base/text.hpp"
#include "base/time_text.hpp"
#include "rag/ingest/library.hpp"
#include "rag/search/collections.hpp"
#include "rag/search/explain.hpp"
#include "rag/search/index.hpp"
#include "rag/search/searcher.hpp"
#include "serve/api/session.hpp"
#include "serve/document_house.hpp"

namespace segue::serve::api::documents {
namespace {

constexpr std::size_t kMostGrants = 1000;

/// As whom the documents see who asks: people by id and role, keys as everyone.
rag::Reader reader_of(const Caller& caller) {
    rag::Reader reader;
    if (caller.is_person()) reader.person = caller.id;
    reader.role = caller.role;
    reader.everything = caller.is_person() && caller.role == "admin";
    return reader;
}

std::optional<std::int64_t> number_of(std::string_view text) {
    std::int64_t number = 0;
    const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), number);
    if (error != std::errc{} || end != text.data() + text.size()) return std::nullopt;
    return number;
}

Reply unavailable() {
    return problem(503, "", "documents need the store, and this segue runs without one");
}

void write_grants(json::Writer& w, std::string_view name, const std::vector<rag::Grant>& grants) {
    w.key(name).begin_array();
    for (const auto& grant : grants) {
        w.begin_object();
        w.member("kind", rag::grant_kind_name(grant.kind)).member("id", grant.id);
        w.end_object();
    }
    w.end_array();
}

void write_collection(json::Writer& w, const rag::Collection& collection) {
    w.member("id", collection.slug).member("name", collection.name);
    w.member("description", collection.description).member("built_in", collection.built_in);
    w.member("documents", collection.documents).member("passages", collection.passages);
    w.member("embedded", collection.embedded).member("failed", collection.failed);
    write_grants(w, "readers", collection.readers);
    write_grants(w, "writers", collection.writers);
    w.member("can_write", collection.can_write);
    w.member("updated_at", rfc3339(collection.updated_at));
}

void write_document(json::Writer& w, const rag::Document& document) {
    w.member("id", std::to_string(document.id)).member("collection", document.collection);
    w.member("path", document.path);
    w.member("title", document.title.empty() ? document.path : document.title);
    w.member("type", document.type).member("bytes", document.bytes);
    w.member("state", document.state);
    w.key("problem");
    document.problem ? w.string(*document.problem) : w.null();
    w.member("passages", document.passages).member("embedded", document.embedded);
    w.key("pages");
    document.pages ? w.integer(*document.pages) : w.null();
    w.member("updated_at", rfc3339(document.updated_at));
}

void write_place(json::Writer& w, const std::vector<std::string>& heading,
                 const rag::Place& place) {
    w.key("heading").begin_array();
    for (const auto& part : heading)
        w.string(part);
    w.end_array();
    const auto known = [&](std::string_view name, int value) {
        w.key(name);
        value > 0 ? w.integer(value) : w.null();
    };
    known("page", place.page);
    known("first_line", place.first_line);
    known("last_line", place.last_line);
}

std::vector<rag::Grant> read_grants(Body& body, std::string_view name) {
    std::vector<rag::Grant> grants;
    const auto list = body[name];
    if (list.absent()) return grants;
    if (!list.is_array() || list.size() > kMostGrants) {
        body.complain(fmt::format("{} is a list of at most {} grants", name, kMostGrants));
        return grants;
    }
    for (const auto entry : list) {
        const auto kind = rag::parse_grant_kind(entry["kind"].string());
        const auto id = entry["id"].string();
        if (!kind || (*kind == rag::Grant::Kind::kEveryone) != id.empty()) {
            body.complain(fmt::format(
                "{}: a grant is {{\"kind\":\"everyone\",\"id\":\"\"}}, or the kind role or person "
                "with its id",
                name));
            return grants;
        }
        grants.push_back({*kind, std::string(id)});
    }
    return grants;
}

Reply collection_reply(int status, const rag::Collection& collection) {
    return json_reply(status, [&](json::Writer& w) { write_collection(w, collection); });
}

Reply document_reply(int status, const rag::Document& document) {
    return json_reply(status, [&](json::Writer& w) { write_document(w, document); });
}

/// The document that the path names, as far as the caller may read it.
Result<rag::Document> document_of(Context& context, const Request& request) {
    const auto id = number_of(request.parameter("document"));
    if (!id)
        return fail(Fault::kNotFound,
                    fmt::format("no document '{}'", request.parameter("document")));
    return rag::Collections(context.documents->pool()).document(reader_of(request.caller), *id);
}

/// The log has a document's number, not its name: whoever reads the log may have no right to it.
Result<void> note_document(Context& context, const Request& request, std::string_view action,
                           const rag::Document& document) {
    return note(context, request, action, document.collection, json::object([&](json::Writer& w) {
                    w.member("document", std::to_string(document.id));
                }));
}

/// Nothing, or why the caller may not write there.
std::optional<Reply> forbidden(Context& context, const Request& request, const std::string& slug) {
    const auto found =
        rag::Collections(context.documents->pool()).writable_entry(reader_of(request.caller), slug);
    if (found) return std::nullopt;
    if (found.error().fault == Fault::kConflict) return problem(403, "", found.error().detail);
    return problem(found.error());
}

/// "2026-11-24T09:15:28Z", fractions and offsets as RFC 3339 has them.
std::optional<WallTime> time_of(const std::string& text) {
    std::string_view local = text;
    if (local.ends_with('z')) return parse_rfc3339(text.substr(0, text.size() - 1) + 'Z');
    const std::size_t at = local.size() < 6 ? 0 : local.size() - 6;
    const std::string_view rest = local.substr(at);
    if (rest.size() != 6 || (rest[0] != '+' && rest[0] != '-') || rest[3] != ':')
        return parse_rfc3339(text);
    const auto hours = number_of(rest.substr(1, 2));
    const auto minutes = number_of(rest.substr(4, 2));
    const auto time = parse_rfc3339(text.substr(0, at) + 'Z');
    if (!hours || !minutes || !time) return std::nullopt;
    const auto offset = std::chrono::minutes(*hours * 60 + *minutes);
    return rest[0] == '-' ? *time + offset : *time - offset;
}

std::optional<WallTime> read_time(Body& body, std::string_view name) {
    const std::string text = body.text(name, 64);
    if (text.empty()) return std::nullopt;
    const auto time = time_of(text);
    if (!time) body.complain(fmt::format("{} is a time such as 2026-11-24T09:15:00Z", name));
    return time;
}

void write_hit(json::Writer& w, const rag::Hit& hit, bool explain) {
    w.begin_object();
    w.member("passage", std::to_string(hit.passage));
    w.member("document", std::to_string(hit.document));
    w.member("collection", hit.collection).member("title", hit.title).member("path", hit.path);
    w.member("type", hit.type).member("score", hit.score).member("snippet", hit.snippet);
    w.member("text", hit.text);
    write_place(w, hit.heading, hit.place);
    if (explain) rag::write_explain(w, hit);
    w.end_object();
}

}  // namespace

Reply list_collections(Context& context, const Request& request) {
    if (!context.documents) return unavailable();
    SEGUE_API_TRY(all, rag::Collections(context.documents->pool()).list(reader_of(request.caller)));
    return json_reply(200, [&](json::Writer& w) {
        w.key("collections").begin_array();
        for (const auto& collection : all) {
            w.begin_object();
            write_collection(w, collection);
            w.end_object();
        }
        w.end_array();
    });
}

Reply create_collection(Context& context, const Request& request) {
    if (!context.documents) return unavailable();
    SEGUE_API_TRY(body, Body::parse(request.body));
    rag::NewCollection wanted;
    wanted.slug = body.needed_text("id", 63);
    wanted.name = body.text("name", 200);
    wanted.description = body.text("description");
    wanted.readers = read_grants(body, "readers");
    wanted.writers = read_grants(body, "writers");
    SEGUE_API_TRY_VOID(body.problem());
    // Who makes a collection may write to it.
    const rag::Reader reader = reader_of(request.caller);
    if (!reader.everything && !reader.person.empty())
        wanted.writers.push_back({rag::Grant::Kind::kPerson, reader.person});
    rag::Collections collections(context.documents->pool());
    SEGUE_API_TRY(made, collections.create(wanted));
    SEGUE_API_TRY(seen, collections.find(reader, made.slug));
    SEGUE_API_TRY_VOID(note(context, request, "collection.create", made.slug));
    return collection_reply(201, seen);
}

Reply get_collection(Context& context, const Request& request) {
    if (!context.documents) return unavailable();
    SEGUE_API_TRY(found, rag::Collections(context.documents->pool())
                             .find(reader_of(request.caller), request.parameter("collection")));
    return collection_reply(200, found);
}

Reply change_collection(Context& context, const Request& request) {
    if (!context.documents) return unavailable();
    const std::string& slug = request.parameter("collection");
    if (auto refused = forbidden(context, request, slug)) return std::move(*refused);
    SEGUE_API_TRY(body, Body::parse(request.body));
    rag::CollectionChange change;
    if (body.has("name")) change.name = body.needed_text("name", 200);
    if (body.has("description")) change.description = body.text("description");
    if (body.has("readers")) change.readers = read_grants(body, "readers");
    if (body.has("writers")) change.writers = read_grants(body, "writers");
    SEGUE_API_TRY_VOID(body.problem());
    rag::Collections collections(context.documents->pool());
    SEGUE_API_TRY(found, collections.entry(reader_of(request.caller), slug));
    SEGUE_API_TRY_VOID(collections.change(found.id, change));
    SEGUE_API_TRY_VOID(note(context, request, "collection.change", slug));
    // Somebody may have given the rights away.
    SEGUE_API_TRY(changed, collections.find(rag::Reader::administrator(), slug));
    changed.can_write = collections.writable_entry(reader_of(request.caller), slug).has_value();
    return collection_reply(200, changed);
}

Reply delete_collection(Context& context, const Request& request) {
    if (!context.documents) return unavailable();
    const std::string& slug = request.parameter("collection");
    if (auto refused = forbidden(context, request, slug)) return std::move(*refused);
    rag::Collections collections(context.documents->pool());
    SEGUE_API_TRY(found, collections.entry(reader_of(request.caller), slug));
    SEGUE_API_TRY_VOID(collections.remove(found.id));
    SEGUE_API_TRY_VOID(note(context, request, "collection.delete", slug));
    return no_content();
}

Reply list(Context& context, const Request& request) {
    if (!context.documents) return unavailable();
    rag::Collections collections(context.documents->pool());
    SEGUE_API_TRY(collection,
                  collections.entry(reader_of(request.caller), request.parameter("collection")));
    rag::DocumentFilter filter;
    filter.text = request.query("query").value_or("");
    filter.state = request.query("state").value_or("");
    filter.after = number_of(request.query("after").value_or("0")).value_or(0);
    SEGUE_API_TRY(limit, request.query_number("limit", 100, 1, 1000));
    filter.limit = static_cast<std::size_t>(limit);
    SEGUE_API_TRY(page, collections.documents(collection.id, filter));
    return json_reply(200, [&](json::Writer& w) {
        w.key("documents").begin_array();
        for (const auto& document : page.documents) {
            w.begin_object();
            write_document(w, document);
            w.end_object();
        }
        w.end_array().member("total", page.total).key("next");
        page.next ? w.string(std::to_string(*page.next)) : w.null();
    });
}

Reply add(Context& context, const Request& request) {
    if (!context.documents) return unavailable();
    const std::string& slug = request.parameter("collection");
    if (auto refused = forbidden(context, request, slug)) return std::move(*refused);
    const std::string path = rag::clean_path(request.query("path").value_or(""));
    if (path.empty())
        return problem(400, "",
                       "say where the file lies in the collection: ?path=handbook/setup.md");
    // What cannot be read is said at once where its first bytes tell.
    SEGUE_API_TRY(format, rag::format_of(path, std::string_view(request.body).substr(0, 4096)));
    static_cast<void>(format);
    rag::Collections collections(context.documents->pool());
    SEGUE_API_TRY(collection, collections.entry(reader_of(request.caller), slug));
    SEGUE_API_TRY(id,
                  context.documents->accept(collection, path, request.body, request.caller.name));
    SEGUE_API_TRY(document, collections.document(reader_of(request.caller), id));
    SEGUE_API_TRY_VOID(note_document(context, request, "document.add", document));
    return document_reply(202, document);
}

Reply get(Context& context, const Request& request) {
    if (!context.documents) return unavailable();
    SEGUE_API_TRY(document, document_of(context, request));
    return document_reply(200, document);
}

Reply remove(Context& context, const Request& request) {
    if (!context.documents) return unavailable();
    SEGUE_API_TRY(document, document_of(context, request));
    if (auto refused = forbidden(context, request, document.collection)) return std::move(*refused);
    const std::int64_t id = document.id;
    SEGUE_API_TRY(count, rag::Index(context.documents->pool()).remove(std::span(&id, 1)));
    static_cast<void>(count);
    SEGUE_API_TRY_VOID(note_document(context, request, "document.delete", document));
    return no_content();
}

Reply text(Context& context, const Request& request) {
    if (!context.documents) return unavailable();
    SEGUE_API_TRY(document, document_of(context, request));
    SEGUE_API_TRY(limit, request.query_number("limit", 100, 1, 1000));
    rag::Collections collections(context.documents->pool());
    int from = static_cast<int>(std::clamp<std::int64_t>(
        number_of(request.query("after").value_or("-1")).value_or(-1) + 1, 0, 1'000'000'000));
    if (const auto around = request.query("around")) {
        SEGUE_API_TRY(ordinal, collections.ordinal(document.id, number_of(*around).value_or(0)));
        if (!ordinal)
            return problem(404, "",
                           "this passage does not stand in the document any more; the "
                           "document has changed");
        from = std::max(0, *ordinal - static_cast<int>(limit / 2));
    }
    SEGUE_API_TRY(passages,
                  collections.text(document.id, from, static_cast<std::size_t>(limit) + 1));
    const bool more = passages.size() > static_cast<std::size_t>(limit);
    if (more) passages.pop_back();
    return json_reply(200, [&](json::Writer& w) {
        w.key("document").begin_object();
        write_document(w, document);
        w.end_object().key("passages").begin_array();
        for (const auto& passage : passages) {
            w.begin_object();
            w.member("id", std::to_string(passage.id)).member("text", passage.body);
            write_place(w, passage.heading, passage.place);
            w.end_object();
        }
        w.end_array().key("next");
        more ? w.string(std::to_string(passages.back().ordinal)) : w.null();
    });
}

Reply retry(Context& context, const Request& request) {
    if (!context.documents) return unavailable();
    SEGUE_API_TRY(document, document_of(context, request));
    if (auto refused = forbidden(context, request, document.collection)) return std::move(*refused);
    SEGUE_API_TRY_VOID(context.documents->retry(document.id));
    SEGUE_API_TRY_VOID(note_document(context, request, "document.retry", document));
    SEGUE_API_TRY(now, document_of(context, request));
    return document_reply(202, now);
}

Reply search(Context& context, const Request& request) {
    if (!context.documents) return unavailable();
    const auto start = std::chrono::steady_clock::now();
    SEGUE_API_TRY(body, Body::parse(request.body));
    rag::SearchRequest wanted;
    wanted.reader = reader_of(request.caller);
    wanted.query = body.needed_text("query", rag::kLongestQuestion);
    wanted.collections = body.texts("collections");
    wanted.path = body.text("path");
    wanted.types = body.texts("types");
    wanted.since = read_time(body, "since");
    wanted.until = read_time(body, "until");
    wanted.limit = static_cast<std::size_t>(body.integer("limit", 1, 100).value_or(10));
    const std::string mode = body.text("mode");
    const auto known = rag::parse_mode(mode.empty() ? "hybrid" : mode);
    if (!known) body.complain("mode is hybrid, keyword or vector");
    const bool explain = body.boolean("explain").value_or(false);
    SEGUE_API_TRY_VOID(body.problem());
    wanted.mode = *known;
    rag::Collections collections(context.documents->pool());
    SEGUE_API_TRY_VOID(collections.check_readable(wanted.reader, wanted.collections));
    SEGUE_API_TRY(
        result,
        rag::Searcher(context.documents->pool(), context.documents->embedder()).search(wanted));
    const double took =
        std::chrono::duration<double, std::milli>(std::chrono::steady_clock::now() - start).count();
    return json_reply(200, [&](json::Writer& w) {
        w.key("hits").begin_array();
        for (const auto& hit : result.hits)
            write_hit(w, hit, explain);
        w.end_array().member("mode", rag::mode_name(result.mode));
        w.member("vector", rag::vector_use_name(result.vector)).member("took_ms", took);
        w.member("total", result.total);
    });
}

}  // namespace segue::serve::api::documents
