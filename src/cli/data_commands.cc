#include <array>
#include <set>

#include "cli/invocation.h"
#include "cli/key_values.h"
#include "cli/paths.h"
#include "cli/secret_output.h"

namespace bulla::cli {
namespace {

constexpr std::string_view kWhatIsMounted =
    "check the path: `bulla secrets list` shows what is mounted";

std::vector<std::string> data_arguments(const Invocation& call) {
  const auto& all = call.arguments();
  return {all.begin() + 1, all.end()};
}

bool is_empty_secret(const Value& answer) {
  const Value secret = as_secret(answer);
  return secret_rows(secret).empty() && warnings_text(secret).empty();
}

int read_path(Invocation& call) {
  const std::string path = clean_path(call.argument(0));
  KeyValueReader reader(call.host().console);
  auto query = reader.read_query(data_arguments(call), 2);
  if (!query) return call.misuse(query.error().message());
  const auto answer =
      call.api().call({.path = path, .query = *std::move(query)});
  if (!answer) {
    if (answer.error().status == 404)
      return call.no_value(path, kWhatIsMounted);
    return call.fail("Error reading " + path, answer.error());
  }
  if (!answer->raw.empty()) {
    call.host().console.out(answer->raw);
    return 0;
  }
  if (is_empty_secret(answer->json)) return call.no_value(path);
  return call.show_secret(answer->json);
}

int write_path(Invocation& call) {
  const std::string path = clean_path(call.argument(0));
  const auto arguments = data_arguments(call);
  if (arguments.empty() && !call.flags().on("force")) {
    return call.misuse("Must supply data or use -force");
  }
  KeyValueReader reader(call.host().console);
  auto data = reader.read(arguments, 2);
  if (!data) return call.misuse(data.error().message());
  const auto answer = call.api().call({.method = "PUT",
                                       .path = path,
                                       .body = *std::move(data),
                                       .user_data = true});
  if (!answer)
    return call.fail("Error writing data to " + path, answer.error());
  if (!is_empty_secret(answer->json)) return call.show_secret(answer->json);
  if (!call.settings().field.empty()) return call.show_secret(answer->json);
  return call.done("Success! Data written to: " + path);
}

std::vector<TableRow> key_rows(const Value& keys) {
  std::vector<TableRow> rows = {{"Keys"}};
  for (const auto& key : keys.as_strings()) rows.push_back({key});
  return rows;
}

// With a column for each thing that is told of any of them.
std::vector<TableRow> info_rows(const Value& keys, const Value& info) {
  std::set<std::string> columns;
  for (const Value& of_key : info.items) {
    columns.insert(of_key.keys.begin(), of_key.keys.end());
  }
  std::vector<TableRow> rows = {{"Keys"}};
  rows[0].insert(rows[0].end(), columns.begin(), columns.end());
  for (const std::string& key : keys.as_strings()) {
    TableRow row = {key};
    const Value* const of_key = info.find(key);
    for (const std::string& column : columns) {
      const Value* const cell =
          of_key == nullptr ? nullptr : of_key->find(column);
      row.push_back(cell == nullptr || cell->is_null() ? "" : to_plain(*cell));
    }
    rows.push_back(std::move(row));
  }
  return rows;
}

int list_path(Invocation& call) {
  const std::string path = clean_path(call.argument(0)) + "/";
  Query page;
  for (const auto* name : {"after", "limit"}) {
    if (call.flags().given(name)) {
      page.emplace_back(name, call.flags().text(name));
    }
  }
  const auto answer = call.api().list(path, std::move(page));
  const auto none = [&call, &path] {
    if (call.settings().format == "json") call.out("{}");
    return call.no_value(path, kWhatIsMounted);
  };
  if (!answer) {
    if (answer.error().status == 404) return none();
    return call.fail("Error listing " + path, answer.error());
  }
  const Value* const data = answer->json.find("data");
  const Value* const keys = data == nullptr ? nullptr : data->find("keys");
  if (keys == nullptr) return none();
  if (!call.settings().field.empty()) return call.show_secret(answer->json);
  const Value* const info =
      call.flags().on("detailed") ? data->find("key_info") : nullptr;
  if (info == nullptr) return call.show(*keys, format_table(key_rows(*keys)));
  return call.show(*data, format_table(info_rows(*keys, *info)));
}

int delete_path(Invocation& call) {
  const std::string path = clean_path(call.argument(0));
  KeyValueReader reader(call.host().console);
  auto query = reader.read_query(data_arguments(call), 2);
  if (!query) return call.misuse(query.error().message());
  const auto answer = call.api().call(
      {.method = "DELETE", .path = path, .query = *std::move(query)});
  if (!answer && answer.error().status != 404) {
    return call.fail("Error deleting " + path, answer.error());
  }
  if (answer && !is_empty_secret(answer->json)) {
    return call.show_secret(answer->json);
  }
  return call.done("Success! Data deleted (if it existed) at: " + path);
}

constexpr std::array<Example, 2> kReadExamples = {{
    {"Read a key's settings", "bulla read transit/keys/orders"},
    {"Print one field bare, for a script",
     "bulla read -field=latest_version transit/keys/orders"},
}};
constexpr std::array<FlagRow, 1> kWriteFlags = {{
    {"force", "f", FlagKind::kSwitch, "",
     "Write without data, where the path asks for none."},
}};
constexpr std::array<Example, 3> kWriteExamples = {{
    {"Make a key", "bulla write -f transit/keys/orders"},
    {"Encrypt what a file holds in base64",
     "bulla write transit/encrypt/orders plaintext=@card.b64"},
    {"Send a JSON object", "bulla write auth/token/roles/app @role.json"},
}};
constexpr std::array<FlagRow, 3> kListFlags = {{
    {"detailed", "", FlagKind::kSwitch, "",
     "Show what else is told of each name, where something is."},
    {"after", "", FlagKind::kText, "NAME", "Only names greater than this one."},
    {"limit", "", FlagKind::kInteger, "N", "At most so many names."},
}};
constexpr std::array<Example, 1> kListExamples = {{
    {"List the keys", "bulla list transit/keys"},
}};
constexpr std::array<Example, 1> kDeleteExamples = {{
    {"Delete a role", "bulla delete auth/token/roles/app"},
}};

constexpr std::array<Command, 4> kCommands = {{
    {"read",
     "Read what a path holds",
     "PATH [KEY=VALUE...]",
     "Reads a path and prints what is there. Further KEY=VALUE arguments are "
     "sent as query parameters.",
     CommandKind::kRemote,
     1,
     kAnyNumber,
     read_path,
     {},
     kReadExamples},
    {"write", "Write data to a path", "PATH [DATA...]",
     "Writes data to a path, and prints what comes back. DATA are KEY=VALUE "
     "pairs: KEY=@FILE takes the value from a file, KEY=- from standard input, "
     "and \\@ begins a value that starts with @. @FILE or - alone stand for a "
     "JSON object with all of them. What is typed is sent as strings.",
     CommandKind::kRemote, 1, kAnyNumber, write_path, kWriteFlags,
     kWriteExamples},
    {"list", "List what is below a path", "PATH",
     "Lists the names below a path. Names that end in / have more below them.",
     CommandKind::kRemote, 1, 1, list_path, kListFlags, kListExamples},
    {"delete",
     "Delete what a path holds",
     "PATH [KEY=VALUE...]",
     "Deletes what is at a path; what that means is up to what is mounted "
     "there. Deleting what is not there succeeds.",
     CommandKind::kRemote,
     1,
     kAnyNumber,
     delete_path,
     {},
     kDeleteExamples},
}};

}  // namespace

std::span<const Command> data_commands() { return kCommands; }

}  // namespace bulla::cli
