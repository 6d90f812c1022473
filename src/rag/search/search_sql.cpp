#include "rag/search/search_sql.hpp"

#include <fmt/format.h>

#include <algorithm>

#include "rag/search/access_sql.hpp"
#include "rag/text/language.hpp"

namespace segue::rag {
namespace {

/// Gives each value its `$n`.
class Parameters {
public:
    template <class T>
    std::string add(const T& value) {
        list_.push_back(store::bind(value));
        return fmt::format("${}", list_.size());
    }
    std::vector<store::Parameter> take() { return std::move(list_); }

private:
    std::vector<store::Parameter> list_;
};

/// What narrows the passages down. `always`: there is a filter. `maybe`: whether the reader's
/// rights or the chosen collections leave anything out is only known to the database, so the
/// statement holds each way and the others do not run:
/// - not filtered: all passages;
/// - filtered to few (`keep` holds them all): only those are compared;
/// - filtered to many (`keep` has overflown): passages are ranked and the best asked, one after the
///   other, whether they may be seen, until there are enough. Where the best ones are nearly all
///   another's, all that may be seen are listed after all.
struct Filter {
    enum class Kind { kNever, kMaybe, kAlways } kind = Kind::kNever;
    std::string document;    // condition on d (document) and c (its collection)
    std::string collection;  // the part of it that looks at c only

