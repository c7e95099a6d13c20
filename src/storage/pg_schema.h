#pragma once

#include <string>
#include <string_view>

#include "storage/pg_connection.h"

namespace bulla::storage {

/// The statements of the engine over one set of tables
/// (docs/formats/postgresql.md).
struct PgStatements {
  PgStatement begin{"begin", "BEGIN ISOLATION LEVEL READ COMMITTED"};
  PgStatement begin_snapshot{"begin_snapshot",
                             "BEGIN ISOLATION LEVEL REPEATABLE READ READ ONLY"};
  PgStatement commit{"commit", "COMMIT"};
  PgStatement rollback{"rollback", "ROLLBACK"};
  PgStatement get;
  PgStatement page_of_paths;
  PgStatement page_of_entries;
  /// Takes the next revision, and with it the lock that orders commits.
  PgStatement next_revision;
  PgStatement versions;
  PgStatement put;
  PgStatement remove;
  PgStatement log_change;
  PgStatement prune_changes;
  PgStatement await_commits;
  PgStatement commit_at;
  PgStatement end_backend;
  PgStatement revision;
  PgStatement changes_after;
  PgStatement lead;
  PgStatement leader;
  PgStatement renew;
  PgStatement release;
  std::string channel;

  explicit PgStatements(std::string_view table);
};

/// "name" or "schema.name", of letters, digits and '_'; 40 bytes each.
Result<void> check_pg_table(std::string_view table);

/// Makes the tables, or brings older ones to this version. Safe against others
/// that do the same.
///   kUnsupported  they are of a newer version.
Result<void> migrate_pg_schema(PgConnection& connection,
                               std::string_view table);

}  // namespace bulla::storage
