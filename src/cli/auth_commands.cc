#include <array>

#include "cli/mounts.h"

namespace bulla::cli {
namespace {

int list(Invocation& call) { return list_mounts(call, kAuthMount); }
int enable(Invocation& call) { return enable_mount(call, kAuthMount); }
int disable(Invocation& call) { return disable_mount(call, kAuthMount); }
int tune(Invocation& call) { return tune_mount(call, kAuthMount); }
int move(Invocation& call) { return move_mount(call, kAuthMount); }

// What a method is told at login is the server's to say: it has the help.
int method_help(Invocation& call) {
  const std::string name = call.argument(0);
  const auto answer = call.api().call(
      {.path = "auth/" + name + "/login", .query = {{"help", "1"}}});
  if (!answer) {
    return call.fail("Error reading the help of " + name, answer.error());
  }
  return call.show(answer->json, answer->json.text_of("help"));
}

constexpr std::array<Example, 1> kEnableExamples = {{
    {"Enable logins by role", "bulla auth enable approle"},
}};
constexpr std::array<Example, 1> kTuneExamples = {{
    {"Let its tokens live eight hours",
     "bulla auth tune -default-lease-ttl=8h approle/"},
}};

const std::array<Command, 7> kCommands = {{
    {"auth", "Work with auth methods", "",
     "Commands for auth methods, by which users and machines log in.",
     CommandKind::kGroup},
    {"auth list", "List the auth methods", "",
     "Lists the auth methods, by the path below auth/ where they are mounted.",
     CommandKind::kRemote, 0, 0, list, list_mounts_flags()},
    {"auth enable", "Mount an auth method", "TYPE",
     "Mounts an auth method of a type.", CommandKind::kRemote, 1, 1, enable,
     enable_mount_flags(), kEnableExamples},
    {"auth disable", "Unmount an auth method", "PATH",
     "Unmounts an auth method. All tokens that it gave are revoked.",
     CommandKind::kRemote, 1, 1, disable},
    {"auth tune", "Change settings of an auth method", "PATH",
     "Changes those settings of an auth method that are given.",
     CommandKind::kRemote, 1, 1, tune, tune_mount_flags(), kTuneExamples},
    {"auth move", "Move an auth method to another path", "FROM TO",
     "Moves an auth method, and waits until it is done. The tokens that it "
     "gave are revoked; policies stay as they are and may have to be changed.",
     CommandKind::kRemote, 2, 2, move},
    {"auth help", "Explain how to log in with an auth method", "PATH",
     "Prints what the login of the auth method at a path asks for.",
     CommandKind::kRemote, 1, 1, method_help},
}};

}  // namespace

std::span<const Command> auth_commands() { return kCommands; }

}  // namespace bulla::cli
