#include <array>
#include <optional>

#include "cli/invocation.h"
#include "cli/kv_place.h"
#include "cli/paths.h"
#include "cli/secret_output.h"

namespace bulla::cli {
namespace {

Value version_metadata(const ApiAnswer& answer) {
  const Value* const data = answer.json.find("data");
  const Value* const metadata =
      data == nullptr ? nullptr : data->find("metadata");
  return metadata == nullptr ? Value() : *metadata;
}

int get(Invocation& call) {
  int code = 0;
  const auto place = find_kv_place(call, code);
  if (!place) return code;
  const std::string path = place->at("data");
  Query query;
  if (call.flags().given("version")) {
    query.emplace_back("version",
                       std::to_string(call.flags().integer("version")));
  }
  const auto answer =
      call.api().call({.path = path, .query = std::move(query)});
  if (!answer) {
    if (answer.error().status == 404) return call.no_value(path);
    return call.fail("Error reading " + path, answer.error());
  }
  const Value* const data = record_data(*place, *answer);
  if (call.is_structured() && call.settings().field.empty()) {
    return call.show_secret(answer->json);
  }
  const bool gone = data == nullptr || data->is_null();
  if (gone && !call.settings().field.empty()) return call.no_value(path);
  Value shown = Value::object();
  // Of a deleted version there is what is known of it.
  shown.set("data", gone ? version_metadata(*answer) : *data);
  return call.show_secret(shown);
}

int list_as(Invocation& call, const char* flag) {
  if (call.arguments().empty() && !call.flags().given("mount")) {
    return call.misuse("a path is needed");
  }
  int code = 0;
  const auto place = find_kv_place(call, code);
  if (!place) return code;
  const std::string path = place->at("metadata");
  const auto answer =
      call.api().call({.path = path, .query = {{flag, "true"}}});
  if (!answer) {
    if (answer.error().status == 404) return call.no_value(path);
    return call.fail("Error listing " + path, answer.error());
  }
  const Value* const data = answer->json.find("data");
  const Value* const keys = data == nullptr ? nullptr : data->find("keys");
  if (keys == nullptr) return call.no_value(path);
  std::vector<TableRow> rows = {{"Keys"}};
  for (const auto& key : keys->as_strings()) rows.push_back({key});
  return call.show(*keys, format_table(rows));
}

int list(Invocation& call) { return list_as(call, "list"); }
int scan(Invocation& call) { return list_as(call, "scan"); }

// As the server takes them: "1,2,3" of -versions=1,2 -versions=3.
std::string chosen_versions(const Flags& flags) {
  std::string all;
  for (const auto& some : flags.list("versions")) {
    if (!all.empty()) all += ',';
    all += some;
  }
  return all;
}

int change_versions(Invocation& call, std::string_view part,
                    std::string_view done) {
  int code = 0;
  const auto place = find_versioned(call, code);
  if (!place) return code;
  if (!call.flags().given("versions")) {
    return call.misuse("-versions is needed");
  }
  Value body = Value::object();
  body.set("versions", Value::string(chosen_versions(call.flags())));
  const std::string path = place->at(part);
  return finish_kv(call, call.api().put(path, std::move(body)), path, done);
}

int remove(Invocation& call) {
  if (call.flags().given("versions")) {
    return change_versions(call, "delete",
                           "Versions deleted (if they existed)");
  }
  int code = 0;
  const auto place = find_kv_place(call, code);
  if (!place) return code;
  const std::string path = place->at("data");
  return finish_kv(call, call.api().remove(path), path,
                   "Data deleted (if it existed)");
}

int undelete(Invocation& call) {
  return change_versions(call, "undelete",
                         "Versions undeleted (if they existed)");
}

int destroy(Invocation& call) {
  return change_versions(call, "destroy",
                         "Versions destroyed (if they existed)");
}

// In place, as Vault's own command does it: what is there is version 1 then.
int enable_versioning(Invocation& call) {
  const std::string mount = mount_path(call.argument(0));
  Value options = Value::object();
  options.set("version", Value::string("2"));
  Value body = Value::object();
  body.set("options", std::move(options));
  const auto answer =
      call.api().put("sys/mounts/" + mount + "tune", std::move(body));
  if (!answer) {
    return call.fail("Error tuning the secrets engine at " + mount,
                     answer.error());
  }
  return call.done("Success! Tuned the secrets engine at: " + mount);
}

constexpr FlagRow kVersions{"versions", "", FlagKind::kList, "N,N",
                            "Which versions. May be given several times."};
constexpr std::array<FlagRow, 1> kMountFlags = {{kKvMountFlag}};
constexpr std::array<FlagRow, 2> kGetFlags = {{
    kKvMountFlag,
    {"version", "", FlagKind::kInteger, "N", "Which version."},
}};
constexpr std::array<FlagRow, 2> kVersionsFlags = {{kKvMountFlag, kVersions}};
constexpr std::array<Example, 1> kGetExamples = {{
    {"Print one value bare", "bulla kv get -field=password secret/db"},
}};
constexpr std::array<Example, 1> kEnableExamples = {{
    {"Keep versions from now on", "bulla kv enable-versioning secret"},
}};

constexpr std::array<Command, 8> kCommands = {{
    {"kv", "Work with key-value records", "",
     "Commands for the key-value engine, of either version.",
     CommandKind::kGroup},
    {"kv get", "Read a record", "PATH",
     "Reads a record's data, of the current version if nothing is said.",
     CommandKind::kRemote, 1, 1, get, kGetFlags, kGetExamples},
    {"kv list", "List records", "[PATH]",
     "Lists the names below a path, or in all of the mount that -mount names.",
     CommandKind::kRemote, 0, 1, list, kMountFlags},
    {"kv scan", "List records, however deep", "[PATH]",
     "Lists the paths of all records below a path, or of all in the mount that "
     "-mount names.",
     CommandKind::kRemote, 0, 1, scan, kMountFlags},
    {"kv delete", "Delete versions of a record", "PATH",
     "Deletes the current version, or those that are named. `bulla kv "
     "undelete` brings them back.",
     CommandKind::kRemote, 1, 1, remove, kVersionsFlags},
    {"kv undelete", "Bring deleted versions back", "PATH",
     "Brings versions back that were deleted and not destroyed.",
     CommandKind::kRemote, 1, 1, undelete, kVersionsFlags},
    {"kv destroy", "Remove the data of versions for good", "PATH",
     "Removes the data of versions; nothing brings it back.",
     CommandKind::kRemote, 1, 1, destroy, kVersionsFlags},
    {"kv enable-versioning",
     "Have a mount keep versions",
     "MOUNT",
     "Raises a mount from version 1 to version 2, for ever. What is there is "
     "version 1 of its record then.",
     CommandKind::kRemote,
     1,
     1,
     enable_versioning,
     {},
     kEnableExamples},
}};

}  // namespace

std::span<const Command> kv_commands() { return kCommands; }

}  // namespace bulla::cli
