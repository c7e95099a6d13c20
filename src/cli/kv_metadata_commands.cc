#include <array>

#include "cli/invocation.h"
#include "cli/kv_place.h"

namespace bulla::cli {
namespace {

int get(Invocation& call) {
  int code = 0;
  const auto place = find_versioned(call, code);
  if (!place) return code;
  const std::string path = place->at("metadata");
  const auto answer = call.api().get(path);
  if (answer) return call.show_secret(answer->json);
  if (answer.error().status == 404) return call.no_value(path);
  return call.fail("Error reading " + path, answer.error());
}

// `merged` metadata of the caller's own are sent even where there are none, as
// Vault's command does: the server then says whether there is such a record.
Value changes_of(const Flags& flags, bool merged) {
  Value body = Value::object();
  if (flags.given("cas-required")) {
    body.set("cas_required", Value::boolean(flags.on("cas-required")));
  }
  for (const auto* const name : {"max-versions", "delete-version-after"}) {
    if (!flags.given(name)) continue;
    std::string field(name);
    for (char& c : field) c = c == '-' ? '_' : c;
    body.set(field, Value::string(flags.text(name)));
  }
  if (merged || flags.given("custom-metadata")) {
    Value custom = Value::object();
    for (const auto& [key, value] : flags.pairs("custom-metadata")) {
      custom.set(key, Value::string(value));
    }
    for (const auto& key : flags.list("remove-custom-metadata")) {
      custom.set(key, Value());
    }
    body.set("custom_metadata", std::move(custom));
  }
  return body;
}

int change(Invocation& call, const char* method, bool merged) {
  int code = 0;
  const auto place = find_versioned(call, code);
  if (!place) return code;
  const std::string path = place->at("metadata");
  const auto answer = call.api().call({.method = method,
                                       .path = path,
                                       .body = changes_of(call.flags(), merged),
                                       .user_data = true});
  if (!answer && answer.error().status == 404) return call.no_value(path);
  return finish_kv(call, answer, path, "Metadata written");
}

int put(Invocation& call) { return change(call, "PUT", false); }
int patch(Invocation& call) { return change(call, "PATCH", true); }

int remove(Invocation& call) {
  int code = 0;
  const auto place = find_versioned(call, code);
  if (!place) return code;
  const std::string path = place->at("metadata");
  return finish_kv(call, call.api().remove(path), path,
                   "Record removed (if it existed)");
}

constexpr FlagRow kMaxVersions{
    "max-versions", "", FlagKind::kText, "N",
    "How many versions are kept; 0 leaves it to the mount."};
constexpr FlagRow kCasRequired{
    "cas-required", "", FlagKind::kSwitch, "",
    "Every write has to give -cas; =false takes that back."};
constexpr FlagRow kDeleteAfter{
    "delete-version-after", "", FlagKind::kText, "DURATION",
    "When new versions are deleted by themselves; 0 leaves it to the mount."};

constexpr std::array<FlagRow, 1> kMountFlags = {{kKvMountFlag}};
constexpr std::array<FlagRow, 5> kPutFlags = {{
    kKvMountFlag,
    kMaxVersions,
    kCasRequired,
    kDeleteAfter,
    {"custom-metadata", "", FlagKind::kPairs, "KEY=VALUE",
     "A text of your own; `type` is the record's type. They replace all that "
     "were there."},
}};
constexpr std::array<FlagRow, 6> kPatchFlags = {{
    kKvMountFlag,
    kMaxVersions,
    kCasRequired,
    kDeleteAfter,
    {"custom-metadata", "", FlagKind::kPairs, "KEY=VALUE",
     "A text of your own, beside those that are there. May be given several "
     "times."},
    {"remove-custom-metadata", "", FlagKind::kList, "KEY",
     "One of them to take out. May be given several times."},
}};
constexpr std::array<Example, 1> kPatchExamples = {{
    {"Change one custom metadatum and keep the others",
     "bulla kv metadata patch -custom-metadata=owner=ops secret/db"},
}};

constexpr std::array<Command, 5> kCommands = {{
    {"kv metadata", "Work with the metadata of records", "",
     "Commands for what is known of a record beside its data.",
     CommandKind::kGroup},
    {"kv metadata get", "Read the metadata of a record", "PATH",
     "Reads a record's metadata.", CommandKind::kRemote, 1, 1, get,
     kMountFlags},
    {"kv metadata put", "Set the metadata of a record", "PATH",
     "Sets what the flags name, and makes the record where there is none.",
     CommandKind::kRemote, 1, 1, put, kPutFlags},
    {"kv metadata patch", "Change the metadata of a record", "PATH",
     "Changes what the flags name of a record that is there, and nothing "
     "else.",
     CommandKind::kRemote, 1, 1, patch, kPatchFlags, kPatchExamples},
    {"kv metadata delete", "Remove a record with all its versions", "PATH",
     "Removes a record, its metadata and all its versions, for good.",
     CommandKind::kRemote, 1, 1, remove, kMountFlags},
}};

}  // namespace

std::span<const Command> kv_metadata_commands() { return kCommands; }

}  // namespace bulla::cli
