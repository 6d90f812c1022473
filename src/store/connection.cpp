#include "store/connection.hpp"

#include <fmt/format.h>
#include <libpq-fe.h>
#include <poll.h>

#include <algorithm>
#include <cerrno>
#include <cstring>
#include <unordered_map>

#include "base/check.hpp"
#include "base/text.hpp"
#include "store/fault_injection.hpp"

namespace segue::store {
namespace {

using SteadyTime = std::chrono::steady_clock::time_point;

// A server that hangs keeps no promise about its own timeout.
constexpr std::chrono::milliseconds kGrace{5'000};
// Programs have a few hundred statements; generated ones must not fill the server's memory.
constexpr std::size_t kMaxPrepared = 512;

struct Clear {
    void operator()(PGresult* result) const { PQclear(result); }
};
using ResultPtr = std::unique_ptr<PGresult, Clear>;

/// True: the socket is ready before the deadline.
bool wait_for(int socket, short events, SteadyTime deadline) {
    while (true) {
        const auto left = std::chrono::ceil<std::chrono::milliseconds>(
            deadline - std::chrono::steady_clock::now());
        if (left.count() <= 0) return false;
        pollfd entry{socket, events, 0};
        const int ready =
            ::poll(&entry, 1, static_cast<int>(std::min<std::int64_t>(left.count(), 60'000)));
        if (ready > 0) return true;
        if (ready < 0 && errno != EINTR) return false;
    }
}

std::string one_line(std::string_view text) {
    std::string out;
    for (const char c : trim(text))
        out += c == '\n' || c == '\t' ? ' ' : c;
    return out;
}

/// "INSERT INTO document" is enough to find a statement by; values are never in it.
std::string beginning(std::string_view sql) {
    const std::string line = one_line(sql.substr(0, 60));
    return sql.size() > 60 ? line + " …" : line;
}

void ignore_notice(void*, const PGresult*) {
}

std::string field(const PGresult* result, int code) {
    const char* text = PQresultErrorField(result, code);
    return text ? one_line(text) : std::string();
}

/// Which of our words a class of SQLSTATE means.
Fault fault_of(std::string_view state) {
    if (state == "57014") return Fault::kTimeout;
    if (state == "23505" || state == "23P01" || state.starts_with("40")) return Fault::kConflict;
    if (state == "53100" || state.starts_with("58")) return Fault::kIo;
    if (state.starts_with("08") || state.starts_with("53") || state.starts_with("57P"))
        return Fault::kUnreachable;
    if (state.starts_with("22") || state.starts_with("23") || state.starts_with("28") ||
        state.starts_with("3D") || state == "42501" || state == "25006" || state == "0A000")
        return Fault::kInvalid;
    return Fault::kInternal;
}

std::string_view advice(std::string_view state) {
    if (state == "53100") return "; make room on the disk of the database";
    if (state == "53300")
        return "; raise max_connections of the server, or lower 'database_connections'";
    if (state == "25006") return "; this server is a standby: name the primary in DATABASE_URL";
    if (state == "42501") return "; give the user of DATABASE_URL the right that is missing";
    if (state.starts_with("28")) return "; check user and password of DATABASE_URL";
    if (state.starts_with("40")) return "; somebody else changed the same thing: try again";
    return "";
}

}  // namespace

struct Answer::Impl {
    ResultPtr result;
};
Answer::Answer() = default;
Answer::~Answer() = default;
Answer::Answer(Answer&&) noexcept = default;
Answer& Answer::operator=(Answer&&) noexcept = default;

std::size_t Answer::rows() const {
    return impl_ ? static_cast<std::size_t>(PQntuples(impl_->result.get())) : 0;
}
std::size_t Answer::columns() const {
    return impl_ ? static_cast<std::size_t>(PQnfields(impl_->result.get())) : 0;
}
Cell Answer::cell(std::size_t row, std::size_t column) const {
    SEGUE_CHECK(row < rows() && column < columns());
    const PGresult* result = impl_->result.get();
    const int r = static_cast<int>(row);
    const int c = static_cast<int>(column);
    if (PQgetisnull(result, r, c) == 1) return std::nullopt;
    return std::string_view(PQgetvalue(result, r, c),
                            static_cast<std::size_t>(PQgetlength(result, r, c)));
}
std::string_view Answer::column_name(std::size_t column) const {
    SEGUE_CHECK(column < columns());
    return PQfname(impl_->result.get(), static_cast<int>(column));
}
std::uint64_t Answer::affected() const {
    if (!impl_) return 0;
    const char* text = PQcmdTuples(impl_->result.get());
    return std::strtoull(text, nullptr, 10);
}

struct Connection::Impl {
    PGconn* connection = nullptr;
    ConnectOptions options;
    std::unordered_map<std::string, std::string> prepared;  // SQL → name
    std::chrono::milliseconds patience{0};
    bool patience_changed = false;
    bool cut = false;  // given up on, whatever libpq says

    Impl() = default;
    Impl(const Impl&) = delete;
    Impl& operator=(const Impl&) = delete;
    ~Impl() { PQfinish(connection); }
    SteadyTime deadline() const { return std::chrono::steady_clock::now() + patience + kGrace; }
};

Connection::Connection(std::unique_ptr<Impl> impl) : impl_(std::move(impl)) {
}
Connection::~Connection() = default;

Result<std::unique_ptr<Connection>> Connection::open(const ConnectOptions& options) {
    auto impl = std::make_unique<Impl>();
    impl->options = options;
    impl->patience = options.statement_timeout;
    // What the caller's conninfo says goes last: it may name a client_encoding that we need not.
    const std::string settings = fmt::format(
        "-c statement_timeout={} -c idle_in_transaction_session_timeout=60000 -c "
        "datestyle=ISO -c timezone=UTC {}{}",
        options.statement_timeout.count(), options.settings,
        options.search_path.empty() ? std::string() : " -c search_path=" + options.search_path);
    const std::array<const char*, 6> keys{"dbname",          "options",
                                          "client_encoding", "fallback_application_name",
                                          "connect_timeout", nullptr};
    const std::string seconds = fmt::format(
        "{}", std::max<std::int64_t>(
                  2, std::chrono::ceil<std::chrono::seconds>(options.connect_timeout).count()));
    const std::array<const char*, 6> values{
        options.conninfo.c_str(), settings.c_str(), "UTF8", "segue", seconds.c_str(), nullptr};
    const auto deadline = std::chrono::steady_clock::now() + options.connect_timeout;
    impl->connection = PQconnectStartParams(keys.data(), values.data(), 1);
    if (!impl->connection) return fail(Fault::kInternal, "no memory for a connection", "store");
    PGconn* const connection = impl->connection;
    const auto unreachable = [&](std::string_view why) {
        // libpq names host and user, never the password.
        return fail(Fault::kUnreachable,
                    fmt::format("cannot connect to the database ({})", one_line(why)), "store");
    };
    auto wanted =
        PQstatus(connection) == CONNECTION_BAD ? PGRES_POLLING_FAILED : PGRES_POLLING_WRITING;
    while (wanted != PGRES_POLLING_OK) {
        if (wanted == PGRES_POLLING_FAILED) return unreachable(PQerrorMessage(connection));
        const short events = wanted == PGRES_POLLING_READING ? POLLIN : POLLOUT;
        if (!wait_for(PQsocket(connection), events, deadline))
            return unreachable(
                fmt::format("no answer within {} ms", options.connect_timeout.count()));
        wanted = PQconnectPoll(connection);
    }
    PQsetnonblocking(connection, 1);
    PQsetNoticeReceiver(connection, ignore_notice, nullptr);
    return std::unique_ptr<Connection>(new Connection(std::move(impl)));
}

bool Connection::broken() const {
    return impl_->cut || PQstatus(impl_->connection) == CONNECTION_BAD;
}
bool Connection::in_transaction() const {
    const auto status = PQtransactionStatus(impl_->connection);
    return status == PQTRANS_INTRANS || status == PQTRANS_INERROR;
}
bool Connection::transaction_failed() const {
    return PQtransactionStatus(impl_->connection) == PQTRANS_INERROR;
}
int Connection::server_version() const {
    return PQserverVersion(impl_->connection);
}

bool Connection::still_there() {
    if (broken()) return false;
    // Silence is what an idle connection has to say. Words are a farewell (or, seldom, a changed
    // setting of the server): not worth a write that fails.
    pollfd entry{PQsocket(impl_->connection), POLLIN, 0};
    return ::poll(&entry, 1, 0) == 0;
}

tl::unexpected<Error> Connection::lost(std::string_view sql) {
    impl_->cut = true;
    sqlstate_.clear();
    return fail(Fault::kUnreachable,
                fmt::format("the connection to the database was lost ({}); it is made anew by "
                            "itself when the database is back",
                            beginning(sql)),
                "store");
}

tl::unexpected<Error> Connection::refused(const void* opaque, std::string_view sql) {
    const auto* result = static_cast<const PGresult*>(opaque);
    sqlstate_ = field(result, PG_DIAG_SQLSTATE);
    if (sqlstate_.empty() || sqlstate_.starts_with("57P0")) return lost(sql);
    const Fault fault = fault_of(sqlstate_);
    if (fault == Fault::kTimeout)
        return fail(fault,
                    fmt::format("the database did not finish within {} ms ({})",
                                impl_->patience.count(), beginning(sql)),
                    "store");
    std::string text =
        fmt::format("the database refused: {}", field(result, PG_DIAG_MESSAGE_PRIMARY));
    if (const auto hint = field(result, PG_DIAG_MESSAGE_HINT); !hint.empty())
        text += " (" + hint + ")";
    text += advice(sqlstate_);
    if (fault == Fault::kInternal) text += fmt::format(" [{} in: {}]", sqlstate_, beginning(sql));
    return fail(fault, std::move(text), "store");
}

/// Everything written to the socket, while what comes in is read (a server that waits for us to
/// read does not read either).
Result<void> Connection::wait_until_sent(SteadyTime deadline) {
    while (true) {
        const int left = PQflush(impl_->connection);
        if (left == 0) return {};
        if (left < 0) return lost("sending");
        if (!wait_for(PQsocket(impl_->connection), POLLIN | POLLOUT, deadline))
            return lost("sending: the server does not read");
        if (PQconsumeInput(impl_->connection) == 0) return lost("sending");
    }
}

/// The result of what was sent: of several, the last one, or the first failure.
Result<Answer> Connection::finish_statement(std::string_view sql) {
    PGconn* const connection = impl_->connection;
    const auto deadline = impl_->deadline();
    SEGUE_TRY_VOID(wait_until_sent(deadline));
    ResultPtr last;
    ResultPtr failed;
    while (true) {
        while (PQisBusy(connection) == 1) {
            if (!wait_for(PQsocket(connection), POLLIN, deadline)) {
                impl_->cut = true;
                sqlstate_.clear();
                return fail(Fault::kTimeout,
                            fmt::format("the database did not answer within {} ms ({})",
                                        (impl_->patience + kGrace).count(), beginning(sql)),
                            "store");
            }
            if (PQconsumeInput(connection) == 0) return lost(sql);
        }
        ResultPtr result(PQgetResult(connection));
        if (!result) break;
        const auto status = PQresultStatus(result.get());
        if (status == PGRES_FATAL_ERROR || status == PGRES_BAD_RESPONSE) {
            if (!failed) failed = std::move(result);
        } else {
            last = std::move(result);
            if (status == PGRES_COPY_IN) break;
        }
        if (PQstatus(connection) == CONNECTION_BAD) break;
    }
    if (failed && PQstatus(connection) != CONNECTION_BAD) return refused(failed.get(), sql);
    if (failed || PQstatus(connection) == CONNECTION_BAD) return lost(sql);
    sqlstate_.clear();
    Answer answer;
    answer.impl_ = std::make_unique<Answer::Impl>();
    answer.impl_->result = std::move(last);
    return answer;
}

Result<Answer> Connection::run(std::string_view sql, std::span<const Parameter> parameters) {
    if (broken()) return lost(sql);
    const Trouble trouble =
        impl_->options.faults ? impl_->options.faults->before(sql) : Trouble::kNone;
    if (trouble == Trouble::kLostBefore) return lost(sql);
    if (trouble == Trouble::kRefused) {
        if (in_transaction()) (void)script("SELECT segue_refused_on_purpose()");
        sqlstate_ = "XX000";
        return fail(Fault::kInternal, "the database refused: a failure on purpose", "store");
    }
    std::vector<const char*> values;
    values.reserve(parameters.size());
    for (const auto& parameter : parameters) {
        // C strings end at the first NUL; PostgreSQL's texts cannot hold one.
        if (parameter.text && parameter.text->find('\0') != std::string::npos)
            return fail(Fault::kInvalid, "a text with a NUL character cannot be stored; remove it",
                        "store");
        values.push_back(parameter.text ? parameter.text->c_str() : nullptr);
    }
    PGconn* const connection = impl_->connection;
    const int count = static_cast<int>(values.size());
    const std::string text(sql);
    auto known = impl_->prepared.find(text);
    if (known == impl_->prepared.end() && impl_->prepared.size() < kMaxPrepared) {
        const std::string name = fmt::format("s{}", impl_->prepared.size() + 1);
        if (PQsendPrepare(connection, name.c_str(), text.c_str(), 0, nullptr) == 0)
            return lost(sql);
        SEGUE_TRY(made, finish_statement(sql));
        (void)made;
        known = impl_->prepared.emplace(text, name).first;
    }
    const int sent = known != impl_->prepared.end()
                         ? PQsendQueryPrepared(connection, known->second.c_str(), count,
                                               values.data(), nullptr, nullptr, 0)
                         : PQsendQueryParams(connection, text.c_str(), count, nullptr,
                                             values.data(), nullptr, nullptr, 0);
    if (sent == 0) return lost(sql);
    auto answer = finish_statement(sql);
    if (answer && trouble == Trouble::kLostAfter) return lost(sql);
    // A migration changed a table under a statement that was prepared before it. Nothing was done:
    // outside a transaction it can simply be prepared anew.
    if (!answer && sqlstate_ == "0A000" && known != impl_->prepared.end() && !in_transaction()) {
        impl_->prepared.clear();
        SEGUE_TRY(forgotten, script("DEALLOCATE ALL"));
        (void)forgotten;
        return run(sql, parameters);
    }
    return answer;
}

Result<Answer> Connection::script(std::string_view sql) {
    if (broken()) return lost(sql);
    if (PQsendQuery(impl_->connection, std::string(sql).c_str()) == 0) return lost(sql);
    return finish_statement(sql);
}

Result<void> Connection::allow(std::chrono::milliseconds patience) {
    const bool local = in_transaction();
    SEGUE_TRY(done, script(fmt::format("SET {} statement_timeout = {}", local ? "LOCAL" : "SESSION",
                                       patience.count())));
    (void)done;
    impl_->patience = patience;
    impl_->patience_changed = true;
    return {};
}

bool Connection::tidy_up() {
    if (broken() || PQtransactionStatus(impl_->connection) == PQTRANS_ACTIVE) return false;
    if (in_transaction() && !script("ROLLBACK")) return false;
    if (impl_->patience_changed) {
        impl_->patience = impl_->options.statement_timeout;
        impl_->patience_changed = false;
        if (!script("RESET statement_timeout")) return false;
    }
    return true;
}

Result<void> Connection::expect_columns(const Answer& answer, std::size_t count) {
    if (answer.columns() == count || answer.rows() == 0) return {};
    return fail(Fault::kInternal,
                fmt::format("a query gave {} columns, {} were expected", answer.columns(), count),
                "store");
}

Result<CopyIn> Connection::copy_in(std::string_view target) {
    if (broken()) return lost(target);
    const std::string sql = fmt::format("COPY {} FROM STDIN", target);
    const Trouble trouble =
        impl_->options.faults ? impl_->options.faults->before(sql) : Trouble::kNone;
    if (trouble != Trouble::kNone) return lost(sql);
    if (PQsendQuery(impl_->connection, sql.c_str()) == 0) return lost(sql);
    SEGUE_TRY(answer, finish_statement(sql));
    (void)answer;
    return CopyIn(*this);
}

CopyIn::CopyIn(CopyIn&& other) noexcept
    : connection_(std::exchange(other.connection_, nullptr)), buffer_(std::move(other.buffer_)) {
}

CopyIn::~CopyIn() {
    if (!connection_ || connection_->broken()) return;
    PQputCopyEnd(connection_->impl_->connection, "given up");
    (void)connection_->finish_statement("COPY");
}

Result<void> CopyIn::put(std::span<const Parameter> values) {
    bool first = true;
    for (const auto& value : values) {
        if (!std::exchange(first, false)) buffer_ += '\t';
        if (!value.text) {
            buffer_ += "\\N";
            continue;
        }
        for (const char c : *value.text) {
            switch (c) {
                case '\0':
                    return fail(Fault::kInvalid,
                                "a text with a NUL character cannot be stored; remove it", "store");
                case '\\': buffer_ += "\\\\"; break;
                case '\n': buffer_ += "\\n"; break;
                case '\r': buffer_ += "\\r"; break;
                case '\t': buffer_ += "\\t"; break;
                default: buffer_ += c;
            }
        }
    }
    buffer_ += '\n';
    return buffer_.size() < kPiece ? Result<void>{} : flush();
}

Result<void> CopyIn::flush() {
    SEGUE_CHECK(connection_);
    if (buffer_.empty()) return {};
    PGconn* const connection = connection_->impl_->connection;
    const auto deadline = connection_->impl_->deadline();
    while (true) {
        const int queued =
            PQputCopyData(connection, buffer_.data(), static_cast<int>(buffer_.size()));
        if (queued < 0) return connection_->lost("COPY");
        if (queued == 1) break;
        SEGUE_TRY_VOID(connection_->wait_until_sent(deadline));
    }
    buffer_.clear();
    return connection_->wait_until_sent(deadline);
}

Result<std::uint64_t> CopyIn::finish() {
    SEGUE_TRY_VOID(flush());
    Connection& connection = *std::exchange(connection_, nullptr);
    int queued = 0;
    while ((queued = PQputCopyEnd(connection.impl_->connection, nullptr)) == 0)
        SEGUE_TRY_VOID(connection.wait_until_sent(connection.impl_->deadline()));
    if (queued < 0) return connection.lost("COPY");
    SEGUE_TRY(answer, connection.finish_statement("COPY"));
    return answer.affected();
}

}  // namespace segue::store
