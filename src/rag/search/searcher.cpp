#include "rag/search/searcher.hpp"

#include <fmt/format.h>

#include <array>

#include "base/log.hpp"
#include "base/text.hpp"
#include "rag/search/search_sql.hpp"
#include "rag/search/snippet.hpp"
#include "rag/text/language.hpp"

namespace segue::rag {
namespace {

// What HNSW needs: at least as many candidates as rows are wanted, more where there are more to
// miss (of the ten nearest of 100,000, 200 candidates hold 0.98 and 400 hold 0.998), and going on
// while a filter throws rows away. A cached generic plan once answered by a sequential scan, so
// each is planned. Room for the scores of a question's common words, so that they need no file.
constexpr std::string_view kBegin =
    "BEGIN READ ONLY; SELECT set_config('hnsw.ef_search', CASE WHEN sum(n) > 50000 THEN '400' ELSE "
    "'200' END, true) FROM stat; SET LOCAL hnsw.iterative_scan = relaxed_order; SET LOCAL "
    "hnsw.max_scan_tuples = 100000; SET LOCAL plan_cache_mode = force_custom_plan; SET LOCAL jit = "
    "off; SET LOCAL work_mem = '32MB'";

/// Reads the columns of one row from left to right.
class RowReader {
public:
    RowReader(const store::Answer& answer, std::size_t row) : answer_(answer), row_(row) {}
    template <class T>
    T next() {
        T value{};
        if (auto read = store::read(answer_.cell(row_, column_++), value); !read && !error_)
            error_ = std::move(read).error();
        return value;
    }
    std::optional<Error> take_error() { return std::move(error_); }

private:
    const store::Answer& answer_;
    std::size_t row_;
    std::size_t column_ = 0;
    std::optional<Error> error_;
};

Leg read_leg(RowReader& row) {
    Leg leg;
    leg.rank = row.next<std::optional<std::int32_t>>();
    leg.score = row.next<std::optional<double>>();
    leg.scaled = row.next<double>();
    return leg;
}

Result<store::Answer> run(store::Pool& pool, const Statement& statement) {
    return pool.read([&](store::Connection& c) -> Result<store::Answer> {
        SEGUE_TRY(begun, c.script(kBegin));
        auto answer = c.run(statement.sql, statement.parameters);
        if (!answer) return answer;
        SEGUE_TRY(ended, c.script("COMMIT"));
        static_cast<void>(begun);
        static_cast<void>(ended);
        return answer;
    });
}

Result<void> check(const SearchRequest& request) {
    if (trim(request.query).empty())
        return fail(Fault::kInvalid, "the question is empty; give at least one word");
    if (request.query.size() > kLongestQuestion)
        return fail(Fault::kTooLarge,
                    fmt::format("a question for the search may have {} bytes, this one has {}; ask "
                                "for its main words",
                                kLongestQuestion, request.query.size()));
    return {};
}

}  // namespace

std::string_view vector_use_name(VectorUse use) {
    constexpr std::array<std::string_view, 3> kNames{"used", "unavailable", "not_asked"};
    return kNames[static_cast<std::size_t>(use)];
}

std::optional<Vector> Searcher::question_vector(std::string_view question) const {
    if (!embedder_) return std::nullopt;
    auto vector = embedder_->embed_one(replace_invalid_utf8(question), TextRole::kQuestion);
    if (vector) return std::move(*vector);
    log::warning("search goes by keywords only: {}", vector.error().detail);
    return std::nullopt;
}

Result<std::optional<StoredModel>> Searcher::usable_model() const {
    if (!embedder_) return std::optional<StoredModel>{};
    SEGUE_TRY(answering, Vectors(pool_).answering());
    if (answering && answering->name != embedder_->model().name) answering.reset();
    return answering;
}

Result<std::vector<Ranked>> Searcher::rank(const SearchRequest& request,
                                           const std::optional<Vector>& vector) const {
    SEGUE_TRY_VOID(check(request));
    SEGUE_TRY(model, vector ? usable_model() : Result<std::optional<StoredModel>>());
    SEGUE_TRY(answer,
              run(pool_, search_statement(request, vector, model, Details::kNo, exact_up_to_)));
    std::vector<Ranked> ranked;
    for (std::size_t i = 0; i < answer.rows(); ++i) {
        RowReader row(answer, i);
        const auto passage = row.next<std::int64_t>();
        ranked.push_back({passage, row.next<double>()});
        if (auto error = row.take_error()) return tl::make_unexpected(std::move(*error));
    }
    return ranked;
}

Result<SearchResult> Searcher::search(const SearchRequest& request) const {
    SEGUE_TRY_VOID(check(request));
    SearchResult result;
    result.mode = request.mode;
    std::optional<StoredModel> model;
    std::optional<Vector> vector;
    if (request.mode != Mode::kKeyword) {
        SEGUE_TRY(usable, usable_model());
        model = std::move(usable);
        if (model) vector = question_vector(request.query);
        result.vector = vector ? VectorUse::kUsed : VectorUse::kUnavailable;
    }
    if (request.mode == Mode::kVector && !vector) return result;
    auto found = run(pool_, search_statement(request, vector, model, Details::kYes, exact_up_to_));
    if (!found && model) {
        // Another model took over in between, and this one's table is gone.
        SEGUE_TRY(now, Vectors(pool_).answering());
        if (now && now->id != model->id) {
            result.vector = VectorUse::kUnavailable;
            found = run(pool_, search_statement(request, std::nullopt, std::nullopt, Details::kYes,
                                                exact_up_to_));
        }
    }
    SEGUE_TRY(answer, std::move(found));
    for (std::size_t i = 0; i < answer.rows(); ++i) {
        RowReader row(answer, i);
        Hit hit;
        hit.passage = row.next<std::int64_t>();
        hit.score = row.next<double>();
        hit.keyword = read_leg(row);
        hit.vector = read_leg(row);
        result.total = row.next<std::int64_t>();
        hit.terms = row.next<std::vector<std::string>>();
        hit.document = row.next<std::int64_t>();
        hit.collection = row.next<std::string>();
        hit.title = row.next<std::string>();
        hit.path = row.next<std::string>();
        hit.type = row.next<std::string>();
        const auto heading = row.next<std::string>();
        if (!heading.empty())
            for (const auto part : split(heading, '\x1f'))
                hit.heading.emplace_back(part);
        hit.text = row.next<std::string>();
        hit.snippet = row.next<std::string>();
        hit.place.page = row.next<std::int32_t>();
        hit.place.first_line = row.next<std::int32_t>();
        hit.place.last_line = row.next<std::int32_t>();
        hit.ordinal = row.next<std::int32_t>();
        if (auto error = row.take_error()) return tl::make_unexpected(std::move(*error));
        if (hit.snippet.find('\x02') == std::string::npos)
            hit.snippet = plain_snippet(hit.text, request.query);
        result.hits.push_back(std::move(hit));
    }
    return result;
}

}  // namespace segue::rag
