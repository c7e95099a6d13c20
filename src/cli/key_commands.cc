#include <array>

#include "cli/invocation.h"
#include "cli/table.h"

namespace bulla::cli {
namespace {

int show_key_status(Invocation& call, std::string_view before) {
  const auto answer = call.api().get("sys/key-status");
  if (!answer) return call.fail("Error reading key status", answer.error());
  const Value* const data = answer->json.find("data");
  const Value& status = data == nullptr ? answer->json : *data;
  const std::vector<TableRow> rows = {
      {"Key Term", std::to_string(status.integer_of("term"))},
      {"Install Time", status.text_of("install_time")},
      {"Encryption Count", std::to_string(status.integer_of("encryptions"))}};
  return call.show(status, std::string(before) + format_columns(rows));
}

int key_status(Invocation& call) { return show_key_status(call, ""); }

int rotate(Invocation& call) {
  const auto answer = call.api().put("sys/rotate");
  if (!answer) return call.fail("Error rotating key", answer.error());
  return show_key_status(call, "Success! Rotated key\n\n");
}

constexpr std::array<Command, 2> kCommands = {{
    {"operator rotate", "Rotate the key that encrypts the storage", "",
     "Makes a new key for the storage. What is written from now on is "
     "encrypted with it; what is there stays readable with the keys before. "
     "Unseal keys do not change.",
     CommandKind::kRemote, 0, 0, rotate},
    {"operator key-status", "Show the key that encrypts the storage", "",
     "Shows the term of the key that encrypts the storage, since when it is in "
     "use, and how often it was used.",
     CommandKind::kRemote, 0, 0, key_status},
}};

}  // namespace

std::span<const Command> key_commands() { return kCommands; }

}  // namespace bulla::cli
