#include "rag/search/index.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <unordered_map>
#include <unordered_set>

#include "base/text.hpp"
#include "rag/text/language.hpp"

namespace segue::rag {
namespace {

using Ids = std::vector<std::int64_t>;
using Texts = std::vector<std::string>;

constexpr std::string_view kLock = "SELECT 1 FROM pg_advisory_xact_lock(7384211)";

/// A new text of the documents to write.
struct Rows {
    Texts hash, lang, title, heading, body, indexed;
};

std::string hash_of(std::string_view lang, const ReadDocument& document, const Passage& passage) {
    std::string text;
    text.append(lang).append("\x1f").append(document.title).append("\x1f");
    text.append(document.salt).append("\x1f");
    for (const auto& heading : passage.heading)
        text.append(heading).append("\x1f");
    text.append("\x1e").append(passage.body);
    return sha256_hex(text).substr(0, 32);
}

Result<void> run(store::Connection& c, std::string_view sql, const auto&... parameters) {
    SEGUE_TRY(ignored, c.execute(sql, parameters...));
    static_cast<void>(ignored);
    return {};
}

/// Removes those of the passages that stand in no document any more.
Result<void> forget_orphans(store::Connection& c, const Ids& candidates) {
    if (candidates.empty()) return {};
    SEGUE_TRY(rows, c.query<std::int64_t>("SELECT id FROM unnest($1::bigint[]) AS u(id) WHERE NOT "
                                          "EXISTS (SELECT FROM place WHERE passage = u.id)",
                                          candidates));
    Ids orphans;
    for (const auto& [id] : rows)
        orphans.push_back(id);
    if (orphans.empty()) return {};
    return run(c, "SELECT FROM forget_passages($1::bigint[])", orphans);
}

/// The id of each hash; `fresh` are those that were not there.
struct Passages {
    std::unordered_map<std::string, std::int64_t> by_hash;
    Ids fresh;
};

Result<Passages> write_passages(store::Connection& c, const Rows& rows) {
    Passages made;
    SEGUE_TRY(added,
              c.query<std::string, std::int64_t>(
                  "INSERT INTO passage (hash, lang, title, heading, body, tsv, len) "
                  "SELECT u.hash, u.lang, u.title, u.heading, u.body, v.tsv, "
                  "(SELECT coalesce(sum(array_length(positions, 1)), 0) FROM unnest(v.tsv)) "
                  "FROM unnest($1::uuid[], $2::text[], $3::text[], $4::text[], $5::text[], "
                  "$6::text[]) WITH ORDINALITY AS u(hash, lang, title, heading, body, indexed, n) "
                  "JOIN stat s ON s.lang = u.lang CROSS JOIN LATERAL "
                  "(SELECT to_tsvector(s.config::regconfig, u.indexed) AS tsv) v "
                  "ORDER BY u.n ON CONFLICT (hash) DO NOTHING "
                  "RETURNING replace(hash::text, '-', ''), id",
                  rows.hash, rows.lang, rows.title, rows.heading, rows.body, rows.indexed));
    for (const auto& [hash, id] : added) {
        made.by_hash.emplace(hash, id);
        made.fresh.push_back(id);
    }
    if (added.size() < rows.hash.size()) {
        SEGUE_TRY(known, c.query<std::string, std::int64_t>(
                             "SELECT replace(hash::text, '-', ''), id FROM passage "
                             "WHERE hash = ANY ($1::uuid[])",
                             rows.hash));
        for (const auto& [hash, id] : known)
            made.by_hash.emplace(hash, id);
    }
    if (!made.fresh.empty())
        SEGUE_TRY_VOID(run(c, "SELECT FROM index_passages($1::bigint[])", made.fresh));
    return made;
}

Result<std::int64_t> write_document(store::Connection& c, std::int64_t collection,
                                    const ReadDocument& document) {
    SEGUE_TRY(
        row,
        c.one<std::int64_t>(
            "INSERT INTO document (collection, path, title, type, bytes, sha256, reader, state, "
            "problem, pages, added_by, modified_at) VALUES ($1, $2, $3, $4, $5, $6, $7, "
            "'ready', NULL, NULLIF($8::int, 0), $9, coalesce($10, now())) "
            "ON CONFLICT (collection, path) DO UPDATE SET title = excluded.title, type = "
            "excluded.type, bytes = excluded.bytes, sha256 = excluded.sha256, reader = "
            "excluded.reader, state = 'ready', problem = NULL, pages = excluded.pages, "
            "modified_at = excluded.modified_at, updated_at = now() RETURNING id",
            collection, document.path, document.title, document.type, document.bytes,
            document.sha256, kReaderVersion, document.pages, document.added_by, document.modified));
    if (!row) return fail(Fault::kInternal, "a document was written and has no id", "rag");
    return std::get<0>(*row);
}

/// Takes the places of the documents away and answers the passages that stood there.
Result<Ids> clear_places(store::Connection& c, const Ids& documents) {
    SEGUE_TRY(rows, c.query<std::int64_t>(
                        "WITH gone AS (DELETE FROM place WHERE document = ANY ($1::bigint[]) "
                        "RETURNING passage) SELECT DISTINCT passage FROM gone",
                        documents));
    Ids passages;
    for (const auto& [id] : rows)
        passages.push_back(id);
    return passages;
}

/// Which collection is written to changes its time; that it is still there is checked with it.
Result<void> touch(store::Connection& c, std::int64_t collection) {
    SEGUE_TRY(count,
              c.execute("UPDATE collection SET updated_at = now() WHERE id = $1", collection));
    if (count == 0) return fail(Fault::kNotFound, "the collection was deleted meanwhile");
    return {};
}

/// The row stays as it is until the transaction ends.
Result<void> still_wanted(store::Connection& c, const std::optional<Upload>& upload) {
    if (!upload) return {};
    SEGUE_TRY(row, c.one<std::int64_t>(
                       "SELECT id FROM document WHERE id = $1 AND modified_at = $2 FOR UPDATE",
                       upload->document, upload->accepted));
    if (!row) return fail(Fault::kNotFound, "the upload was removed or replaced meanwhile");
    return {};
}

std::string joined(const std::vector<std::string>& heading) {
    return join(heading, "\x1f");
}

}  // namespace

std::string indexed_text(std::string_view title, const Passage& passage) {
    std::string text(title);
    for (const auto& heading : passage.heading) {
        if (heading == title) continue;
        if (!text.empty()) text += ' ';
        text += heading;
    }
    if (!text.empty()) text += ' ';
    return text.append(passage.body);
}

Result<std::vector<Written>> Index::write(std::int64_t collection,
                                          std::span<const ReadDocument> documents) {
    Rows rows;
    std::vector<Texts> hashes(documents.size());  // of each document, in order
    std::unordered_set<std::string> seen;
    for (std::size_t i = 0; i < documents.size(); ++i) {
        const auto& document = documents[i];
        for (const auto& passage : document.passages) {
            const std::string indexed = indexed_text(document.title, passage);
            const std::string_view lang = document.language.empty()
                                              ? language_of(indexed)
                                              : std::string_view(document.language);
            auto hash = hash_of(lang, document, passage);
            hashes[i].push_back(hash);
            if (!seen.insert(hash).second) continue;
            rows.hash.push_back(std::move(hash));
            rows.lang.emplace_back(lang);
            rows.title.push_back(document.title);
            rows.heading.push_back(joined(passage.heading));
            rows.body.push_back(passage.body);
            rows.indexed.push_back(split_words(indexed));
        }
    }
    return pool_.transaction([&](store::Connection& c) -> Result<std::vector<Written>> {
        SEGUE_TRY_VOID(run(c, kLock));
        SEGUE_TRY_VOID(touch(c, collection));
        Ids ids;
        for (const auto& document : documents) {
            SEGUE_TRY_VOID(still_wanted(c, document.upload));
            SEGUE_TRY(id, write_document(c, collection, document));
            ids.push_back(id);
        }
        SEGUE_TRY(before, clear_places(c, ids));
        SEGUE_TRY(passages, rows.hash.empty() ? Result<Passages>() : write_passages(c, rows));
        Ids document_of, ordinal, passage_of, page, first_line, last_line;
        std::vector<Written> written;
        const std::unordered_set<std::int64_t> fresh(passages.fresh.begin(), passages.fresh.end());
        for (std::size_t i = 0; i < documents.size(); ++i) {
            written.push_back({ids[i], documents[i].passages.size(), 0});
            for (std::size_t k = 0; k < hashes[i].size(); ++k) {
                const auto& place = documents[i].passages[k].place;
                const auto passage = passages.by_hash.at(hashes[i][k]);
                written.back().fresh += fresh.contains(passage) ? 1 : 0;
                document_of.push_back(ids[i]);
                ordinal.push_back(static_cast<std::int64_t>(k));
                passage_of.push_back(passage);
                page.push_back(place.page);
                first_line.push_back(place.first_line);
                last_line.push_back(place.last_line);
            }
        }
        if (!document_of.empty())
            SEGUE_TRY_VOID(run(c,
                               "INSERT INTO place (document, ordinal, passage, page, first_line, "
                               "last_line) SELECT d, o, p, NULLIF(page, 0), NULLIF(a, 0), "
                               "NULLIF(b, 0) FROM unnest($1::bigint[], $2::int[], $3::bigint[], "
                               "$4::int[], $5::int[], $6::int[]) AS u(d, o, p, page, a, b)",
                               document_of, ordinal, passage_of, page, first_line, last_line));
        SEGUE_TRY_VOID(
            run(c, "DELETE FROM document_source WHERE document = ANY ($1::bigint[])", ids));
        SEGUE_TRY_VOID(forget_orphans(c, before));
        return written;
    });
}

Result<std::int64_t> Index::write_failed(std::int64_t collection, const FailedDocument& document) {
    return pool_.transaction([&](store::Connection& c) -> Result<std::int64_t> {
        SEGUE_TRY_VOID(run(c, kLock));
        SEGUE_TRY_VOID(touch(c, collection));
        SEGUE_TRY_VOID(still_wanted(c, document.upload));
        SEGUE_TRY(row,
                  c.one<std::int64_t>(
                      "INSERT INTO document AS d (collection, path, type, bytes, sha256, reader, "
                      "state, problem, added_by) VALUES ($1, $2, $3, $4, $5, $6, 'failed', $7, "
                      "$8) ON CONFLICT (collection, path) DO UPDATE SET type = excluded.type, "
                      "bytes = excluded.bytes, sha256 = excluded.sha256, reader = "
                      "excluded.reader, state = 'failed', problem = excluded.problem || CASE WHEN "
                      "EXISTS (SELECT FROM place p WHERE p.document = d.id) THEN '; what was read "
                      "of it before still answers' ELSE '' END, updated_at = now() RETURNING id",
                      collection, document.path, document.type, document.bytes, document.sha256,
                      kReaderVersion, document.problem, document.added_by));
        if (!row) return fail(Fault::kInternal, "a document was written and has no id", "rag");
        return std::get<0>(*row);
    });
}

Result<std::size_t> Index::remove(std::span<const std::int64_t> documents) {
    const Ids ids(documents.begin(), documents.end());
    return pool_.transaction([&](store::Connection& c) -> Result<std::size_t> {
        SEGUE_TRY_VOID(run(c, kLock));
        SEGUE_TRY(before, clear_places(c, ids));
        SEGUE_TRY(count, c.execute("DELETE FROM document WHERE id = ANY ($1::bigint[])", ids));
        SEGUE_TRY_VOID(forget_orphans(c, before));
        return static_cast<std::size_t>(count);
    });
}

Result<void> Index::settle() {
    SEGUE_TRY(lease, pool_.acquire());
    SEGUE_TRY_VOID(lease->allow(std::chrono::minutes(10)));
    for (const std::string_view table : {"passage", "place", "posting", "term", "document"}) {
        // A settled table answers faster; one that cannot be settled answers as well.
        SEGUE_TRY_VOID(run(*lease, fmt::format("VACUUM (ANALYZE) {}", table)));
    }
    return {};
}

Result<std::string> Index::check() {
    SEGUE_TRY(
        row,
        pool_.one<std::string>(
            "WITH counted AS (SELECT term, count(*) AS n FROM posting GROUP BY term), "
            "wrong AS (SELECT coalesce(c.term, t.term) AS term, t.df, c.n FROM counted c FULL JOIN "
            "term t USING (term) WHERE t.df IS DISTINCT FROM c.n), "
            "totals AS (SELECT s.lang, s.n, s.total_len, count(p.id) AS real_n, "
            "coalesce(sum(p.len), 0) AS real_len FROM stat s LEFT JOIN passage p USING (lang) "
            "GROUP "
            "BY s.lang) "
            "SELECT m FROM (SELECT 'term ' || quote_literal(term) || ' is counted ' || "
            "coalesce(df, "
            "0) || ' times, stands in ' || coalesce(n, 0) || ' passages' AS m FROM wrong UNION ALL "
            "SELECT 'language ' || lang || ' is counted as ' || n || ' passages of ' || total_len "
            "|| ' terms, has ' || real_n || ' of ' || real_len FROM totals WHERE n <> real_n OR "
            "total_len <> real_len) x LIMIT 1"));
    return row ? std::get<0>(*row) : std::string();
}

Result<void> Index::rebuild() {
    return pool_.transaction([&](store::Connection& c) -> Result<void> {
        SEGUE_TRY_VOID(c.allow(std::chrono::hours(1)));
        SEGUE_TRY_VOID(run(c, kLock));
        SEGUE_TRY_VOID(run(c, "TRUNCATE posting, term"));
        SEGUE_TRY_VOID(run(c, "UPDATE stat SET n = 0, total_len = 0"));
        return run(c, "SELECT FROM index_passages((SELECT array_agg(id) FROM passage))");
    });
}

}  // namespace segue::rag
