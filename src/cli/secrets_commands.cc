#include <array>

#include "cli/mounts.h"
#include "cli/paths.h"

namespace bulla::cli {
namespace {

constexpr int kMovePolls = 600;
constexpr std::chrono::milliseconds kMovePause{500};

int list(Invocation& call) { return list_mounts(call, kSecretsMount); }
int enable(Invocation& call) { return enable_mount(call, kSecretsMount); }
int disable(Invocation& call) { return disable_mount(call, kSecretsMount); }
int tune(Invocation& call) { return tune_mount(call, kSecretsMount); }

std::string move_state(const Value& answer) {
  const Value* const data = answer.find("data");
  const Value* const info =
      data == nullptr ? nullptr : data->find("migration_info");
  return info == nullptr ? "" : info->text_of("status");
}

// Waits for the end of the move `id`; its exit code.
int follow_move(Invocation& call, const std::string& id,
                const std::string& names) {
  for (int i = 0; i < kMovePolls; ++i) {
    const auto answer = call.api().get("sys/remount/status/" + id);
    if (!answer) return call.fail("Error following the move", answer.error());
    const std::string state = move_state(answer->json);
    if (state == "success") {
      return call.done("Success! Finished moving secrets engine " + names +
                       ", with migration ID " + id);
    }
    if (state == "failure") {
      call.refuse("Failure! Could not move secrets engine " + names,
                  "see the server's log");
      return 2;
    }
    call.host().sleep(kMovePause);
  }
  call.refuse("The move goes on in the server",
              "`bulla read sys/remount/status/" + id + "`");
  return 2;
}

int move(Invocation& call) {
  const std::string from = mount_path(call.argument(0));
  const std::string to = mount_path(call.argument(1));
  Value body = Value::object();
  body.set("from", Value::string(from)).set("to", Value::string(to));
  const auto answer = call.api().put("sys/remount", std::move(body));
  if (!answer) {
    return call.fail("Error moving secrets engine " + from + " to " + to,
                     answer.error());
  }
  const std::string names = from + " to " + to;
  const Value* const data = answer->json.find("data");
  const std::string id = data == nullptr ? "" : data->text_of("migration_id");
  if (id.empty()) {
    return call.done("Success! Moved secrets engine " + names);
  }
  call.warn("Started moving secrets engine " + names + ", with migration ID " +
            id);
  return follow_move(call, id, names);
}

constexpr std::array<Example, 2> kEnableExamples = {{
    {"Enable transit", "bulla secrets enable transit"},
    {"Under another path", "bulla secrets enable -path=orders transit"},
}};
constexpr std::array<Example, 1> kTuneExamples = {{
    {"Let tokens and leases live a day at most",
     "bulla secrets tune -max-lease-ttl=24h transit/"},
}};
constexpr std::array<Example, 1> kMoveExamples = {{
    {"Move an engine", "bulla secrets move transit/ crypto/"},
}};

const std::array<Command, 6> kCommands = {{
    {"secrets", "Work with secrets engines", "",
     "Commands for secrets engines, which answer below the path where they "
     "are mounted.",
     CommandKind::kGroup},
    {"secrets list", "List the secrets engines", "",
     "Lists the secrets engines, by the path where they are mounted.",
     CommandKind::kRemote, 0, 0, list, list_mounts_flags()},
    {"secrets enable", "Mount a secrets engine", "TYPE",
     "Mounts a secrets engine of a type.", CommandKind::kRemote, 1, 1, enable,
     enable_mount_flags(), kEnableExamples},
    {"secrets disable", "Unmount a secrets engine", "PATH",
     "Unmounts a secrets engine and deletes all that is in it, keys too. What "
     "they encrypted cannot be decrypted again.",
     CommandKind::kRemote, 1, 1, disable},
    {"secrets tune", "Change settings of a secrets engine", "PATH",
     "Changes those settings of a secrets engine that are given.",
     CommandKind::kRemote, 1, 1, tune, tune_mount_flags(), kTuneExamples},
    {"secrets move",
     "Move a secrets engine to another path",
     "FROM TO",
     "Moves a secrets engine with all that is in it, and waits until it is "
     "done. Leases it has given are revoked; policies stay as they are and may "
     "have to be changed.",
     CommandKind::kRemote,
     2,
     2,
     move,
     {},
     kMoveExamples},
}};

}  // namespace

std::span<const Command> secrets_commands() { return kCommands; }

}  // namespace bulla::cli
