#include "cli/transit_migrate.h"

#include <fnmatch.h>

#include <algorithm>
#include <set>

#include "cli/api_error.h"
#include "cli/key_values.h"
#include "cli/migration.h"
#include "cli/paths.h"
#include "cli/progress.h"
#include "cli/table.h"

namespace bulla::cli {
namespace {

Result<SecretBytes> source_token(Invocation& call) {
  const std::string file = call.flags().text("from-token-file");
  if (file.empty()) return parse_token(call.flags().text("from-token"));
  auto text = file == "-" ? call.host().console.read_input() : read_file(file);
  if (!text) return fail(std::move(text).error());
  const WipeGuard guard(
      {reinterpret_cast<std::uint8_t*>(text->data()), text->size()});
  return parse_token(*text);
}

// How the source is reached: like the target, but for what the flags say.
Result<Settings> source_settings(Invocation& call) {
  const Flags& flags = call.flags();
  Settings source;
  source.address = flags.text("from-address");
  while (source.address.ends_with('/')) source.address.pop_back();
  if (!source.address.starts_with("http://") &&
      !source.address.starts_with("https://")) {
    return fail(invalid_argument(
        "-from-address must be the http:// or https:// address of the server "
        "that has the keys"));
  }
  auto token = source_token(call);
  if (!token) {
    return fail(std::move(token).error().with_context(
        "the source's token (-from-token-file, BULLA_FROM_TOKEN)"));
  }
  source.token = *std::move(token);
  call.hide(as_text(source.token.expose()));
  source.namespace_name = flags.text("from-namespace");
  source.ca_cert = flags.text("from-ca-cert");
  source.tls_server_name = flags.text("from-tls-server-name");
  source.tls_skip_verify = flags.on("from-tls-skip-verify");
  source.timeout = call.settings().timeout;
  source.retries_max = call.settings().retries_max;
  return source;
}

bool wanted(const Flags& flags, const std::string& name) {
  const auto& patterns = flags.list("keys");
  return patterns.empty() ||
         std::ranges::any_of(patterns, [&name](const std::string& pattern) {
           return ::fnmatch(pattern.c_str(), name.c_str(), 0) == 0;
         });
}

std::string_view state_text(KeyMove::State state) {
  switch (state) {
    case KeyMove::State::kMoved:
      return "moved";
    case KeyMove::State::kPlanned:
      return "would be moved";
    case KeyMove::State::kSkipped:
      return "skipped";
    case KeyMove::State::kFailed:
      return "NOT moved";
  }
  return "";
}

std::string outcome_text(const KeyMove& move) {
  std::string text(state_text(move.state));
  if (!move.how.empty()) text += " by " + move.how;
  if (!move.reason.empty()) text += ": " + move.reason;
  return text;
}

std::int64_t count(const std::vector<KeyMove>& moves, KeyMove::State state) {
  return std::ranges::count(moves, state, &KeyMove::state);
}

std::string table_of(const std::vector<KeyMove>& moves) {
  std::vector<TableRow> rows = {{"Key", "Type", "Versions", "Outcome"}};
  for (const KeyMove& move : moves) {
    rows.push_back({move.name, move.type,
                    move.versions == 0 ? "" : std::to_string(move.versions),
                    outcome_text(move)});
  }
  return format_table(rows);
}

Value json_of(const std::vector<KeyMove>& moves) {
  Value list = Value::array();
  for (const KeyMove& move : moves) {
    Value row = Value::object();
    row.set("name", Value::string(move.name));
    row.set("type", Value::string(move.type));
    row.set("versions", Value::number(move.versions));
    row.set("state", Value::string(state_text(move.state)));
    row.set("how", Value::string(move.how));
    row.set("reason", Value::string(move.reason));
    list.push(std::move(row));
  }
  Value out = Value::object();
  out.set("keys", std::move(list));
  out.set("moved", Value::number(count(moves, KeyMove::State::kMoved)));
  out.set("planned", Value::number(count(moves, KeyMove::State::kPlanned)));
  out.set("skipped", Value::number(count(moves, KeyMove::State::kSkipped)));
  return std::move(
      out.set("failed", Value::number(count(moves, KeyMove::State::kFailed))));
}

int report(Invocation& call, const std::vector<KeyMove>& moves) {
  if (moves.empty()) return call.done("There are no such keys at the source.");
  const int shown = call.show(json_of(moves), table_of(moves));
  if (shown != 0) return shown;
  const std::int64_t failed = count(moves, KeyMove::State::kFailed);
  const std::int64_t moved = count(moves, KeyMove::State::kMoved) +
                             count(moves, KeyMove::State::kPlanned);
  const bool dry = call.flags().on("dry-run");
  call.warn("\n" + std::to_string(moved) + (dry ? " to move, " : " moved, ") +
            std::to_string(count(moves, KeyMove::State::kSkipped)) +
            " skipped, " + std::to_string(failed) +
            (dry ? " that cannot be moved." : " not moved."));
  return failed == 0 ? 0 : 2;
}

Migration::Options options_of(const Flags& flags) {
  return {.from_mount = clean_path(flags.text("from-mount", "transit")),
          .mount = clean_path(flags.text("mount", "transit")),
          .dry_run = flags.on("dry-run"),
          .force = flags.on("force")};
}

// What to try next is about the other server, of which next_step() knows
// nothing.
std::string_view next_at_source(const ApiFailure& failure) {
  if (failure.kind == ApiFailure::Kind::kTransport) {
    return "-from-address is where the server with the keys listens; "
           "-from-ca-cert where its certificate is not known here";
  }
  if (failure.status == 403) {
    return "the source's token must list and read transit/keys there, and read "
           "transit/export or transit/backup";
  }
  return "-from-mount is where transit is mounted there";
}

int run(Invocation& call, Migration& migration) {
  const auto names = migration.source_names();
  if (!names) {
    call.warn(
        failure_cause("Error listing the keys of the source", names.error()) +
        "\n\nNext: " + std::string(next_at_source(names.error())));
    return 2;
  }
  const auto present = migration.target_names();
  if (!present) {
    return call.fail("Error listing the keys that are there already",
                     present.error());
  }
  const std::set<std::string> existing(present->begin(), present->end());
  std::vector<std::string> chosen;
  std::ranges::copy_if(
      *names, std::back_inserter(chosen),
      [&call](const std::string& name) { return wanted(call.flags(), name); });
  std::vector<KeyMove> moves;
  {
    Progress progress(call.host().console, chosen.size());
    for (const std::string& name : chosen) {
      progress.begin(name);
      moves.push_back(migration.move(name, existing.contains(name)));
      progress.end(name, outcome_text(moves.back()));
    }
  }
  return report(call, moves);
}

}  // namespace

int migrate_keys(Invocation& call) {
  if (call.settings().output_curl_string) {
    return call.misuse("-output-curl-string: this takes more than one request");
  }
  const auto source = source_settings(call);
  if (!source) return call.misuse(source.error().message());
  ApiClient client(*source, call.host().send, call.host().sleep,
                   [](std::string_view) {});
  Migration migration(client, call.api(), options_of(call.flags()),
                      SystemClock().now());
  return run(call, migration);
}

}  // namespace bulla::cli
