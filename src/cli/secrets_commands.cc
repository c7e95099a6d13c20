#include <array>

#include "cli/mounts.h"

namespace bulla::cli {
namespace {

int list(Invocation& call) { return list_mounts(call, kSecretsMount); }
int enable(Invocation& call) { return enable_mount(call, kSecretsMount); }
int disable(Invocation& call) { return disable_mount(call, kSecretsMount); }
int tune(Invocation& call) { return tune_mount(call, kSecretsMount); }
int move(Invocation& call) { return move_mount(call, kSecretsMount); }

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
