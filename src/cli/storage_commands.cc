#include <fmt/format.h>

#include <array>

#include "cli/invocation.h"

namespace bulla::cli {
namespace {

std::string_view advice(ErrorCode code) {
  switch (code) {
    case ErrorCode::kConflict:
      return "name an empty destination: another path, table or directory";
    case ErrorCode::kUnavailable:
      return "run the command again: it goes on where it was";
    default:
      return "";
  }
}

std::string migrated_text(const Value& done) {
  return fmt::format(
      "Success! {} entries, {} bytes, are the same in both ({} written by this "
      "run{}).\nSHA-256 of all: {}\n\nNext: put the new storage into the "
      "server's configuration and start it. The old one\nis as it was: take "
      "it away once the server is unsealed.",
      done.integer_of("entries"), done.integer_of("bytes"),
      done.integer_of("written"), done.flag_of("resumed") ? ", resumed" : "",
      done.text_of("sha256"));
}

int migrate(Invocation& call) {
  const Flags& flags = call.flags();
  if (!flags.given("config")) {
    return call.misuse(
        "-config=FILE is needed, with storage_source and "
        "storage_destination");
  }
  std::optional<std::string> start;
  if (flags.given("start")) start = flags.text("start");
  const auto progress = [&](std::uint64_t entries) {
    if (!call.is_structured()) call.warn(fmt::format("{} entries", entries));
  };
  const auto json = call.host().migrate(flags.text("config"), start, progress);
  if (!json) {
    return call.refuse("Error migrating: " + json.error().message(),
                       advice(json.error().code()));
  }
  const auto done = parse_value(*json);
  if (!done) return call.refuse("Error: " + done.error().message());
  return call.show(*done, migrated_text(*done));
}

constexpr std::array<FlagRow, 2> kFlags = {{
    {"config", "c", FlagKind::kText, "FILE",
     "A file with storage_source \"TYPE\" { … } and storage_destination "
     "\"TYPE\" { … }, each with what the server's storage stanza has."},
    {"start", "", FlagKind::kText, "PATH",
     "Begin with this path, whatever an earlier run had copied."},
}};
constexpr std::array<Example, 1> kExamples = {{
    {"From one storage to another", "bulla operator migrate -config=move.hcl"},
}};
constexpr std::array<Command, 1> kCommands = {{
    {"operator migrate",
     "Copy the storage of a stopped server to another engine", "",
     "Copies everything from one storage to another, sealed as it is, and "
     "compares the two. The server must be stopped; its keys and shares stay "
     "what they are. A run that was broken off goes on when the command is run "
     "again. A destination that holds something already is refused, and no "
     "server starts on one that is not finished.",
     CommandKind::kLocal, 0, 0, migrate, kFlags, kExamples},
}};

}  // namespace

std::span<const Command> storage_commands() { return kCommands; }

}  // namespace bulla::cli
