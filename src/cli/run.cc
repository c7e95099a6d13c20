#include <optional>

#include "cli/help.h"
#include "cli/invocation.h"
#include "cli/suggest.h"

namespace bulla::cli {
namespace {

// What the arguments come to, before anything is done.
struct CommandLine {
  const Command* command = nullptr;  // Null for `bulla` alone.
  Flags flags;
  std::vector<std::string> arguments;
  bool version = false;
};

bool takes_arguments(const Command* command) {
  return command != nullptr && command->kind != CommandKind::kGroup;
}

FlagParser parser_of(const Command* command) {
  return {global_flags(),
          command == nullptr ? std::span<const FlagRow>() : command->flags};
}

Error unknown_command(std::string_view above, const std::string& word) {
  std::vector<std::string> known;
  for (const auto& row : all_commands()) {
    if (!is_listed_below(row, above)) continue;
    const std::size_t skip = above.empty() ? 0 : above.size() + 1;
    known.emplace_back(row.path.substr(skip));
  }
  const std::string near = nearest(word, known);
  std::string message = "unknown command \"" + word + "\"";
  if (!above.empty()) message += " of bulla " + std::string(above);
  if (!near.empty()) message += "; did you mean \"" + near + "\"?";
  return invalid_argument(message);
}

Result<void> take_word(CommandLine& line, const std::string& word) {
  if (takes_arguments(line.command)) {
    line.arguments.push_back(word);
    return {};
  }
  const std::string above(line.command == nullptr ? "" : line.command->path);
  const std::string path = above.empty() ? word : above + " " + word;
  const Command* const found = find_command(path);
  if (found == nullptr) return fail(unknown_command(above, word));
  line.command = found;
  return {};
}

bool is_version_flag(const std::string& word) {
  return word == "-version" || word == "--version" || word == "-v";
}

// Fills `line` even where it fails, so that the error can name the command.
Result<void> parse(const std::vector<std::string>& words, CommandLine& line) {
  bool flags_ended = false;
  for (std::size_t i = 0; i < words.size();) {
    if (line.command == nullptr && is_version_flag(words[i])) {
      line.version = true;
      return {};
    }
    if (!flags_ended && words[i] == "--") {
      flags_ended = true;
      ++i;
      continue;
    }
    std::size_t taken = 0;
    if (!flags_ended) {
      TRY_ASSIGN(taken, parser_of(line.command).take(words, i, line.flags));
    }
    if (taken == 0) {
      TRY(take_word(line, words[i]));
      taken = 1;
    }
    i += taken;
  }
  return {};
}

// By count alone: an argument may be a key.
Result<void> check_count(const Command& command, std::size_t count) {
  const auto plural = [](std::size_t n) {
    return std::to_string(n) + (n == 1 ? " argument" : " arguments");
  };
  if (count < command.arguments_min) {
    return fail(invalid_argument("not enough arguments (expected " +
                                 plural(command.arguments_min) + ", got " +
                                 std::to_string(count) + ")"));
  }
  if (count > command.arguments_max) {
    return fail(invalid_argument("too many arguments (expected " +
                                 plural(command.arguments_max) + ", got " +
                                 std::to_string(count) + ")"));
  }
  return {};
}

void know_tokens(const Host& host, Redactor& redactor) {
  for (const std::string name : {"BULLA_TOKEN", "VAULT_TOKEN"}) {
    if (const auto token = host.environment(name)) redactor.add(*token);
  }
}

int report(Host& host, const Redactor& redactor, const Error& error,
           const Command* command) {
  const std::string name =
      command == nullptr ? "bulla" : "bulla " + std::string(command->path);
  host.console.err(redactor.apply(name + ": " + error.message() +
                                  "\n\nNext: `" + name + " -h`\n"));
  return 1;
}

Result<int> run_command(Host& host, CommandLine& line, Redactor& redactor) {
  const Command& command = *line.command;
  TRY(check_count(command, line.arguments.size()));
  const bool remote = command.kind == CommandKind::kRemote;
  const FlagParser parser(remote ? global_flags() : std::span<const FlagRow>(),
                          command.flags);
  TRY(parser.add_environment(host.environment, line.flags));
  Settings settings;
  if (remote) {
    TRY_ASSIGN(settings, load_settings(line.flags, host.environment));
    redactor.add(as_text(settings.token.expose()));
  } else {
    TRY_ASSIGN(settings, load_local_settings(line.flags));
  }
  Invocation invocation(host, command, std::move(line.flags),
                        std::move(line.arguments), std::move(settings),
                        redactor);
  return command.run(invocation);
}

}  // namespace

int run(Host& host, const std::vector<std::string>& arguments) {
  Redactor redactor;
  know_tokens(host, redactor);
  CommandLine line;
  if (const auto parsed = parse(arguments, line); !parsed) {
    return report(host, redactor, parsed.error(), line.command);
  }
  if (line.version) return run(host, {"version"});
  const bool asked = line.flags.on("help");
  if (asked || !takes_arguments(line.command)) {
    host.console.out(line.command == nullptr ? overview_text()
                                             : help_text(*line.command));
    return asked ? 0 : 1;
  }
  const auto code = run_command(host, line, redactor);
  if (code) return *code;
  return report(host, redactor, code.error(), line.command);
}

}  // namespace bulla::cli
