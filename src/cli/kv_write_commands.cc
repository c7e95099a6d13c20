#include <algorithm>
#include <array>
#include <optional>

#include "cli/invocation.h"
#include "cli/key_values.h"
#include "cli/kv_place.h"

namespace bulla::cli {
namespace {

using Names = std::vector<std::string>;

Value with_cas(Value data, std::optional<std::int64_t> cas) {
  Value options = Value::object();
  if (cas) options.set("cas", Value::number(*cas));
  Value body = Value::object();
  body.set("data", std::move(data));
  body.set("options", std::move(options));
  return body;
}

std::optional<std::int64_t> chosen_cas(const Flags& flags) {
  if (!flags.given("cas")) return std::nullopt;
  return flags.integer("cas");
}

Result<Value> typed_data(Invocation& call) {
  KeyValueReader reader(call.host().console);
  const auto& arguments = call.arguments();
  if (arguments.size() < 2) return Value::object();
  return reader.read({arguments.begin() + 1, arguments.end()}, 2);
}

ApiResult<ApiAnswer> send(Invocation& call, const char* method,
                          const std::string& path, Value body) {
  return call.api().call({.method = method,
                          .path = path,
                          .body = std::move(body),
                          .user_data = true});
}

int show_written(Invocation& call, const std::string& path,
                 const ApiResult<ApiAnswer>& answer) {
  if (answer) return call.show_secret(answer->json);
  return call.fail("Error writing data to " + path, answer.error());
}

int put(Invocation& call) {
  auto data = typed_data(call);
  if (!data) return call.misuse(data.error().message());
  int code = 0;
  const auto place = find_kv_place(call, code);
  if (!place) return code;
  const std::string path = place->at("data");
  if (place->versioned) {
    return show_written(
        call, path,
        send(call, "PUT", path,
             with_cas(*std::move(data), chosen_cas(call.flags()))));
  }
  const auto answer = send(call, "PUT", path, *std::move(data));
  if (!answer) {
    return call.fail("Error writing data to " + path, answer.error());
  }
  return call.done("Success! Data written to: " + path);
}

// A version of a record as it is there, with its number and its data.
struct Stored {
  std::int64_t version = 0;
  Value data;  // null: deleted or destroyed
};

std::optional<Stored> read_version(Invocation& call, const KvPlace& place,
                                   std::int64_t version, int& code) {
  const std::string path = place.at("data");
  Query query;
  if (version != 0) query.emplace_back("version", std::to_string(version));
  const auto answer =
      call.api().call({.path = path, .query = std::move(query)});
  if (!answer) {
    code = answer.error().status == 404
               ? call.no_value(path)
               : call.fail("Error reading " + path, answer.error());
    return std::nullopt;
  }
  Stored stored;
  const Value* const data = answer->json.find("data");
  const Value* const metadata =
      data == nullptr ? nullptr : data->find("metadata");
  if (metadata != nullptr) stored.version = metadata->integer_of("version");
  if (const Value* const own = record_data(place, *answer)) stored.data = *own;
  return stored;
}

int no_data(Invocation& call, const KvPlace& place, std::int64_t version) {
  call.refuse("Version " + std::to_string(version) + " at " + place.at("data") +
                  " has no data: it was deleted or destroyed",
              "`bulla kv undelete` brings back what was deleted");
  return 2;
}

// What a token can do that may read and update, but not patch. Nobody else's
// write in between is lost: it makes the check-and-set fail.
int read_then_write(Invocation& call, const KvPlace& place, const Value& data,
                    const Names& removed) {
  int code = 0;
  auto stored = read_version(call, place, 0, code);
  if (!stored) return code;
  if (stored->data.is_null()) return no_data(call, place, stored->version);
  Value merged = Value::object();
  const auto is_removed = [&](const std::string& name) {
    return std::find(removed.begin(), removed.end(), name) != removed.end();
  };
  for (std::size_t i = 0; i < stored->data.keys.size(); ++i) {
    const std::string& name = stored->data.keys[i];
    if (!is_removed(name)) merged.set(name, std::move(stored->data.items[i]));
  }
  for (std::size_t i = 0; i < data.keys.size(); ++i) {
    merged.set(data.keys[i], data.items[i]);
  }
  const std::string path = place.at("data");
  const std::int64_t cas = chosen_cas(call.flags()).value_or(stored->version);
  return show_written(
      call, path, send(call, "PUT", path, with_cas(std::move(merged), cas)));
}

int patch(Invocation& call) {
  const auto data = typed_data(call);
  if (!data) return call.misuse(data.error().message());
  const std::string method = call.flags().text("method");
  if (!method.empty() && method != "patch" && method != "rw") {
    return call.misuse("-method takes patch or rw");
  }
  const Names& removed = call.flags().list("remove-data");
  if (data->keys.empty() && removed.empty()) {
    return call.misuse("there is nothing to change: give DATA or -remove-data");
  }
  int code = 0;
  const auto place = find_versioned(call, code, 2);
  if (!place) return code;
  if (method == "rw") return read_then_write(call, *place, *data, removed);
  Value changes = *data;
  for (const std::string& name : removed) changes.set(name, Value());
  const std::string path = place->at("data");
  const auto answer =
      send(call, "PATCH", path,
           with_cas(std::move(changes), chosen_cas(call.flags())));
  const int status = answer ? 0 : answer.error().status;
  if (method.empty() && (status == 403 || status == 405)) {
    return read_then_write(call, *place, *data, removed);
  }
  if (status == 404) return call.no_value(path);
  if (answer && answer->status == 404) {
    const Value* const metadata = answer->json.find("data");
    return no_data(call, *place,
                   metadata == nullptr ? 0 : metadata->integer_of("version"));
  }
  return show_written(call, path, answer);
}

int rollback(Invocation& call) {
  const std::int64_t version = call.flags().integer("version");
  if (version == 0) {
    return call.misuse("-version is needed: which version to go back to");
  }
  int code = 0;
  const auto place = find_versioned(call, code, 2);
  if (!place) return code;
  const auto current = read_version(call, *place, 0, code);
  if (!current) return code;
  auto old = read_version(call, *place, version, code);
  if (!old) return code;
  if (old->data.is_null()) return no_data(call, *place, version);
  const std::string path = place->at("data");
  return show_written(call, path,
                      send(call, "PUT", path,
                           with_cas(std::move(old->data), current->version)));
}

constexpr std::array<FlagRow, 2> kPutFlags = {{kKvMountFlag, kKvCasFlag}};
constexpr std::array<FlagRow, 4> kPatchFlags = {{
    kKvMountFlag,
    kKvCasFlag,
    {"method", "", FlagKind::kText, "patch|rw",
     "patch has the server merge; rw reads, merges here and writes, which "
     "needs no right to patch. If nothing is said: patch, and rw where that is "
     "refused."},
    {"remove-data", "", FlagKind::kList, "KEY",
     "A key to take out. May be given several times."},
}};
constexpr std::array<FlagRow, 2> kRollbackFlags = {{
    kKvMountFlag,
    {"version", "", FlagKind::kInteger, "N", "Which version to go back to."},
}};
constexpr std::array<Example, 1> kPutExamples = {{
    {"Write a record", "bulla kv put secret/db password=@password"},
}};
constexpr std::array<Example, 1> kRollbackExamples = {{
    {"Have version 2 again", "bulla kv rollback -version=2 secret/db"},
}};

constexpr std::array<Command, 3> kCommands = {{
    {"kv put", "Write a record", "PATH [DATA...]",
     "Writes a record: a new version, where the mount keeps them. DATA are as "
     "those of `bulla write`.",
     CommandKind::kRemote, 2, kAnyNumber, put, kPutFlags, kPutExamples},
    {"kv patch", "Change parts of a record", "PATH [DATA...]",
     "Writes a new version: the current one with DATA in place of what has "
     "those names.",
     CommandKind::kRemote, 1, kAnyNumber, patch, kPatchFlags},
    {"kv rollback", "Go back to an earlier version of a record", "PATH",
     "Writes an earlier version's data as a new version, unless somebody "
     "writes the record meanwhile.",
     CommandKind::kRemote, 1, 1, rollback, kRollbackFlags, kRollbackExamples},
}};

}  // namespace

std::span<const Command> kv_write_commands() { return kCommands; }

}  // namespace bulla::cli
