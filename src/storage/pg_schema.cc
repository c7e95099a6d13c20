#include "storage/pg_schema.h"

#include <fmt/format.h>

#include <algorithm>
#include <array>

namespace bulla::storage {
namespace {

constexpr std::size_t kNamePartMax = 40;

bool is_name(std::string_view part) {
  const auto known = [](char c) {
    return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') ||
           (c >= '0' && c <= '9') || c == '_';
  };
  return !part.empty() && part.size() <= kNamePartMax &&
         !(part[0] >= '0' && part[0] <= '9') &&
         std::ranges::all_of(part, known);
}

/// `table` quoted, with `suffix` behind its name.
std::string quoted(std::string_view table, std::string_view suffix) {
  const auto dot = table.find('.');
  if (dot == std::string_view::npos)
    return fmt::format("\"{}{}\"", table, suffix);
  return fmt::format("\"{}\".\"{}{}\"", table.substr(0, dot),
                     table.substr(dot + 1), suffix);
}

/// `sql` with {t}, {meta} and {changes} in place.
std::string filled(std::string_view sql, std::string_view table) {
  return fmt::format(fmt::runtime(sql), fmt::arg("t", quoted(table, "")),
                     fmt::arg("meta", quoted(table, "_meta")),
                     fmt::arg("changes", quoted(table, "_changes")));
}

// From version N to N + 1. Values are sealed: nothing to compress.
constexpr std::array kMigrations = {
    "CREATE TABLE {t} (path bytea PRIMARY KEY, value bytea NOT NULL,"
    " version bigint NOT NULL);"
    "ALTER TABLE {t} ALTER COLUMN value SET STORAGE EXTERNAL;"
    "CREATE TABLE {changes} (revision bigint PRIMARY KEY,"
    " commit_id bytea NOT NULL, paths bytea[] NOT NULL);",
};

}  // namespace

Result<void> check_pg_table(std::string_view table) {
  const auto dot = table.find('.');
  const bool ok =
      dot == std::string_view::npos
          ? is_name(table)
          : is_name(table.substr(0, dot)) && is_name(table.substr(dot + 1));
  if (ok) return {};
  return fail(invalid_argument(
      "postgresql: table: expected NAME or SCHEMA.NAME, each of letters, "
      "digits and '_', 40 at most"));
}

Result<void> migrate_pg_schema(PgConnection& connection,
                               std::string_view table) {
  const PgStatement version{"schema_version",
                            filled("SELECT schema_version FROM {meta}", table)};
  // A server that may not make tables finds those that are there.
  const auto there = connection.run(version);
  if (there &&
      there->number(0, 0) == static_cast<std::int64_t>(kMigrations.size())) {
    return {};
  }
  // 42P01: no such table.
  if (!there && connection.sqlstate() != "42P01") return fail(there.error());
  TRY(connection.script(filled(
      "BEGIN; SELECT pg_advisory_xact_lock(7310592168);"
      "CREATE TABLE IF NOT EXISTS {meta} (one boolean PRIMARY KEY DEFAULT true"
      " CHECK (one), schema_version bigint NOT NULL, revision bigint NOT NULL,"
      " epoch bigint NOT NULL, leader bytea, leader_data bytea,"
      " lease interval, lease_ends timestamptz);"
      "INSERT INTO {meta} (schema_version, revision, epoch) VALUES (0, 0, 0)"
      " ON CONFLICT DO NOTHING;",
      table)));
  TRY_ASSIGN(const PgRows rows, connection.run(version));
  const auto now = static_cast<std::uint64_t>(rows.number(0, 0));
  if (now > kMigrations.size()) {
    return fail(ErrorCode::kUnsupported,
                fmt::format("postgresql: the tables are of version {}, and "
                            "this bulla knows {} and older",
                            now, kMigrations.size()));
  }
  for (std::size_t at = now; at < kMigrations.size(); ++at) {
    TRY(connection.script(filled(kMigrations[at], table)));
  }
  return connection.script(fmt::format(
      fmt::runtime(
          filled("UPDATE {meta} SET schema_version = {{}}; COMMIT", table)),
      kMigrations.size()));
}

PgStatements::PgStatements(std::string_view table) {
  const auto set = [table](PgStatement& statement, const char* name,
                           std::string_view sql) {
    statement = {name, filled(sql, table)};
  };
  // Without the schema, for which a channel's name has no room: who listens to
  // two wakes too often.
  channel = fmt::format("{}_channel", table.substr(table.find('.') + 1));
  set(get, "get", "SELECT value, version FROM {t} WHERE path = $1::bytea");
  set(page_of_paths, "page_of_paths",
      "SELECT path FROM {t} WHERE path >= $1::bytea ORDER BY path"
      " LIMIT $2::bigint");
  set(page_of_entries, "page_of_entries",
      "SELECT path, value FROM {t} WHERE path >= $1::bytea ORDER BY path"
      " LIMIT $2::bigint");
  set(next_revision, "next_revision",
      "UPDATE {meta} SET revision = revision + 1"
      " RETURNING revision, CASE WHEN leader IS NULL THEN 0 ELSE epoch END");
  set(versions, "versions",
      "SELECT path, version FROM {t} WHERE path = ANY($1::bytea[])");
  set(put, "put",
      "INSERT INTO {t} (path, value, version) SELECT p, v, $3::bigint"
      " FROM unnest($1::bytea[], $2::bytea[]) AS u(p, v)"
      " ON CONFLICT (path) DO UPDATE"
      " SET value = excluded.value, version = excluded.version");
  set(remove, "remove", "DELETE FROM {t} WHERE path = ANY($1::bytea[])");
  set(log_change, "log_change",
      "WITH logged AS (INSERT INTO {changes} (revision, commit_id, paths)"
      " VALUES ($1::bigint, $2::bytea, $3::bytea[]))"
      " SELECT pg_notify(convert_from($4::bytea, 'UTF8'), '')");
  set(prune_changes, "prune_changes",
      "DELETE FROM {changes} WHERE revision <= $1::bigint");
  set(await_commits, "await_commits", "SELECT revision FROM {meta} FOR UPDATE");
  set(commit_at, "commit_at",
      "SELECT commit_id FROM {changes} WHERE revision = $1::bigint");
  set(end_backend, "end_backend",
      "SELECT pg_terminate_backend(pid) FROM pg_stat_activity"
      " WHERE pid = $1::bigint AND usename = current_user"
      " AND pid <> pg_backend_pid()");
  set(revision, "revision", "SELECT revision FROM {meta}");
  set(changes_after, "changes_after",
      "SELECT revision, paths FROM {changes} WHERE revision > $1::bigint"
      " ORDER BY revision LIMIT 256");
  set(lead, "lead",
      "UPDATE {meta} SET epoch = epoch + 1, leader = $1::bytea,"
      " leader_data = $2::bytea, lease = make_interval(secs => $3::bigint),"
      " lease_ends = clock_timestamp() + make_interval(secs => $3::bigint)"
      " WHERE leader IS NULL OR lease_ends < clock_timestamp()"
      " RETURNING epoch");
  set(leader, "leader",
      "SELECT leader, leader_data, epoch FROM {meta}"
      " WHERE leader IS NOT NULL AND lease_ends >= clock_timestamp()");
  set(renew, "renew",
      "UPDATE {meta} SET lease_ends = clock_timestamp() + lease"
      " WHERE epoch = $1::bigint AND leader IS NOT NULL RETURNING epoch");
  set(release, "release",
      "UPDATE {meta} SET leader = NULL, leader_data = NULL"
      " WHERE epoch = $1::bigint RETURNING epoch");
}

}  // namespace bulla::storage
