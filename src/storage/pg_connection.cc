#include "storage/pg_connection.h"

#include <fmt/format.h>
#include <poll.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <cstring>

namespace bulla::storage {
namespace {

constexpr std::uint32_t kByteaOid = 17;
constexpr std::size_t kArrayHead = 20;

void append_be32(std::string& out, std::uint32_t value) {
  std::array<std::uint8_t, 4> bytes{};
  put_be32(bytes.data(), value);
  out += as_text(bytes);
}

std::uint32_t be32_at(std::string_view text, std::size_t at) {
  return get_be32(as_bytes(text).data() + at);
}

// libpq ends its messages with a newline, and may give several lines.
std::string one_line(const char* message) {
  std::string text(message == nullptr ? "" : message);
  while (!text.empty() && text.back() == '\n') text.pop_back();
  std::ranges::replace(text, '\n', ' ');
  return text.empty() ? "the connection is lost" : text;
}

ErrorCode code_of_sqlstate(std::string_view state) {
  if (state == "40001" || state == "40P01") return ErrorCode::kConflict;
  if (state == "53100") return ErrorCode::kExhausted;
  if (state.starts_with("XX00") && state != "XX000") return ErrorCode::kCorrupt;
  // What an operator or time mends: connections, shutdowns, locks, time-outs,
  // a standby that cannot write, rights that are taken away.
  for (const std::string_view mends :
       {"08", "25", "28", "3D", "53", "55", "57", "58"}) {
    if (state.starts_with(mends)) return ErrorCode::kUnavailable;
  }
  return state.empty() ? ErrorCode::kUnavailable : ErrorCode::kInternal;
}

}  // namespace

PgParams& PgParams::bytes(std::string_view value) {
  values_.emplace_back(value);
  return *this;
}

PgParams& PgParams::number(std::int64_t value) {
  std::array<std::uint8_t, 8> raw{};
  put_be64(raw.data(), static_cast<std::uint64_t>(value));
  return bytes(ByteView(raw));
}

PgParams& PgParams::array(std::span<const std::string_view> values) {
  std::string out;
  append_be32(out, values.empty() ? 0 : 1);  // dimensions
  append_be32(out, 0);                       // no NULLs
  append_be32(out, kByteaOid);
  if (!values.empty()) {
    append_be32(out, static_cast<std::uint32_t>(values.size()));
    append_be32(out, 1);  // the first index
  }
  for (const std::string_view value : values) {
    append_be32(out, static_cast<std::uint32_t>(value.size()));
    out += value;
  }
  values_.push_back(std::move(out));
  return *this;
}

bool PgRows::is_null(int row, int column) const {
  return row >= count() || PQgetisnull(result_.get(), row, column) != 0;
}

std::string_view PgRows::bytes(int row, int column) const {
  if (is_null(row, column)) return {};
  return {PQgetvalue(result_.get(), row, column),
          static_cast<std::size_t>(PQgetlength(result_.get(), row, column))};
}

std::int64_t PgRows::number(int row, int column) const {
  const std::string_view raw = bytes(row, column);
  if (raw.size() == 1) return raw[0];
  if (raw.size() != 8) return 0;
  return static_cast<std::int64_t>(get_be64(as_bytes(raw).data()));
}

std::vector<std::string_view> PgRows::array(int row, int column) const {
  std::vector<std::string_view> values;
  std::string_view raw = bytes(row, column);
  if (raw.size() < kArrayHead || be32_at(raw, 0) != 1) return values;
  const std::uint32_t count = be32_at(raw, 12);
  raw.remove_prefix(kArrayHead);
  for (std::uint32_t i = 0; i < count && raw.size() >= 4; ++i) {
    const std::uint32_t size = be32_at(raw, 0);
    raw.remove_prefix(4);
    if (size > raw.size()) break;
    values.push_back(raw.substr(0, size));
    raw.remove_prefix(size);
  }
  return values;
}

Result<void> check_pg_url(const std::string& url) {
  char* reason = nullptr;
  PQconninfoOption* const options = PQconninfoParse(url.c_str(), &reason);
  // It quotes what it does not understand, and that may be of a password.
  PQfreemem(reason);
  const bool ok = options != nullptr && !url.empty();
  PQconninfoFree(options);
  if (ok) return {};
  return fail(invalid_argument(
      "postgresql: connection_url: expected a connection string of libpq, such "
      "as postgres://USER@HOST:5432/DATABASE?sslmode=verify-full"));
}

// Waits as libpq does: connect_timeout for each host, until it takes us.
Result<std::unique_ptr<PgConnection>> PgConnection::open(
    const Options& options) {
  TRY(check_pg_url(options.url));
  const std::string seconds = std::to_string(
      std::chrono::ceil<std::chrono::seconds>(options.timeout).count());
  constexpr const char* kEnd = nullptr;
  // What stands before dbname is overruled by what the URL says.
  const std::array names = {"connect_timeout",
                            "keepalives_idle",
                            "keepalives_interval",
                            "keepalives_count",
                            "target_session_attrs",
                            "fallback_application_name",
                            "dbname",
                            kEnd};
  const std::array values = {
      seconds.c_str(),     "10", "5", "3", "read-write", "bulla",
      options.url.c_str(), kEnd};
  std::unique_ptr<PgConnection> made(new PgConnection(
      PQconnectdbParams(names.data(), values.data(), 1), options.timeout));
  PGconn* const conn = made->conn_.get();
  if (conn == nullptr) return fail(internal_error("out of memory"));
  if (PQstatus(conn) != CONNECTION_OK || PQsetnonblocking(conn, 1) != 0) {
    return fail(made->lost("connect"));
  }
  // Notices are the server's log, not ours.
  PQsetNoticeReceiver(
      conn, [](void*, const PGresult*) {}, nullptr);
  TRY(made->configure());
  return made;
}

/// A statement ends before its reader gives it up; a transaction whose owner
/// was stopped must not hold the others' lock; and what is acknowledged stays,
/// whatever the database is set to.
Result<void> PgConnection::configure() {
  return script(fmt::format(
      "SET statement_timeout = {0}; SET lock_timeout = {0};"
      "SET idle_in_transaction_session_timeout = 2000;"
      "SELECT set_config('synchronous_commit', 'on', false)"
      " WHERE current_setting('synchronous_commit') IN ('off', 'local')",
      std::max<std::int64_t>(timeout_.count() * 9 / 10, 1)));
}

bool PgConnection::in_transaction() const {
  return PQtransactionStatus(conn_.get()) != PQTRANS_IDLE;
}

Error PgConnection::lost(std::string_view what) {
  broken_ = true;
  sqlstate_.clear();
  return unavailable(fmt::format("postgresql: {}: {}", what,
                                 one_line(PQerrorMessage(conn_.get()))));
}

Error PgConnection::failed(const PGresult* result) {
  const char* const state = PQresultErrorField(result, PG_DIAG_SQLSTATE);
  const char* const text = PQresultErrorField(result, PG_DIAG_MESSAGE_PRIMARY);
  const char* const severity =
      PQresultErrorField(result, PG_DIAG_SEVERITY_NONLOCALIZED);
  // The server ends the connection with these, and may have begun to commit.
  broken_ = PQstatus(conn_.get()) == CONNECTION_BAD || severity == nullptr ||
            std::string_view(severity) != "ERROR";
  sqlstate_ = state == nullptr ? "" : state;
  return {code_of_sqlstate(sqlstate_),
          fmt::format(
              "postgresql: {}",
              one_line(text != nullptr ? text : PQresultErrorMessage(result)))};
}

Result<void> PgConnection::wait(SteadyTime deadline, bool for_write) {
  while (true) {
    const auto left = std::chrono::ceil<std::chrono::milliseconds>(
        deadline - std::chrono::steady_clock::now());
    pollfd fd{PQsocket(conn_.get()),
              static_cast<short>(for_write ? POLLOUT | POLLIN : POLLIN), 0};
    if (fd.fd < 0) return fail(lost("connection"));
    const int ready =
        left.count() <= 0 ? 0 : ::poll(&fd, 1, static_cast<int>(left.count()));
    if (ready > 0) return {};
    if (ready < 0 && errno == EINTR) continue;
    broken_ = true;
    sqlstate_.clear();
    return fail(unavailable("postgresql: no answer in time"));
  }
}

Result<void> PgConnection::send(std::span<const PgCall> calls) {
  PGconn* const conn = conn_.get();
  bool ok = PQenterPipelineMode(conn) == 1;
  preparing_.clear();
  for (const PgCall& call : calls) {
    const std::string_view name = call.statement->name;
    if (ok && !prepared_.contains(name) &&
        std::ranges::find(preparing_, name) == preparing_.end()) {
      ok = PQsendPrepare(conn, call.statement->name,
                         call.statement->sql.c_str(), 0, nullptr) == 1;
      preparing_.push_back(name);
    }
    std::vector<const char*> values;
    std::vector<int> lengths;
    for (const std::string& value : call.params.values()) {
      values.push_back(value.data());
      lengths.push_back(static_cast<int>(value.size()));
    }
    const std::vector<int> formats(values.size(), 1);
    ok = ok && PQsendQueryPrepared(
                   conn, call.statement->name, static_cast<int>(values.size()),
                   values.data(), lengths.data(), formats.data(), 1) == 1;
  }
  ok = ok && PQpipelineSync(conn) == 1;
  if (!ok) return fail(lost("send"));
  return {};
}

Result<std::vector<PgRows>> PgConnection::receive(std::size_t wanted) {
  PGconn* const conn = conn_.get();
  const auto deadline = std::chrono::steady_clock::now() + timeout_;
  std::vector<PgRows> rows;
  std::optional<Error> error;
  auto preparing = preparing_.cbegin();
  while (true) {
    const int flushed = PQflush(conn);
    if (flushed < 0) return fail(lost("send"));
    if (deaf_ && flushed == 0) {
      TRY(wait(deadline, false));
      return fail(lost("receive"));
    }
    while (PQisBusy(conn) == 0) {
      PGresult* const raw = PQgetResult(conn);
      if (raw == nullptr) {
        if (PQstatus(conn) == CONNECTION_BAD) return fail(lost("receive"));
        continue;  // the end of one statement's results
      }
      PgRows result(raw);
      const auto status = PQresultStatus(raw);
      if (status == PGRES_PIPELINE_SYNC) {
        if (PQexitPipelineMode(conn) != 1) return fail(lost("receive"));
        if (error) return fail(*std::move(error));
        if (rows.size() != wanted) return fail(lost("receive"));
        return rows;
      }
      if (status == PGRES_PIPELINE_ABORTED) continue;
      if (status != PGRES_COMMAND_OK && status != PGRES_TUPLES_OK) {
        if (!error) error = failed(raw);
        if (broken_) return fail(*std::move(error));
        continue;
      }
      // Preparations stand among the others; each has run no command.
      if (preparing != preparing_.cend() && status == PGRES_COMMAND_OK &&
          *PQcmdStatus(raw) == '\0') {
        prepared_.insert(*preparing++);
        continue;
      }
      rows.push_back(std::move(result));
    }
    TRY(wait(deadline, flushed == 1));
    if (PQconsumeInput(conn) != 1) return fail(lost("receive"));
  }
}

Result<std::vector<PgRows>> PgConnection::run(std::span<const PgCall> calls) {
  sqlstate_.clear();
  TRY(send(calls));
  return receive(calls.size());
}

Result<PgRows> PgConnection::run(const PgStatement& statement,
                                 PgParams params) {
  const PgCall call{&statement, std::move(params)};
  TRY_ASSIGN(auto rows, run({&call, 1}));
  return std::move(rows.front());
}

Result<void> PgConnection::script(const std::string& sql) {
  PGconn* const conn = conn_.get();
  sqlstate_.clear();
  if (PQsendQuery(conn, sql.c_str()) != 1) return fail(lost("send"));
  const auto deadline = std::chrono::steady_clock::now() + timeout_;
  std::optional<Error> error;
  while (true) {
    const int flushed = PQflush(conn);
    if (flushed < 0) return fail(lost("send"));
    while (PQisBusy(conn) == 0) {
      const PgRows result(PQgetResult(conn));
      const PGresult* const raw = result.raw();
      if (raw == nullptr) {
        if (PQstatus(conn) == CONNECTION_BAD) broken_ = true;
        if (error) return fail(*std::move(error));
        return {};
      }
      const auto status = PQresultStatus(raw);
      const bool ok = status == PGRES_COMMAND_OK || status == PGRES_TUPLES_OK;
      if (!ok && !error) error = failed(raw);
    }
    TRY(wait(deadline, flushed == 1));
    if (PQconsumeInput(conn) != 1) return fail(lost("receive"));
  }
}

Result<bool> PgConnection::wait_notification(std::chrono::milliseconds wait) {
  const auto deadline = std::chrono::steady_clock::now() + wait;
  while (true) {
    bool notified = false;
    while (PGnotify* const note = PQnotifies(conn_.get())) {
      PQfreemem(note);
      notified = true;
    }
    if (notified) return true;
    const auto left = std::chrono::ceil<std::chrono::milliseconds>(
        deadline - std::chrono::steady_clock::now());
    if (left.count() <= 0) return false;
    pollfd fd{PQsocket(conn_.get()), POLLIN, 0};
    const int ready = ::poll(&fd, 1, static_cast<int>(left.count()));
    if (ready > 0 && PQconsumeInput(conn_.get()) != 1) {
      return fail(lost("receive"));
    }
  }
}

}  // namespace bulla::storage
