/// One connection to PostgreSQL: prepared statements, typed rows, COPY. Borrowed from a Pool
/// (store/pool.hpp), hardly ever opened directly.
///
///     SEGUE_TRY(rows, connection.query<std::int64_t, std::string>(
///                         "SELECT id, title FROM document WHERE collection = $1", collection));
///     for (const auto& [id, title] : rows) …
///
/// Each text of SQL is prepared once a connection and then only executed; so write values as $1,
/// never into the text. Every call ends by its patience (the server's statement_timeout, and a
/// little more for a server that hangs).
///
/// Thread: one at a time. Lifetime: its pool's, or the caller's.
#pragma once

#include <array>
#include <chrono>
#include <cstdint>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <tuple>
#include <utility>
#include <vector>

#include "base/result.hpp"
#include "store/value.hpp"

namespace segue::store {

class FaultInjection;

/// What a statement answered; owns the server's rows.
class Answer {
public:
    Answer();
    ~Answer();
    Answer(Answer&&) noexcept;
    Answer& operator=(Answer&&) noexcept;

    std::size_t rows() const;
    std::size_t columns() const;
    Cell cell(std::size_t row, std::size_t column) const;
    std::string_view column_name(std::size_t column) const;
    /// Rows that INSERT, UPDATE, DELETE or SELECT touched.
    std::uint64_t affected() const;

private:
    friend class Connection;
    struct Impl;
    std::unique_ptr<Impl> impl_;
};

/// Where and how to connect.
struct ConnectOptions {
    std::string conninfo;     // "host=… dbname=…" or a postgresql:// URL; holds the password
    std::string search_path;  // schemas, first one for what is made; "" = the server's own
    std::chrono::milliseconds statement_timeout{30'000};
    std::chrono::milliseconds connect_timeout{5'000};
    /// Settings that each connection begins with, as libpq's `options`.
    std::string settings{kSettings};
    FaultInjection* faults = nullptr;  // tests only; must outlive the connection

    /// pgvector: enough candidates for a hundred results, and never fewer rows because of a filter.
    /// A plan is always made for the values at hand: a cached generic one has answered by a
    /// sequential scan where an index was there.
    static constexpr std::string_view kSettings =
        "-c hnsw.ef_search=200 -c hnsw.iterative_scan=relaxed_order "
        "-c hnsw.max_scan_tuples=100000 -c plan_cache_mode=force_custom_plan";
};

class CopyIn;

class Connection {
public:
    static Result<std::unique_ptr<Connection>> open(const ConnectOptions& options);
    ~Connection();
    Connection(const Connection&) = delete;
    Connection& operator=(const Connection&) = delete;

    /// Rows of the types named; one type a column.
    template <Column... Row, Bindable... P>
    Result<Rows<Row...>> query(std::string_view sql, const P&... parameters) {
        SEGUE_TRY(answer, run_with(sql, parameters...));
        return rows_of<Row...>(answer);
    }
    /// The first row, or nothing.
    template <Column... Row, Bindable... P>
    Result<std::optional<std::tuple<Row...>>> one(std::string_view sql, const P&... parameters) {
        SEGUE_TRY(rows, query<Row...>(sql, parameters...));
        if (rows.empty()) return std::optional<std::tuple<Row...>>{};
        return std::optional<std::tuple<Row...>>(std::move(rows.front()));
    }
    /// How many rows were touched.
    template <Bindable... P>
    Result<std::uint64_t> execute(std::string_view sql, const P&... parameters) {
        SEGUE_TRY(answer, run_with(sql, parameters...));
        return answer.affected();
    }
    /// The same with values whose number is known only at run time.
    Result<Answer> run(std::string_view sql, std::span<const Parameter> parameters);
    /// Several statements separated by ';', without parameters; the answer of the last one.
    Result<Answer> script(std::string_view sql);
    /// Rows in bulk: `target` is "posting (term, passage, tf)".
    Result<CopyIn> copy_in(std::string_view target);

    /// Statements from now on may take this long: until the transaction ends, or, outside of one,
    /// until the connection goes back to its pool.
    Result<void> allow(std::chrono::milliseconds patience);

    /// Not even a reset helps.
    bool broken() const;
    bool in_transaction() const;
    /// A statement failed inside the open transaction: only ROLLBACK is left.
    bool transaction_failed() const;
    /// Looks at the socket: false when the server has closed it meanwhile.
    bool still_there();
    /// SQLSTATE of the last error ("23505"), "" when the connection was lost or nothing failed.
    const std::string& sqlstate() const { return sqlstate_; }
    /// 160014 = 16.14
    int server_version() const;

private:
    friend class CopyIn;
    friend class Pool;
    struct Impl;
    explicit Connection(std::unique_ptr<Impl> impl);

    template <Bindable... P>
    Result<Answer> run_with(std::string_view sql, const P&... parameters) {
        const std::array<Parameter, sizeof...(P)> bound{bind(parameters)...};
        return run(sql, bound);
    }
    template <Column... Row>
    static Result<Rows<Row...>> rows_of(const Answer& answer) {
        SEGUE_TRY_VOID(expect_columns(answer, sizeof...(Row)));
        Rows<Row...> rows(answer.rows());
        for (std::size_t i = 0; i < rows.size(); ++i)
            SEGUE_TRY_VOID(read_row(answer, i, rows[i], std::index_sequence_for<Row...>{}));
        return rows;
    }
    template <class Tuple, std::size_t... I>
    static Result<void> read_row(const Answer& answer, std::size_t row, Tuple& into,
                                 std::index_sequence<I...>) {
        Result<void> outcome;
        ((outcome && (outcome = read(answer.cell(row, I), std::get<I>(into)))), ...);
        return outcome;
    }
    static Result<void> expect_columns(const Answer& answer, std::size_t count);

    /// Before it goes back to a pool: no open transaction, usual patience. False: throw it away.
    bool tidy_up();
    Result<Answer> finish_statement(std::string_view sql);
    Result<void> wait_until_sent(std::chrono::steady_clock::time_point deadline);
    tl::unexpected<Error> lost(std::string_view sql);
    tl::unexpected<Error> refused(const void* result, std::string_view sql);

    std::unique_ptr<Impl> impl_;
    std::string sqlstate_;
};

/// Rows on their way into one table. finish() makes them count; without it none of them does.
///
///     SEGUE_TRY(copy, connection.copy_in("posting (term, passage, tf)"));
///     SEGUE_TRY_VOID(copy.row(term, passage, tf));
///     SEGUE_TRY(count, copy.finish());
///
/// The connection does nothing else meanwhile, and must outlive it.
class CopyIn {
public:
    ~CopyIn();
    CopyIn(CopyIn&& other) noexcept;
    CopyIn& operator=(CopyIn&&) = delete;

    template <Bindable... P>
    Result<void> row(const P&... values) {
        const std::array<Parameter, sizeof...(P)> bound{bind(values)...};
        return put(bound);
    }
    Result<std::uint64_t> finish();

private:
    friend class Connection;
    explicit CopyIn(Connection& connection) : connection_(&connection) {}
    Result<void> put(std::span<const Parameter> values);
    Result<void> flush();
    static constexpr std::size_t kPiece = 64 * 1024;
    Connection* connection_;  // null: finished or moved from
    std::string buffer_;
};

}  // namespace segue::store
