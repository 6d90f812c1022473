#include "rag/search/vectors.hpp"

#include <fmt/format.h>
#include <fmt/ranges.h>

#include "base/text.hpp"
#include "rag/search/index.hpp"

namespace segue::rag {
namespace {

constexpr std::string_view kColumns =
    "SELECT id, name, dimensions, answers, place, question_prefix FROM embedding_model ";
// The types of kColumns, as template arguments.
#define SEGUE_MODEL_ROW std::int16_t, std::string, std::int32_t, bool, std::string, std::string

StoredModel model_of(const std::tuple<SEGUE_MODEL_ROW>& row) {
    return {std::get<0>(row), std::get<1>(row), static_cast<std::size_t>(std::get<2>(row)),
            std::get<3>(row), std::get<4>(row), std::get<5>(row)};
}

Result<void> run(store::Connection& c, std::string_view sql, const auto&... parameters) {
    SEGUE_TRY(ignored, c.execute(sql, parameters...));
    static_cast<void>(ignored);
    return {};
}

Result<void> switch_to(store::Connection& c, const StoredModel& model) {
    SEGUE_TRY_VOID(run(c, "UPDATE embedding_model SET answers = false WHERE answers"));
    SEGUE_TRY_VOID(run(c, "UPDATE embedding_model SET answers = true WHERE id = $1", model.id));
    return run(c, fmt::format("CREATE OR REPLACE VIEW answering_vector AS SELECT passage FROM {}",
                              model.table()));
}

}  // namespace

std::string StoredModel::table() const {
    return fmt::format("embedding_{}", id);
}

Result<StoredModel> Vectors::register_model(const EmbeddingModel& model) {
    return pool_.transaction([&](store::Connection& c) -> Result<StoredModel> {
        SEGUE_TRY_VOID(run(c, "SELECT 1 FROM pg_advisory_xact_lock(7384212)"));
        const auto find = [&] {
            return c.one<SEGUE_MODEL_ROW>(std::string(kColumns) + "WHERE name = $1", model.name);
        };
        SEGUE_TRY(known, find());
        if (known) {
            auto stored = model_of(*known);
            if (stored.dimensions != model.dimensions)
                return fail(
                    Fault::kConflict,
                    fmt::format("the store holds vectors of {} numbers under the name '{}', "
                                "this model makes {}; give it another name",
                                stored.dimensions, model.name, model.dimensions));
            // It may lie elsewhere now.
            SEGUE_TRY_VOID(run(c,
                               "UPDATE embedding_model SET place = $2, question_prefix = $3 WHERE "
                               "id = $1 AND (place, question_prefix) IS DISTINCT FROM ($2, $3)",
                               stored.id, model.place, model.question_prefix));
            return stored;
        }
        SEGUE_TRY_VOID(run(c,
                           "INSERT INTO embedding_model (name, dimensions, place, question_prefix) "
                           "VALUES ($1, $2, $3, $4)",
                           model.name, static_cast<std::int64_t>(model.dimensions), model.place,
                           model.question_prefix));
        SEGUE_TRY(row, find());
        if (!row) return fail(Fault::kInternal, "a model was registered and is not there", "rag");
        auto stored = model_of(*row);
        SEGUE_TRY_VOID(run(c, fmt::format("CREATE TABLE {} (passage bigint PRIMARY KEY REFERENCES "
                                          "passage ON DELETE CASCADE, emb vector({}) NOT NULL)",
                                          stored.table(), stored.dimensions)));
        SEGUE_TRY_VOID(run(c, fmt::format("CREATE INDEX ON {} USING hnsw (emb vector_cosine_ops) "
                                          "WITH (m = 16, ef_construction = 128)",
                                          stored.table())));
        SEGUE_TRY(other, c.one<std::int64_t>("SELECT count(*) FROM embedding_model WHERE answers"));
        if (other && std::get<0>(*other) == 0) {
            SEGUE_TRY_VOID(switch_to(c, stored));
            stored.answers = true;
        }
        return stored;
    });
}

Result<std::optional<StoredModel>> Vectors::answering() {
    SEGUE_TRY(row, (pool_.one<SEGUE_MODEL_ROW>(std::string(kColumns) + "WHERE answers")));
    return row ? std::optional<StoredModel>(model_of(*row)) : std::nullopt;
}

Result<std::vector<Vectors::Pending>> Vectors::pending(const StoredModel& model, std::int64_t after,
                                                       std::size_t limit) {
    SEGUE_TRY(
        rows,
        (pool_.query<std::int64_t, std::string, std::string, std::string>(
            fmt::format("SELECT p.id, p.title, p.heading, p.body FROM passage p WHERE p.id > $1 "
                        "AND NOT EXISTS (SELECT FROM {} e WHERE e.passage = p.id) ORDER BY "
                        "p.id LIMIT $2",
                        model.table()),
            after, static_cast<std::int64_t>(limit))));
    std::vector<Pending> pending;
    for (auto& [id, title, heading, body] : rows) {
        Passage passage{{}, std::move(body), {}};
        if (!heading.empty())
            for (const auto part : split(heading, '\x1f'))
                passage.heading.emplace_back(part);
        pending.push_back({id, indexed_text(title, passage)});
    }
    return pending;
}

Result<Vectors::Progress> Vectors::progress(const StoredModel& model) {
    SEGUE_TRY(
        row,
        (pool_.one<std::int64_t, std::int64_t>(fmt::format(
            "SELECT (SELECT count(*) FROM passage), (SELECT count(*) FROM {})", model.table()))));
    if (!row) return Progress{};
    return Progress{std::get<0>(*row), std::get<1>(*row)};
}

Result<void> Vectors::store(const StoredModel& model, std::span<const std::int64_t> passages,
                            std::span<const Vector> vectors) {
    std::vector<std::string> texts;
    for (const auto& vector : vectors) {
        if (vector.size() != model.dimensions)
            return fail(Fault::kInvalid,
                        fmt::format("the model '{}' gave a vector of {} numbers instead of {}",
                                    model.name, vector.size(), model.dimensions));
        texts.push_back(fmt::format("[{}]", fmt::join(vector, ",")));
    }
    SEGUE_TRY(count, pool_.transaction([&](store::Connection& c) {
        return c.execute(
            fmt::format("INSERT INTO {} (passage, emb) SELECT p.id, u.v::vector FROM "
                        "unnest($1::bigint[], $2::text[]) AS u(id, v) JOIN passage p ON p.id = "
                        "u.id ORDER BY p.id ON CONFLICT DO NOTHING",
                        model.table()),
            std::vector<std::int64_t>(passages.begin(), passages.end()), texts);
    }));
    static_cast<void>(count);
    return {};
}

Result<void> Vectors::answer_with(const StoredModel& model) {
    return pool_.transaction([&](store::Connection& c) -> Result<void> {
        SEGUE_TRY_VOID(run(c, "SELECT 1 FROM pg_advisory_xact_lock(7384212)"));
        SEGUE_TRY(others,
                  (c.query<SEGUE_MODEL_ROW>(std::string(kColumns) + "WHERE id <> $1", model.id)));
        SEGUE_TRY_VOID(switch_to(c, model));
        for (const auto& row : others) {
            SEGUE_TRY_VOID(run(c, "DROP TABLE IF EXISTS " + model_of(row).table()));
            SEGUE_TRY_VOID(run(c, "DELETE FROM embedding_model WHERE id = $1", std::get<0>(row)));
        }
        return {};
    });
}

}  // namespace segue::rag
