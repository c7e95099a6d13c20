#include <array>

#include "cli/invocation.h"
#include "cli/key_values.h"
#include "cli/paths.h"
#include "cli/table.h"

namespace bulla::cli {
namespace {

// As they are given to `audit enable`.
std::string options_cell(const Value& info) {
  const Value* const options = info.find("options");
  if (options == nullptr) return "";
  std::string out;
  for (std::size_t i = 0; i < options->keys.size(); ++i) {
    if (i > 0) out += ' ';
    out += options->keys[i] + "=" + to_plain(options->items[i]);
  }
  return out;
}

std::vector<TableRow> device_rows(const Value& devices, bool detailed) {
  std::vector<TableRow> rows = {{"Path", "Type", "Description"}};
  if (detailed) rows[0].insert(rows[0].end(), {"Replication", "Options"});
  for (std::size_t i = 0; i < devices.keys.size(); ++i) {
    const Value& info = devices.items[i];
    if (info.find("type") == nullptr) continue;
    TableRow row = {devices.keys[i], info.text_of("type"),
                    info.text_of("description")};
    if (detailed) {
      row.push_back(info.flag_of("local") ? "local" : "replicated");
      row.push_back(options_cell(info));
    }
    rows.push_back(std::move(row));
  }
  return rows;
}

int list(Invocation& call) {
  const auto answer = call.api().get("sys/audit");
  if (!answer) return call.fail("Error listing audits", answer.error());
  const Value* const data = answer->json.find("data");
  const Value devices =
      data == nullptr || data->is_null() ? Value::object() : sorted(*data);
  if (devices.keys.empty() && !call.is_structured()) {
    call.out("No audit devices are enabled.");
    call.warn(
        "Next: `bulla audit enable file file_path=/var/log/bulla/audit.log`");
    return 2;
  }
  const auto rows = device_rows(devices, call.flags().on("detailed"));
  return call.show(devices, format_table(rows));
}

int enable(Invocation& call) {
  const std::string type = clean_path(call.argument(0));
  const std::string path = call.flags().text("path", type);
  KeyValueReader reader(call.host().console);
  const auto& arguments = call.arguments();
  auto options = reader.read({arguments.begin() + 1, arguments.end()}, 2);
  if (!options) return call.misuse(options.error().message());
  Value body = Value::object();
  body.set("type", Value::string(type));
  body.set("description", Value::string(call.flags().text("description")));
  body.set("options", *std::move(options));
  body.set("local", Value::boolean(call.flags().on("local")));
  const auto answer =
      call.api().put("sys/audit/" + clean_path(path), std::move(body));
  if (!answer) return call.fail("Error enabling audit device", answer.error());
  return call.done("Success! Enabled the " + type +
                   " audit device at: " + mount_path(path));
}

int disable(Invocation& call) {
  const std::string path = mount_path(call.argument(0));
  const auto answer = call.api().remove("sys/audit/" + clean_path(path));
  if (!answer) return call.fail("Error disabling audit device", answer.error());
  return call.done("Success! Disabled audit device (if it was enabled) at: " +
                   path);
}

constexpr std::array<FlagRow, 1> kListFlags = {{
    {"detailed", "", FlagKind::kSwitch, "", "Show options, too."},
}};
constexpr std::array<FlagRow, 3> kEnableFlags = {{
    {"description", "", FlagKind::kText, "TEXT", "What it is for, for people."},
    {"path", "", FlagKind::kText, "PATH",
     "Name of the device; its type if nothing is said."},
    {"local", "", FlagKind::kSwitch, "", "Do not replicate."},
}};
constexpr std::array<Example, 2> kEnableExamples = {{
    {"Log to a file",
     "bulla audit enable file file_path=/var/log/bulla/audit.log"},
    {"Log to a socket",
     "bulla audit enable socket address=127.0.0.1:9090 socket_type=tcp"},
}};

constexpr std::array<Command, 4> kCommands = {{
    {"audit", "Work with audit devices", "",
     "Commands for audit devices, which log every request and answer.",
     CommandKind::kGroup},
    {"audit list", "List the audit devices", "", "Lists the audit devices.",
     CommandKind::kRemote, 0, 0, list, kListFlags},
    {"audit enable", "Enable an audit device", "TYPE [KEY=VALUE...]",
     "Enables an audit device of a type, with its options. From then on a "
     "request that no device can log is refused.",
     CommandKind::kRemote, 1, kAnyNumber, enable, kEnableFlags,
     kEnableExamples},
    {"audit disable", "Disable an audit device", "PATH",
     "Disables an audit device. What it has logged stays where it is, but its "
     "hashes can no longer be told from the values they stand for.",
     CommandKind::kRemote, 1, 1, disable},
}};

}  // namespace

std::span<const Command> audit_commands() { return kCommands; }

}  // namespace bulla::cli