    bool may_filter() const { return kind != Kind::kNever; }
    bool may_pass() const { return kind != Kind::kAlways; }
};

Filter make_filter(const SearchRequest& request, Parameters& parameters) {
    Filter filter;
    std::vector<std::string> of_collection;
    if (!request.reader.everything)
        of_collection.push_back(access_condition("read", "false",
                                                 parameters.add(request.reader.role),
                                                 parameters.add(request.reader.person)));
    if (!request.collections.empty())
        of_collection.push_back(
            fmt::format("c.slug = ANY ({}::text[])", parameters.add(request.collections)));
    std::vector<std::string> of_document;
    if (!request.path.empty())
        of_document.push_back(
            fmt::format("d.path LIKE {}::text", parameters.add(like_glob(request.path))));
    if (!request.types.empty())
        of_document.push_back(
            fmt::format("d.type = ANY ({}::text[])", parameters.add(request.types)));
    if (request.since)
        of_document.push_back(
            fmt::format("d.modified_at >= {}::timestamptz", parameters.add(*request.since)));
    if (request.until)
        of_document.push_back(
            fmt::format("d.modified_at <= {}::timestamptz", parameters.add(*request.until)));
    filter.kind = !of_document.empty()     ? Filter::Kind::kAlways
                  : !of_collection.empty() ? Filter::Kind::kMaybe
                                           : Filter::Kind::kNever;
    filter.collection = of_collection.empty() ? "true" : join(of_collection, " AND ");
    of_document.insert(of_document.begin(), filter.collection);
    filter.document = join(of_document, " AND ");
    return filter;
}

constexpr std::string_view kPlaces =
    "place pl JOIN document d ON d.id = pl.document JOIN collection c ON c.id = d.collection";

/// The CTEs `gate` (which way to take) and `keep` (the passages that are left, if they are few), as
/// far as the filter needs them.
std::string gate_sql(const Filter& filter, int exact_up_to) {
    // "One-Time Filter: false" costs nothing: what a gate closes is not executed.
    const std::string big = fmt::format("(SELECT sum(n) FROM stat) > {}", exact_up_to);
    if (!filter.may_filter())
        return fmt::format("gate AS MATERIALIZED (SELECT false AS filtered, {} AS big), ", big);
    const std::string filtered =
        filter.kind == Filter::Kind::kAlways
            ? "true"
            : fmt::format(
                  "EXISTS (SELECT FROM collection c WHERE NOT ({}) AND EXISTS (SELECT FROM "
                  "document d WHERE d.collection = c.id))",
                  filter.collection);
    return fmt::format(
        "keep AS MATERIALIZED (SELECT pl.passage FROM {places} WHERE {condition} LIMIT {most} + "
        "1), way AS MATERIALIZED (SELECT {filtered} AS filtered), gate AS MATERIALIZED (SELECT "
        "filtered, CASE WHEN filtered THEN (SELECT count(*) FROM keep) > {most} ELSE {big} END AS "
        "big FROM way), ",
        fmt::arg("places", kPlaces), fmt::arg("condition", filter.document),
        fmt::arg("most", exact_up_to), fmt::arg("filtered", filtered), fmt::arg("big", big));
}

/// Whether this passage may be seen. A scalar subquery is asked row by row: never a join, nor a
/// hash of all that may be seen.
std::string may_be_seen(const Filter& filter, std::string_view passage) {
    return fmt::format("(SELECT true FROM {} WHERE pl.passage = {} AND {} LIMIT 1)", kPlaces,
                       passage, filter.document);
}

std::string when(std::string_view condition) {
    return fmt::format("(SELECT {} FROM gate)", condition);
}

/// The CTEs of the keyword leg where many passages are left: `scored` holds all that match, `near`
/// those of the best that may be seen, `enough` whether these do.
std::string many_sql(const Filter& filter, const std::string& scores, int asked) {
    return fmt::format(
        "scored AS MATERIALIZED ({scores}), near AS MATERIALIZED (SELECT passage, score FROM "
        "(SELECT passage, score FROM scored ORDER BY score DESC, passage LIMIT {asked}) best WHERE "
        "{seen} ORDER BY score DESC, passage LIMIT {depth}), enough AS MATERIALIZED (SELECT "
        "(SELECT count(*) FROM near) = {depth} OR (SELECT count(*) FROM scored) <= {asked} AS "
        "yes), ",
        fmt::arg("scores", scores), fmt::arg("asked", asked),
        fmt::arg("seen", may_be_seen(filter, "best.passage")), fmt::arg("depth", kLegDepth));
}

/// BM25: score(d) = Σ qtf · ln(1 + (N − df + 0.5)/(df + 0.5)) · tf · (k1 + 1) / (tf + k1 · (1 − b +
/// b · len/avgdl)). Each language has its own terms, N and avgdl. What does not depend on the
/// posting is worked out once a term.
std::string keyword_sql(const Filter& filter, std::string_view question, const Ranking& ranking,
                        int exact_up_to) {
    const auto scores = [&](std::string_view condition) {
        return fmt::format(
            "SELECT p.passage, sum(w.weight * p.tf / (p.tf + w.base + w.slope * p.len)) AS score "
            "FROM w JOIN posting p ON p.term = w.term WHERE {} GROUP BY 1",
            condition);
    };
    std::vector<std::string> legs;
    const auto best_of = [&](std::string_view what) {
        legs.push_back(fmt::format("({} ORDER BY 2 DESC, 1 LIMIT {})", what, kLegDepth));
    };
    std::string many;
    if (filter.may_pass()) best_of(scores(when("NOT filtered")));
    if (filter.may_filter()) {
        best_of(
            scores(when("filtered AND NOT big") + " AND p.passage IN (SELECT passage FROM keep)"));
        many = many_sql(filter, scores(when("filtered AND big")),
                        std::max(exact_up_to / 5, kLegDepth));
        legs.emplace_back("(SELECT passage, score FROM near WHERE (SELECT yes FROM enough))");
        best_of(fmt::format(
            "SELECT passage, score FROM scored WHERE NOT (SELECT yes FROM enough) AND passage IN "
            "(SELECT pl.passage FROM {} WHERE {})",
            kPlaces, filter.document));
    }
    return fmt::format(
        "q AS MATERIALIZED (SELECT s.lang, s.n, s.total_len, s.prefix || u.lexeme AS term, "
        "coalesce(array_length(u.positions, 1), 1) AS tf FROM stat s CROSS JOIN LATERAL "
        "unnest(to_tsvector(s.config::regconfig, {question}::text)) u WHERE s.n > 0), "
        "w AS MATERIALIZED (SELECT q.term, q.tf * ln(1 + (q.n - t.df + 0.5) / (t.df + 0.5)) * "
        "{k1}::float8 + q.tf * ln(1 + (q.n - t.df + 0.5) / (t.df + 0.5)) AS weight, "
        "{k1}::float8 * (1 - {b}::float8) AS base, {k1}::float8 * {b}::float8 * q.n / "
        "greatest(q.total_len, 1) AS slope FROM q JOIN term t ON t.term = q.term), "
        "{many}k AS MATERIALIZED ({legs})",
        fmt::arg("question", question), fmt::arg("k1", ranking.k1), fmt::arg("b", ranking.b),
        fmt::arg("many", many), fmt::arg("legs", join(legs, " UNION ALL ")));
}

std::string vector_sql(const Filter& filter, const std::string& vector, const StoredModel& model) {
    const std::string v = fmt::format("{}::vector({})", vector, model.dimensions);
    const std::string table = model.table();
    std::vector<std::string> legs;
    // OFFSET 0 keeps the distance from being pushed into an index scan: this one is exact.
    const auto exact = [&](const std::string& condition) {
        legs.push_back(
            fmt::format("(SELECT passage, d FROM (SELECT e.passage, e.emb <=> {} AS d FROM {} e "
                        "WHERE {} OFFSET 0) x ORDER BY d, passage LIMIT {})",
                        v, table, condition, kLegDepth));
    };
    const auto nearest = [&](const std::string& condition) {
        legs.push_back(
            fmt::format("(SELECT e.passage, e.emb <=> {} AS d FROM {} e WHERE {} ORDER BY e.emb "
                        "<=> {} LIMIT {})",
                        v, table, condition, v, kLegDepth));
    };
    if (filter.may_pass()) {
        exact(when("NOT filtered AND NOT big"));
        nearest(when("NOT filtered AND big"));
    }
    if (filter.may_filter()) {
        exact(when("filtered AND NOT big") + " AND e.passage IN (SELECT passage FROM keep)");
        nearest(when("filtered AND big") + " AND " + may_be_seen(filter, "e.passage"));
    }
    return fmt::format(
        "v AS MATERIALIZED (SELECT passage, 1 - d AS score FROM ({}) y ORDER BY d, "
        "passage LIMIT {})",
        join(legs, " UNION ALL "), kLegDepth);
}

/// Rank in the list, and the score scaled to 0..1 over the list; one value only is 1.
std::string scaled_sql(std::string_view name, std::string_view from) {
    return fmt::format(
        "{0} AS MATERIALIZED (SELECT passage, score, row_number() OVER (ORDER BY score DESC, "
        "passage) AS rank, CASE WHEN max(score) OVER () > min(score) OVER () THEN (score - "
        "min(score) OVER ()) / (max(score) OVER () - min(score) OVER ()) ELSE 1 END AS scaled FROM "
        "{1})",
        name, from);
}

std::string fused_sql(const Ranking& ranking) {
    const double vector = std::clamp(ranking.vector_weight, 0.0, 1.0);
    if (ranking.rrf)
        return fmt::format(
            "{}::float8 * coalesce(2 / ({}::float8 + ks.rank), 0) + {}::float8 * coalesce(2 / "
            "({}::float8 + vs.rank), "
            "0)",
            1 - vector, *ranking.rrf, vector, *ranking.rrf);
    return fmt::format("{}::float8 * coalesce(ks.scaled, 0) + {}::float8 * coalesce(vs.scaled, 0)",
                       1 - vector, vector);
}

/// Lexemes as a tsquery of this language's configuration, ORed.
constexpr std::string_view kHeadlineQuery =
    "(SELECT string_agg('''' || replace(replace(substr(q.term, length(s.prefix) + 1), '\\', "
    "'\\\\'), '''', '''''') || '''', ' | ') FROM q WHERE q.lang = p.lang)::tsquery";

std::string details_sql(const Filter& filter) {
    return fmt::format(
        "SELECT top.*, coalesce((SELECT array_agg(substr(w.term, length(s.prefix) + 1) ORDER BY "
        "w.weight DESC) FROM w JOIN posting o ON o.term = w.term AND o.passage = top.passage), "
        "'{{}}'::text[]), d.id, d.slug, CASE WHEN d.title = '' THEN d.path ELSE d.title END, "
        "d.path, "
        "d.type, p.heading, p.body, coalesce(ts_headline(s.config::regconfig, p.body, {0}, "
        "'StartSel=' || chr(2) || ', StopSel=' || chr(3) || ', MaxWords=40, MinWords=18, "
        "MaxFragments=2, FragmentDelimiter=\" … \"'), ''), coalesce(d.page, 0), "
        "coalesce(d.first_line, 0), coalesce(d.last_line, 0), d.ordinal "
        "FROM top JOIN passage p ON p.id = top.passage JOIN stat s ON s.lang = p.lang "
        "JOIN LATERAL (SELECT d.id, c.slug, d.title, d.path, d.type, pl.page, pl.first_line, "
        "pl.last_line, pl.ordinal FROM place pl JOIN document d ON d.id = pl.document JOIN "
        "collection c ON c.id = d.collection WHERE pl.passage = top.passage AND {1} ORDER BY d.id, "
        "pl.ordinal LIMIT 1) d ON true ORDER BY top.score DESC, top.passage",
        kHeadlineQuery, filter.document);
}

}  // namespace

Statement search_statement(const SearchRequest& request, const std::optional<Vector>& vector,
                           const std::optional<StoredModel>& model, Details details,
                           int exact_up_to) {
    Parameters parameters;
    const Filter filter = make_filter(request, parameters);
    std::string sql = "WITH " + gate_sql(filter, exact_up_to);
    sql += keyword_sql(filter, parameters.add(split_words(request.query)), request.ranking,
                       exact_up_to);
    constexpr std::string_view kNone =
        " AS MATERIALIZED (SELECT 0::bigint AS passage, 0::float8 AS score WHERE false)";
    const bool with_vector = vector && model && request.mode != Mode::kKeyword;
    sql +=
        ", " + (with_vector ? vector_sql(filter, parameters.add(store::Embedding{*vector}), *model)
                            : "v" + std::string(kNone));
    if (request.mode == Mode::kVector) sql += ", none" + std::string(kNone);
    sql += ", " + scaled_sql("ks", request.mode == Mode::kVector ? "none" : "k");
    sql += ", " + scaled_sql("vs", "v");
    // One leg alone keeps its own scores; two are fused on theirs, scaled.
    const std::string score = request.mode == Mode::kKeyword  ? "ks.score"
                              : request.mode == Mode::kVector ? "vs.score"
                                                              : fused_sql(request.ranking);
    sql += fmt::format(
        ", top AS MATERIALIZED (SELECT coalesce(ks.passage, vs.passage) AS passage, {}::float8 AS "
        "score, ks.rank::int AS krank, ks.score::float8 AS kscore, coalesce(ks.scaled, 0)::float8 "
        "AS "
        "kscaled, vs.rank::int AS vrank, vs.score::float8 AS vscore, coalesce(vs.scaled, "
        "0)::float8 "
        "AS vscaled, count(*) OVER () AS total FROM ks FULL JOIN vs ON vs.passage = ks.passage "
        "ORDER "
        "BY 2 DESC, 1 LIMIT {}) ",
        score,
        parameters.add(static_cast<std::int64_t>(std::clamp<std::size_t>(request.limit, 1, 200))));
    sql += details == Details::kYes ? details_sql(filter)
                                    : "SELECT * FROM top ORDER BY score DESC, passage";
    return {std::move(sql), parameters.take()};
}

}  // namespace segue::rag
