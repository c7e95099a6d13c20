#include "cli/mounts.h"

#include <array>

#include "cli/paths.h"
#include "cli/secret_output.h"
#include "cli/table.h"

namespace bulla::cli {
namespace {

constexpr int kMovePolls = 600;
constexpr std::chrono::milliseconds kMovePause{500};

const Value& data_of(const Value& answer) {
  const Value* const data = answer.find("data");
  return data == nullptr || data->is_null() ? answer : *data;
}

std::string mount_api(const MountKind& kind, std::string_view path) {
  return std::string(kind.api) + "/" + clean_path(path);
}

std::string cell(const Value& object, std::string_view key) {
  const Value* const found = object.find(key);
  return found == nullptr || found->is_null() ? "" : to_plain(*found);
}

// 0 is "what the system has"; what is part of the server gives no leases.
std::string ttl_cell(const Value& info, std::string_view key) {
  const std::string type = info.text_of("type");
  if (type == "system" || type == "cubbyhole") return "";
  const Value* const config = info.find("config");
  const auto seconds = config == nullptr ? 0 : config->integer_of(key);
  return seconds == 0 ? "system" : std::to_string(seconds);
}

std::string map_cell(const Value& object, std::string_view key) {
  const Value* const found = object.find(key);
  return found == nullptr || found->is_null() ? "map[]" : to_plain(*found);
}

TableRow detailed_row(const MountKind& kind, const std::string& path,
                      const Value& info) {
  static const Value kNone = Value::object();
  const Value* const found = info.find("config");
  const Value& config = found == nullptr ? kNone : *found;
  TableRow row = {path, cell(info, "type"), cell(info, "accessor"),
                  ttl_cell(info, "default_lease_ttl"),
                  ttl_cell(info, "max_lease_ttl")};
  row.push_back(kind.has_token_type ? cell(config, "token_type")
                                    : cell(config, "force_no_cache"));
  row.push_back(info.flag_of("local") ? "local" : "replicated");
  row.push_back(cell(info, "seal_wrap"));
  row.push_back(cell(info, "external_entropy_access"));
  row.push_back(map_cell(info, "options"));
  for (const auto* member :
       {"description", "uuid", "plugin_version", "running_plugin_version",
        "running_sha256", "deprecation_status"}) {
    row.push_back(cell(info, member));
  }
  return row;
}

TableRow short_row(const MountKind& kind, const std::string& path,
                   const Value& info) {
  TableRow row = {path, cell(info, "type"), cell(info, "accessor"),
                  cell(info, "description")};
  if (kind.has_token_type) row.push_back(cell(info, "plugin_version"));
  return row;
}

TableRow head_row(const MountKind& kind, bool detailed) {
  if (!detailed && kind.has_token_type) {
    return {"Path", "Type", "Accessor", "Description", "Version"};
  }
  if (!detailed) return {"Path", "Type", "Accessor", "Description"};
  return {"Path",
          "Plugin",
          "Accessor",
          "Default TTL",
          "Max TTL",
          kind.has_token_type ? "Token Type" : "Force No Cache",
          "Replication",
          "Seal Wrap",
          "External Entropy Access",
          "Options",
          "Description",
          "UUID",
          "Version",
          "Running Version",
          "Running SHA256",
          "Deprecation Status"};
}

void set_text(Value& body, const Flags& flags, std::string_view flag,
              std::string_view member) {
  if (flags.given(flag)) body.set(member, Value::string(flags.text(flag)));
}

// "a,b" stands for both, as Vault's flags have it.
Value split_list(const std::vector<std::string>& texts) {
  Value out = Value::array();
  for (const std::string& text : texts) {
    std::size_t at = 0;
    while (at <= text.size()) {
      const std::size_t end = std::min(text.find(',', at), text.size());
      if (end > at) out.push(Value::string(text.substr(at, end - at)));
      at = end + 1;
    }
  }
  return out;
}

struct FlagMember {
  std::string_view flag, member;
};
constexpr std::array<FlagMember, 5> kTextMembers = {{
    {"default-lease-ttl", "default_lease_ttl"},
    {"max-lease-ttl", "max_lease_ttl"},
    {"listing-visibility", "listing_visibility"},
    {"token-type", "token_type"},
    {"plugin-version", "plugin_version"},
}};
constexpr std::array<FlagMember, 4> kListMembers = {{
    {"audit-non-hmac-request-keys", "audit_non_hmac_request_keys"},
    {"audit-non-hmac-response-keys", "audit_non_hmac_response_keys"},
    {"passthrough-request-headers", "passthrough_request_headers"},
    {"allowed-response-headers", "allowed_response_headers"},
}};

void add_config(Value& body, const Flags& flags) {
  for (const auto& row : kTextMembers) {
    set_text(body, flags, row.flag, row.member);
  }
  for (const auto& row : kListMembers) {
    if (!flags.given(row.flag)) continue;
    body.set(row.member, split_list(flags.list(row.flag)));
  }
}

void add_options(Value& body, const Flags& flags) {
  Value options = Value::object();
  for (const auto& [key, value] : flags.pairs("options")) {
    options.set(key, Value::string(value));
  }
  set_text(options, flags, "version", "version");
  if (!options.keys.empty()) body.set("options", std::move(options));
}

Value enable_body(const Flags& flags, std::string_view type) {
  Value config = Value::object();
  add_config(config, flags);
  if (flags.on("force-no-cache")) {
    config.set("force_no_cache", Value::boolean(true));
  }
  Value body = Value::object();
  body.set("type", Value::string(type));
  body.set("description", Value::string(flags.text("description")));
  body.set("local", Value::boolean(flags.on("local")));
  body.set("seal_wrap", Value::boolean(flags.on("seal-wrap")));
  body.set("external_entropy_access",
           Value::boolean(flags.on("external-entropy-access")));
  body.set("config", std::move(config));
  set_text(body, flags, "plugin-name", "plugin_name");
  add_options(body, flags);
  return body;
}

std::string move_state(const Value& answer) {
  const Value* const data = answer.find("data");
  const Value* const info =
      data == nullptr ? nullptr : data->find("migration_info");
  return info == nullptr ? "" : info->text_of("status");
}

// Waits for the end of the move `id` of `what`; its exit code.
int follow_move(Invocation& call, const std::string& id,
                const std::string& what) {
  for (int i = 0; i < kMovePolls; ++i) {
    const auto answer = call.api().get("sys/remount/status/" + id);
    if (!answer) return call.fail("Error following the move", answer.error());
    const std::string state = move_state(answer->json);
    if (state == "success") {
      return call.done("Success! Finished moving " + what +
                       ", with migration ID " + id);
    }
    if (state == "failure") {
      call.refuse("Failure! Could not move " + what, "see the server's log");
      return 2;
    }
    call.host().sleep(kMovePause);
  }
  call.refuse("The move goes on in the server",
              "`bulla read sys/remount/status/" + id + "`");
  return 2;
}

}  // namespace

int list_mounts(Invocation& call, const MountKind& kind) {
  const bool detailed = call.flags().on("detailed");
  const auto answer = call.api().get(std::string(kind.api));
  if (!answer) {
    return call.fail("Error listing " + std::string(kind.noun) + "s",
                     answer.error());
  }
  const Value mounts = sorted(data_of(answer->json));
  std::vector<TableRow> rows = {head_row(kind, detailed)};
  for (std::size_t i = 0; i < mounts.keys.size(); ++i) {
    const Value& info = mounts.items[i];
    if (info.find("type") == nullptr) continue;
    rows.push_back(detailed ? detailed_row(kind, mounts.keys[i], info)
                            : short_row(kind, mounts.keys[i], info));
  }
  return call.show(mounts, format_table(rows));
}

int enable_mount(Invocation& call, const MountKind& kind) {
  const std::string type = clean_path(call.argument(0));
  const std::string path = call.flags().text("path", type);
  const auto answer =
      call.api().put(mount_api(kind, path), enable_body(call.flags(), type));
  if (!answer) {
    return call.fail("Error enabling " + std::string(kind.noun),
                     answer.error());
  }
  return call.done("Success! Enabled the " + type + " " +
                   std::string(kind.noun) + " at: " + mount_path(path));
}

int disable_mount(Invocation& call, const MountKind& kind) {
  const std::string path = mount_path(call.argument(0));
  const auto answer = call.api().remove(mount_api(kind, path));
  if (!answer) {
    return call.fail(
        "Error disabling " + std::string(kind.noun) + " at " + path,
        answer.error());
  }
  return call.done("Success! Disabled " + std::string(kind.what) +
                   " (if it existed) at: " + path);
}

int tune_mount(Invocation& call, const MountKind& kind) {
  const std::string path = mount_path(call.argument(0));
  Value body = Value::object();
  add_config(body, call.flags());
  set_text(body, call.flags(), "description", "description");
  add_options(body, call.flags());
  if (body.keys.empty()) {
    return call.misuse("nothing to tune: give at least one option");
  }
  const auto answer =
      call.api().put(mount_api(kind, path) + "/tune", std::move(body));
  if (!answer) {
    return call.fail("Error tuning " + std::string(kind.noun) + " " + path,
                     answer.error());
  }
  return call.done("Success! Tuned " + std::string(kind.what) + " at: " + path);
}

int move_mount(Invocation& call, const MountKind& kind) {
  const std::string from = mount_path(call.argument(0));
  const std::string to = mount_path(call.argument(1));
  const std::string below = kind.has_token_type ? "auth/" : "";
  const std::string what = std::string(kind.noun) + " " + from + " to " + to;
  Value body = Value::object();
  body.set("from", Value::string(below + from))
      .set("to", Value::string(below + to));
  const auto answer = call.api().put("sys/remount", std::move(body));
  if (!answer) return call.fail("Error moving " + what, answer.error());
  const Value* const data = answer->json.find("data");
  const std::string id = data == nullptr ? "" : data->text_of("migration_id");
  if (id.empty()) return call.done("Success! Moved " + what);
  call.done("Started moving " + what + ", with migration ID " + id);
  return follow_move(call, id, what);
}

}  // namespace bulla::cli
