#include <array>

#include "cli/help.h"
#include "cli/invocation.h"
#include "cli/paths.h"
#include "cli/table.h"

namespace bulla::cli {
namespace {

int path_help(Invocation& call) {
  const std::string path = clean_path(call.argument(0));
  const auto answer = call.api().call({.path = path, .query = {{"help", "1"}}});
  if (!answer) return call.fail("Error retrieving help", answer.error());
  std::string text = visible(answer->json.text_of("help"));
  while (!text.empty() && text.back() == '\n') text.pop_back();
  return call.show(answer->json, text);
}

int version(Invocation& call) {
  call.out("Bulla v" BULLA_VERSION);
  return 0;
}

std::string joined(const std::vector<std::string>& words) {
  std::string out;
  for (const auto& word : words) out += (out.empty() ? "" : " ") + word;
  return out;
}

int no_such_command(Invocation& call) {
  return call.refuse("There is no such command", "`bulla -h`");
}

int help(Invocation& call) {
  const std::string path = joined(call.arguments());
  const Command* const command = find_command(path);
  if (command == nullptr && !path.empty()) return no_such_command(call);
  call.host().console.out(path.empty() ? overview_text() : help_text(*command));
  return 0;
}

int man(Invocation& call) {
  const std::string path = joined(call.arguments());
  const Command* const command = find_command(path);
  if (command == nullptr && !path.empty()) return no_such_command(call);
  call.host().console.out(man_page(command));
  return 0;
}

int completion(Invocation& call) {
  const std::string script = completion_script(call.argument(0));
  if (script.empty()) return call.misuse("the shells are bash, zsh and fish");
  call.host().console.out(script);
  return 0;
}

constexpr std::array<Example, 1> kPathHelpExamples = {{
    {"What can be written there?", "bulla path-help transit/keys/orders"},
}};
constexpr std::array<Example, 2> kCompletionExamples = {{
    {"In bash", "source <(bulla completion bash)"},
    {"In fish", "bulla completion fish | source"},
}};

constexpr std::array<Command, 5> kCommands = {{
    {"path-help",
     "Explain what a path of the API offers",
     "PATH",
     "Prints what the server says about a path: what it is for, and the "
     "parameters it takes.",
     CommandKind::kRemote,
     1,
     1,
     path_help,
     {},
     kPathHelpExamples},
    {"version", "Print the version", "", "Prints the version of this program.",
     CommandKind::kLocal, 0, 0, version},
    {"completion",
     "Print a script that completes commands in a shell",
     "bash|zsh|fish",
     "Prints a script with which a shell completes commands and flags.",
     CommandKind::kLocal,
     1,
     1,
     completion,
     {},
     kCompletionExamples},
    {"help", "Explain a command", "[COMMAND...]",
     "Prints the help of a command, as -h does.", CommandKind::kHidden, 0, 2,
     help},
    {"man", "Print a manual page", "[COMMAND...]",
     "Prints the manual page of a command, or of bulla itself, in roff.",
     CommandKind::kHidden, 0, 2, man},
}};

}  // namespace

std::span<const Command> help_commands() { return kCommands; }

}  // namespace bulla::cli
