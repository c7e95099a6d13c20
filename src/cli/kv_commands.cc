#include <array>
#include <optional>

#include "cli/invocation.h"
#include "cli/key_values.h"
#include "cli/paths.h"
#include "cli/secret_output.h"

namespace bulla::cli {
namespace {

// Where a record is: a mount of either version, and the path inside it.
struct Place {
  std::string mount;  // with its slash
  std::string rest;
  bool versioned = false;

  std::string at(std::string_view part) const {
    return versioned ? mount + std::string(part) + "/" + rest : mount + rest;
  }
};

// The server knows which mount a path is in; without one, `code` is the exit
// code.
std::optional<Place> find_place(Invocation& call, int& code) {
  std::string path = clean_path(call.argument(0));
  if (call.flags().given("mount")) {
    path = clean_path(mount_path(call.flags().text("mount")) + path);
  }
  const auto answer = call.api().get("sys/internal/ui/mounts/" + path);
  if (!answer) {
    code = call.fail("Error finding the mount of " + path, answer.error());
    return std::nullopt;
  }
  Place place;
  const Value* const data = answer->json.find("data");
  if (data != nullptr) place.mount = data->text_of("path");
  const Value* const options =
      data == nullptr ? nullptr : data->find("options");
  place.versioned = options != nullptr && options->text_of("version") == "2";
  if (path.size() > place.mount.size()) {
    place.rest = path.substr(place.mount.size());
  }
  return place;
}

std::optional<Place> find_versioned(Invocation& call, int& code) {
  auto place = find_place(call, code);
  if (!place || place->versioned) return place;
  code = call.refuse(
      place->mount + " is a mount of version 1, which keeps no versions",
      "`bulla secrets tune` can raise it to version 2");
  return std::nullopt;
}

const Value* inner_data(const Place& place, const ApiAnswer& answer) {
  const Value* const data = answer.json.find("data");
  if (data == nullptr || !place.versioned) return data;
  return data->find("data");
}

int get(Invocation& call) {
  int code = 0;
  const auto place = find_place(call, code);
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
  const Value* const data = inner_data(*place, *answer);
  const bool there = data != nullptr && !data->is_null();
  if (!there || call.is_structured()) {
    call.show_secret(answer->json);
    return there ? 0 : 2;
  }
  Value shown = Value::object();
  shown.set("data", *data);
  return call.show_secret(shown);
}

int put_as(Invocation& call, const char* method) {
  KeyValueReader reader(call.host().console);
  auto data =
      reader.read({call.arguments().begin() + 1, call.arguments().end()}, 2);
  if (!data) return call.misuse(data.error().message());
  int code = 0;
  const bool patch = std::string_view(method) == "PATCH";
  const auto place =
      patch ? find_versioned(call, code) : find_place(call, code);
  if (!place) return code;
  Value body = *std::move(data);
  if (place->versioned) {
    Value options = Value::object();
    if (call.flags().given("cas")) {
      options.set("cas", Value::number(call.flags().integer("cas")));
    }
    Value wrapped = Value::object();
    wrapped.set("data", std::move(body));
    wrapped.set("options", std::move(options));
    body = std::move(wrapped);
  }
  const std::string path = place->at("data");
  const auto answer = call.api().call({.method = method,
                                       .path = path,
                                       .body = std::move(body),
                                       .user_data = true});
  if (!answer)
    return call.fail("Error writing data to " + path, answer.error());
  if (place->versioned) return call.show_secret(answer->json);
  return call.done("Success! Data written to: " + path);
}

int put(Invocation& call) { return put_as(call, "PUT"); }
int patch(Invocation& call) { return put_as(call, "PATCH"); }

int list(Invocation& call) {
  int code = 0;
  const auto place = find_place(call, code);
  if (!place) return code;
  const std::string path = place->at("metadata");
  const auto answer = call.api().list(path);
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

int finish(Invocation& call, const ApiResult<ApiAnswer>& answer,
           const std::string& path, std::string_view done) {
  if (!answer) return call.fail("Error changing " + path, answer.error());
  return call.done("Success! " + std::string(done) + " at: " + path);
}

// The versions as the flag has them, "1,2".
int change_versions(Invocation& call, std::string_view part,
                    std::string_view done) {
  int code = 0;
  const auto place = find_versioned(call, code);
  if (!place) return code;
  if (!call.flags().given("versions")) {
    return call.misuse("-versions is needed");
  }
  Value body = Value::object();
  body.set("versions", Value::string(call.flags().text("versions")));
  const std::string path = place->at(part);
  return finish(call, call.api().put(path, std::move(body)), path, done);
}

int remove(Invocation& call) {
  if (call.flags().given("versions")) {
    return change_versions(call, "delete",
                           "Versions deleted (if they existed)");
  }
  int code = 0;
  const auto place = find_place(call, code);
  if (!place) return code;
  const std::string path = place->at("data");
  return finish(call, call.api().remove(path), path,
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

int metadata_get(Invocation& call) {
  int code = 0;
  const auto place = find_versioned(call, code);
  if (!place) return code;
  const std::string path = place->at("metadata");
  const auto answer = call.api().get(path);
  if (answer) return call.show_secret(answer->json);
  if (answer.error().status == 404) return call.no_value(path);
  return call.fail("Error reading " + path, answer.error());
}

int metadata_put(Invocation& call) {
  const Flags& flags = call.flags();
  Value body = Value::object();
  for (const auto* const name :
       {"max-versions", "cas-required", "delete-version-after"}) {
    if (!flags.given(name)) continue;
    std::string field(name);
    for (char& c : field) c = c == '-' ? '_' : c;
    body.set(field, Value::string(flags.text(name)));
  }
  if (flags.given("custom-metadata")) {
    Value custom = Value::object();
    for (const auto& [key, value] : flags.pairs("custom-metadata")) {
      custom.set(key, Value::string(value));
    }
    body.set("custom_metadata", std::move(custom));
  }
  int code = 0;
  const auto place = find_versioned(call, code);
  if (!place) return code;
  const std::string path = place->at("metadata");
  return finish(call, call.api().put(path, std::move(body)), path,
                "Metadata written");
}

int metadata_delete(Invocation& call) {
  int code = 0;
  const auto place = find_versioned(call, code);
  if (!place) return code;
  const std::string path = place->at("metadata");
  return finish(call, call.api().remove(path), path,
                "Record removed (if it existed)");
}

constexpr FlagRow kMount{"mount", "", FlagKind::kText, "PATH",
                         "The mount; the path is then the one inside it."};
constexpr FlagRow kVersions{"versions", "", FlagKind::kText, "N,N",
                            "Which versions."};
constexpr FlagRow kCas{"cas", "", FlagKind::kInteger, "N",
                       "Only if that is the current version; 0: only if there "
                       "is none."};
constexpr std::array<FlagRow, 1> kMountFlags = {{kMount}};
constexpr std::array<FlagRow, 2> kGetFlags = {{
    kMount,
    {"version", "", FlagKind::kInteger, "N", "Which version."},
}};
constexpr std::array<FlagRow, 2> kPutFlags = {{kMount, kCas}};
constexpr std::array<FlagRow, 2> kVersionsFlags = {{kMount, kVersions}};
constexpr std::array<FlagRow, 5> kMetadataFlags = {{
    kMount,
    {"max-versions", "", FlagKind::kText, "N",
     "How many versions are kept; 0 leaves it to the mount."},
    {"cas-required", "", FlagKind::kText, "BOOL",
     "Whether every write has to give -cas."},
    {"delete-version-after", "", FlagKind::kText, "DURATION",
     "When new versions are deleted by themselves; 0 leaves it to the mount."},
    {"custom-metadata", "", FlagKind::kPairs, "KEY=VALUE",
     "A text of your own; `type` is the record's type. They replace all that "
     "were there."},
}};
constexpr std::array<Example, 1> kPutExamples = {{
    {"Write a record", "bulla kv put secret/db password=@password"},
}};
constexpr std::array<Example, 1> kGetExamples = {{
    {"Print one value bare", "bulla kv get -field=password secret/db"},
}};

constexpr std::array<Command, 12> kCommands = {{
    {"kv", "Work with key-value records", "",
     "Commands for the key-value engine, of either version.",
     CommandKind::kGroup},
    {"kv get", "Read a record", "PATH",
     "Reads a record's data, of the current version if nothing is said.",
     CommandKind::kRemote, 1, 1, get, kGetFlags, kGetExamples},
    {"kv put", "Write a record", "PATH [DATA...]",
     "Writes a record: a new version, where the mount keeps them. DATA are as "
     "those of `bulla write`.",
     CommandKind::kRemote, 2, kAnyNumber, put, kPutFlags, kPutExamples},
    {"kv patch", "Change parts of a record", "PATH [DATA...]",
     "Writes a new version: the current one with DATA in place of what has "
     "those names.",
     CommandKind::kRemote, 2, kAnyNumber, patch, kPutFlags},
    {"kv list", "List records", "PATH", "Lists the names below a path.",
     CommandKind::kRemote, 1, 1, list, kMountFlags},
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
    {"kv metadata", "Work with the metadata of records", "",
     "Commands for what is known of a record beside its data.",
     CommandKind::kGroup},
    {"kv metadata get", "Read the metadata of a record", "PATH",
     "Reads a record's metadata.", CommandKind::kRemote, 1, 1, metadata_get,
     kMountFlags},
    {"kv metadata put", "Change the metadata of a record", "PATH",
     "Changes what the flags name.", CommandKind::kRemote, 1, 1, metadata_put,
     kMetadataFlags},
    {"kv metadata delete", "Remove a record with all its versions", "PATH",
     "Removes a record, its metadata and all its versions, for good.",
     CommandKind::kRemote, 1, 1, metadata_delete, kMountFlags},
}};

}  // namespace

std::span<const Command> kv_commands() { return kCommands; }

}  // namespace bulla::cli
