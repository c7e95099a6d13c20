#include <array>

#include "cli/invocation.h"
#include "cli/seal_status.h"
#include "cli/table.h"

namespace bulla::cli {
namespace {

// The leader's members join the status; where there is no leader to ask, the
// status still says what it can.
void add_leader(Invocation& call, Value& status) {
  const auto leader = call.api().get("sys/leader");
  if (!leader || !leader->json.is(Value::Kind::kObject)) {
    status.set("ha_enabled", Value::boolean(false));
    return;
  }
  for (std::size_t i = 0; i < leader->json.items.size(); ++i) {
    status.set(leader->json.keys[i], leader->json.items[i]);
  }
}

int show_status(Invocation& call) {
  const auto answer = call.api().get("sys/seal-status");
  if (!answer) {
    const int code = call.fail("Error checking seal status", answer.error());
    return code == 0 ? 0 : 1;
  }
  Value status = answer->json;
  add_leader(call, status);
  const int shown = call.show(status, format_table(seal_status_rows(status)));
  if (shown != 0) return shown;
  return status.flag_of("sealed") ? 2 : 0;
}

constexpr std::array<Example, 1> kExamples = {{
    {"Wait in a script until the server is unsealed",
     "until bulla status >/dev/null; do sleep 1; done"},
}};
constexpr std::array<Command, 1> kCommands = {{
    {"status",
     "Show whether the server is sealed",
     "",
     "Shows the state of the server. Needs no token. The exit code is 0 where "
     "the server is unsealed, 2 where it is sealed, and 1 on an error.",
     CommandKind::kRemote,
     0,
     0,
     show_status,
     {},
     kExamples},
}};

}  // namespace

std::span<const Command> status_commands() { return kCommands; }

}  // namespace bulla::cli
