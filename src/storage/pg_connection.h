#pragma once

#include <libpq-fe.h>

#include <chrono>
#include <cstdint>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <unordered_set>
#include <vector>

#include "base/bytes.h"
#include "base/result.h"

namespace bulla::storage {

using SteadyTime = std::chrono::steady_clock::time_point;

/// A statement that is prepared once a connection. Lives as long as that.
struct PgStatement {
  const char* name;
  std::string sql;
};

/// Parameters in PostgreSQL's binary format.
class PgParams {
 public:
  PgParams& bytes(std::string_view value);
  PgParams& bytes(ByteView value) { return bytes(as_text(value)); }
  PgParams& number(std::int64_t value);
  /// A bytea[].
  PgParams& array(std::span<const std::string_view> values);

  std::span<const std::string> values() const { return values_; }

 private:
  std::vector<std::string> values_;
};

struct PgCall {
  const PgStatement* statement;
  PgParams params;
};

/// The rows of a statement. What is out of shape (another type, a NULL, no such
/// row) reads as empty and as 0.
class PgRows {
 public:
  explicit PgRows(PGresult* result) : result_(result, &PQclear) {}

  const PGresult* raw() const { return result_.get(); }
  int count() const { return PQntuples(result_.get()); }
  bool is_null(int row, int column) const;
  /// A view into the rows.
  std::string_view bytes(int row, int column) const;
  /// An int8 or a boolean.
  std::int64_t number(int row, int column) const;
  /// A bytea[]; views into the rows.
  std::vector<std::string_view> array(int row, int column) const;

 private:
  std::unique_ptr<PGresult, decltype(&PQclear)> result_;
};

/// Without a word of it in the error.
///   kInvalidArgument  libpq does not understand it, or it is empty.
Result<void> check_pg_url(const std::string& url);

/// A connection to PostgreSQL. Every wait has an end; after a wait that passed
/// it, or any loss, broken() is true and nothing more can be asked. One thread
/// at a time.
class PgConnection {
 public:
  struct Options {
    std::string url;  ///< libpq's, either form. Holds a password; not printed.
    std::chrono::milliseconds timeout{10'000};  ///< Of a statement.
  };

  ///   kInvalidArgument  see check_pg_url().
  ///   kUnavailable      no server, or it refuses us; libpq's reason.
  static Result<std::unique_ptr<PgConnection>> open(const Options& options);

  /// Sends all statements at once, and gives the rows of each, in order. The
  /// first that fails ends it: those behind it are not run.
  ///   kUnavailable, kExhausted, kCorrupt, kConflict (to be run again),
  ///   kInternal; see sqlstate() and broken().
  Result<std::vector<PgRows>> run(std::span<const PgCall> calls);
  Result<PgRows> run(const PgStatement& statement, PgParams params = {});
  /// Plain text, several statements.
  Result<void> script(const std::string& sql);

  /// Waits for a notification; false when none came in time.
  Result<bool> wait_notification(std::chrono::milliseconds wait);

  /// For tests: what the server answers from now on is not heard.
  void deafen() { deaf_ = true; }

  bool broken() const { return broken_; }
  bool in_transaction() const;
  /// The SQLSTATE of the last failure; "" when the server gave none.
  const std::string& sqlstate() const { return sqlstate_; }
  int backend_pid() const { return PQbackendPID(conn_.get()); }

 private:
  explicit PgConnection(PGconn* conn, std::chrono::milliseconds timeout)
      : conn_(conn, &PQfinish), timeout_(timeout) {}

  Result<void> configure();
  Result<void> send(std::span<const PgCall> calls);
  Result<std::vector<PgRows>> receive(std::size_t wanted);
  Result<void> wait(SteadyTime deadline, bool for_write);
  Error failed(const PGresult* result);
  Error lost(std::string_view what);

  std::unique_ptr<PGconn, decltype(&PQfinish)> conn_;
  std::chrono::milliseconds timeout_;
  std::unordered_set<std::string_view> prepared_;
  std::vector<std::string_view> preparing_;
  std::string sqlstate_;
  bool broken_ = false;
  bool deaf_ = false;
};

}  // namespace bulla::storage
