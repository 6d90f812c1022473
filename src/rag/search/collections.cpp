#include "rag/search/collections.hpp"

#include <fmt/format.h>

#include <algorithm>

#include "base/json.hpp"
#include "base/text.hpp"
#include "rag/search/access_sql.hpp"
#include "rag/search/index.hpp"

namespace segue::rag {
namespace {

Result<std::vector<Grant>> parse_grants(std::string_view text) {
    std::vector<Grant> grants;
    json::Parser parser;
    const auto root = parser.parse(text);
    if (!root) return fail(Fault::kInternal, "grants of a collection are no JSON", "rag");
    for (const auto entry : *root) {
        const auto kind = parse_grant_kind(entry["kind"].string());
        if (kind) grants.push_back({*kind, std::string(entry["id"].string())});
    }
    return grants;
}

/// Columns of one collection; needs `c` = collection, and the parameters of access_condition.
std::string collection_sql(std::string_view condition) {
    return fmt::format(
        "SELECT c.id, c.slug, c.name, c.description, c.built_in, {write}, "
        "(SELECT count(*) FROM document d WHERE d.collection = c.id), p.n, p.embedded, "
        "(SELECT count(*) FROM document d WHERE d.collection = c.id AND d.state = 'failed'), "
        "{readers}, {writers}, c.updated_at FROM collection c CROSS JOIN LATERAL ("
        "SELECT count(*) AS n, count(v.passage) AS embedded FROM place pl JOIN document d ON d.id "
        "= "
        "pl.document LEFT JOIN answering_vector v ON v.passage = pl.passage "
        "WHERE d.collection = c.id) p "
        "WHERE {read} AND {condition} ORDER BY c.slug",
        fmt::arg("write", access_condition("write", "$1", "$2", "$3")),
        fmt::arg("read", access_condition("read", "$1", "$2", "$3")),
        fmt::arg("condition", condition), fmt::arg("readers", grants_sql("read")),
        fmt::arg("writers", grants_sql("write")));
}

using CollectionRows =
    store::Rows<std::int64_t, std::string, std::string, std::string, bool, bool, std::int64_t,
                std::int64_t, std::int64_t, std::int64_t, std::string, std::string, WallTime>;

Result<std::vector<Collection>> collections_of(CollectionRows rows) {
    std::vector<Collection> made;
    for (auto& [id, slug, name, description, built_in, can_write, documents, passages, embedded,
                failed, readers, writers, updated] : rows) {
        SEGUE_TRY(reading, parse_grants(readers));
        SEGUE_TRY(writing, parse_grants(writers));
        made.push_back({id, std::move(slug), std::move(name), std::move(description), built_in,
                        can_write, documents, passages, embedded, failed, std::move(reading),
                        std::move(writing), updated});
    }
    return made;
}

Result<CollectionRows> query_collections(store::Pool& pool, std::string_view condition,
                                         const Reader& reader, const auto&... more) {
    return pool.query<std::int64_t, std::string, std::string, std::string, bool, bool, std::int64_t,
                      std::int64_t, std::int64_t, std::int64_t, std::string, std::string, WallTime>(
        collection_sql(condition), reader.everything, reader.role, reader.person, more...);
}

/// kNotFound names those that are there.
Result<CollectionEntry> entry_in(const std::vector<CollectionEntry>& there, std::string_view slug) {
    std::vector<std::string> slugs;
    for (const auto& known : there) {
        if (known.slug == slug) return known;
        slugs.push_back(known.slug);
    }
    return fail(Fault::kNotFound,
                slugs.empty()
                    ? fmt::format("no collection '{}': there is none yet", slug)
                    : fmt::format("no collection '{}'; there are: {}", slug, join(slugs, ", ")));
}

Result<void> replace_grants(store::Connection& c, std::int64_t collection, std::string_view level,
                            const std::vector<Grant>& grants) {
    SEGUE_TRY(gone, c.execute("DELETE FROM collection_grant WHERE collection = $1 AND level = $2",
                              collection, level));
    static_cast<void>(gone);
    for (const auto& grant : grants) {
        SEGUE_TRY(added,
                  c.execute("INSERT INTO collection_grant (collection, level, kind, subject) "
                            "VALUES ($1, $2, $3, $4) ON CONFLICT DO NOTHING",
                            collection, level, grant_kind_name(grant.kind), grant.id));
        static_cast<void>(added);
    }
    return {};
}

constexpr std::string_view kDocumentColumns =
    "d.id, c.slug, d.path, d.title, d.type, d.bytes, d.sha256, CASE WHEN d.state = 'ready' AND "
    "p.embedded < p.n AND EXISTS (SELECT FROM embedding_model WHERE answers) THEN 'embedding' ELSE "
    "d.state END, d.problem, p.n, "
    "p.embedded, d.pages, d.updated_at, d.reader";
constexpr std::string_view kDocumentTables =
    "document d JOIN collection c ON c.id = d.collection CROSS JOIN LATERAL (SELECT count(*) AS n, "
    "count(v.passage) AS embedded FROM place pl LEFT JOIN answering_vector v ON v.passage = "
    "pl.passage WHERE pl.document = d.id) p";

using DocumentRow =
    std::tuple<std::int64_t, std::string, std::string, std::string, std::string, std::int64_t,
               std::string, std::string, std::optional<std::string>, std::int64_t, std::int64_t,
               std::optional<std::int32_t>, WallTime, std::int32_t>;

template <class... Row>
Document document_of(std::tuple<Row...>& row) {
    auto& [id, slug, path, title, type, bytes, sha256, state, problem, passages, embedded, pages,
           updated, reader] = row;
    return {id,
            std::move(slug),
            std::move(path),
            std::move(title),
            std::move(type),
            bytes,
            std::move(sha256),
            std::move(state),
            std::move(problem),
            passages,
            embedded,
            pages,
            updated,
            reader};
}

template <class... Row>
Result<store::Rows<Row...>> query_rows(store::Pool& pool, std::tuple<Row...>*, std::string_view sql,
                                       const auto&... parameters) {
    return pool.query<Row...>(sql, parameters...);
}

std::vector<std::string> split_heading(const std::string& text) {
    std::vector<std::string> parts;
    if (!text.empty())
        for (const auto part : split(text, '\x1f'))
            parts.emplace_back(part);
    return parts;
}

}  // namespace

bool is_collection_slug(std::string_view text) {
    const auto alphanumeric = [](char c) {
        return (c >= 'a' && c <= 'z') || (c >= '0' && c <= '9');
    };
    return !text.empty() && text.size() <= 63 && alphanumeric(text.front()) &&
           std::all_of(text.begin(), text.end(),
                       [&](char c) { return alphanumeric(c) || c == '.' || c == '_' || c == '-'; });
}

Result<std::vector<CollectionEntry>> Collections::entries(const Reader& reader) {
    SEGUE_TRY(rows, (pool_.query<std::int64_t, std::string, std::string, bool>(
                        fmt::format("SELECT c.id, c.slug, c.name, {} FROM collection c WHERE {} "
                                    "ORDER BY c.slug",
                                    access_condition("write", "$1", "$2", "$3"),
                                    access_condition("read", "$1", "$2", "$3")),
                        reader.everything, reader.role, reader.person)));
    std::vector<CollectionEntry> made;
    for (auto& [id, slug, name, can_write] : rows)
        made.push_back({id, std::move(slug), std::move(name), can_write});
    return made;
}

Result<CollectionEntry> Collections::entry(const Reader& reader, std::string_view slug) {
    SEGUE_TRY(there, entries(reader));
    return entry_in(there, slug);
}

Result<CollectionEntry> Collections::writable_entry(const Reader& reader, std::string_view slug) {
    SEGUE_TRY(found, entry(reader, slug));
    if (!found.can_write)
        return fail(Fault::kConflict,
                    fmt::format("you may read the collection '{}' but not change it; ask an "
                                "administrator to make you one of its writers",
                                slug));
    return found;
}

Result<void> Collections::check_readable(const Reader& reader, std::span<const std::string> slugs) {
    if (slugs.empty()) return {};
    SEGUE_TRY(there, entries(reader));
    for (const auto& slug : slugs)
        SEGUE_TRY_VOID(entry_in(there, slug));
    return {};
}

Result<std::vector<Collection>> Collections::list(const Reader& reader) {
    SEGUE_TRY(rows, query_collections(pool_, "true", reader));
    return collections_of(std::move(rows));
}

Result<Collection> Collections::find(const Reader& reader, std::string_view slug) {
    SEGUE_TRY(there, entry(reader, slug));
    SEGUE_TRY(rows, query_collections(pool_, "c.id = $4", reader, there.id));
    SEGUE_TRY(found, collections_of(std::move(rows)));
    if (found.empty())
        return fail(Fault::kNotFound,
                    fmt::format("the collection '{}' was deleted meanwhile", slug));
    return std::move(found.front());
}

Result<Collection> Collections::create(const NewCollection& wanted) {
    if (!is_collection_slug(wanted.slug))
        return fail(Fault::kInvalid,
                    fmt::format("'{}' is no name for a collection: 1 to 63 of a-z, 0-9, '.', '_', "
                                "'-', the first one a letter or digit",
                                wanted.slug));
    SEGUE_TRY(id, pool_.transaction([&](store::Connection& c) -> Result<std::int64_t> {
        SEGUE_TRY(row, c.one<std::int64_t>(
                           "INSERT INTO collection (slug, name, description, built_in) VALUES ($1, "
                           "$2, $3, $4) ON CONFLICT (slug) DO NOTHING RETURNING id",
                           wanted.slug, wanted.name.empty() ? wanted.slug : wanted.name,
                           wanted.description, wanted.built_in));
        if (!row)
            return fail(
                Fault::kConflict,
                fmt::format("there is a collection '{}' already; take another name", wanted.slug));
        SEGUE_TRY_VOID(replace_grants(c, std::get<0>(*row), "read", wanted.readers));
        SEGUE_TRY_VOID(replace_grants(c, std::get<0>(*row), "write", wanted.writers));
        return std::get<0>(*row);
    }));
    static_cast<void>(id);
    return find(Reader::administrator(), wanted.slug);
}

Result<void> Collections::change(std::int64_t collection, const CollectionChange& change) {
    return pool_.transaction([&](store::Connection& c) -> Result<void> {
        SEGUE_TRY(count, c.execute("UPDATE collection SET name = coalesce($2, name), description = "
                                   "coalesce($3, description), updated_at = now() WHERE id = $1",
                                   collection, change.name, change.description));
        if (count == 0) return fail(Fault::kNotFound, "the collection was deleted meanwhile");
        if (change.readers) SEGUE_TRY_VOID(replace_grants(c, collection, "read", *change.readers));
        if (change.writers) SEGUE_TRY_VOID(replace_grants(c, collection, "write", *change.writers));
        return {};
    });
}

namespace {

/// Whether it is gone; false: it has documents (again). Its row is locked first, and nothing is put
/// into it after that.
Result<bool> remove_empty(store::Pool& pool, std::int64_t collection) {
    return pool.transaction([&](store::Connection& c) -> Result<bool> {
        SEGUE_TRY(locked, c.one<std::int64_t>("SELECT id FROM collection WHERE id = $1 FOR UPDATE",
                                              collection));
        if (!locked) return fail(Fault::kNotFound, "the collection was deleted meanwhile");
        // A statement of its own: it sees what came while the lock was waited for.
        SEGUE_TRY(full, c.one<bool>("SELECT EXISTS (SELECT FROM document WHERE collection = $1)",
                                    collection));
        if (std::get<0>(*full)) return false;
        SEGUE_TRY(count, c.execute("DELETE FROM collection WHERE id = $1", collection));
        return count == 1;
    });
}

}  // namespace

Result<void> Collections::remove(std::int64_t collection) {
    // Nobody can read it from the first moment; its documents go in pieces, so that no statement
    // runs for long.
    SEGUE_TRY(hidden,
              pool_.execute("DELETE FROM collection_grant WHERE collection = $1", collection));
    static_cast<void>(hidden);
    Index index(pool_);
    while (true) {
        SEGUE_TRY(rows, pool_.query<std::int64_t>(
                            "SELECT id FROM document WHERE collection = $1 ORDER BY id LIMIT 200",
                            collection));
        if (rows.empty()) {
            SEGUE_TRY(over, remove_empty(pool_, collection));
            if (over) return {};
            continue;  // one came in between
        }
        std::vector<std::int64_t> ids;
        for (const auto& [id] : rows)
            ids.push_back(id);
        SEGUE_TRY(gone, index.remove(ids));
        static_cast<void>(gone);
    }
}

Result<DocumentPage> Collections::documents(std::int64_t collection, const DocumentFilter& filter) {
    const std::string pattern = filter.text.empty() ? std::string() : like_contains(filter.text);
    DocumentPage page;
    // State 'embedding' is computed, so it is filtered outside.
    const auto sql = fmt::format(
        "SELECT * FROM (SELECT {} FROM {} WHERE d.collection = $1 AND ($2 = '' OR d.path ILIKE $2 "
        "OR "
        "d.title ILIKE $2)) AS x(id, slug, path, title, type, bytes, sha256, state, problem, n, "
        "embedded, pages, updated_at, reader) WHERE ($3 = '' OR state = $3) AND id > $4 ORDER BY "
        "id "
        "LIMIT $5",
        kDocumentColumns, kDocumentTables);
    SEGUE_TRY(rows,
              query_rows(pool_, static_cast<DocumentRow*>(nullptr), sql, collection, pattern,
                         filter.state, filter.after, static_cast<std::int64_t>(filter.limit) + 1));
    const bool more = rows.size() > filter.limit;
    if (more) rows.resize(filter.limit);
    for (auto& row : rows)
        page.documents.push_back(document_of(row));
    if (more) page.next = page.documents.back().id;
    if (filter.state.empty() || filter.state == "failed" || filter.state == "waiting" ||
        filter.state == "reading") {
        SEGUE_TRY(total, pool_.one<std::int64_t>(
                             "SELECT count(*) FROM document WHERE collection = $1 AND ($2 = '' OR "
                             "path ILIKE $2 OR title ILIKE $2) AND ($3 = '' OR state = $3)",
                             collection, pattern, filter.state));
        page.total = total ? std::get<0>(*total) : 0;
    } else {
        page.total = static_cast<std::int64_t>(page.documents.size());
    }
    return page;
}

Result<Document> Collections::document(const Reader& reader, std::int64_t id) {
    SEGUE_TRY(rows,
              query_rows(pool_, static_cast<DocumentRow*>(nullptr),
                         fmt::format("SELECT {} FROM {} WHERE d.id = $4 AND {}", kDocumentColumns,
                                     kDocumentTables, access_condition("read", "$1", "$2", "$3")),
                         reader.everything, reader.role, reader.person, id));
    if (rows.empty())
        return fail(
            Fault::kNotFound,
            fmt::format("no document {}: it was removed, or it lies in a collection that is "
                        "not yours to read",
                        id));
    return document_of(rows.front());
}

Result<std::vector<PlacedPassage>> Collections::text(std::int64_t document, int from,
                                                     std::size_t limit) {
    SEGUE_TRY(rows,
              (pool_.query<std::int64_t, std::int32_t, std::string, std::string, std::int32_t,
                           std::int32_t, std::int32_t>(
                  "SELECT p.id, pl.ordinal, p.heading, p.body, coalesce(pl.page, 0), "
                  "coalesce(pl.first_line, 0), coalesce(pl.last_line, 0) FROM place pl JOIN "
                  "passage p ON p.id = pl.passage WHERE pl.document = $1 AND pl.ordinal >= $2 "
                  "ORDER BY pl.ordinal LIMIT $3",
                  document, from, static_cast<std::int64_t>(limit))));
    std::vector<PlacedPassage> passages;
    for (auto& [id, ordinal, heading, body, page, first, last] : rows)
        passages.push_back(
            {id, ordinal, split_heading(heading), std::move(body), {page, first, last}});
    return passages;
}

Result<std::optional<int>> Collections::ordinal(std::int64_t document, std::int64_t passage) {
    SEGUE_TRY(row, pool_.one<std::int32_t>(
                       "SELECT ordinal FROM place WHERE document = $1 AND passage = $2 ORDER BY "
                       "ordinal LIMIT 1",
                       document, passage));
    return row ? std::optional<int>(std::get<0>(*row)) : std::nullopt;
}

}  // namespace segue::rag
