#pragma once

#include <cstddef>
#include <cstdint>
#include <span>
#include <string_view>
#include <vector>

#include "cli/flags.h"

namespace bulla::cli {

class Invocation;

struct Example {
  std::string_view what;     ///< "Read the status as JSON"
  std::string_view command;  ///< "bulla status -format=json"
};

enum class CommandKind : std::uint8_t {
  kRemote,  ///< Speaks to a server.
  kLocal,   ///< Does not; has no HTTP flags in its help.
  kGroup,   ///< "operator": only shows what is below it.
  kHidden,  ///< Local, and in no list.
};

constexpr std::size_t kAnyNumber = SIZE_MAX;

/// One command, one row: what runs, documents and completes it.
struct Command {
  std::string_view path;       ///< "operator init"
  std::string_view synopsis;   ///< One line without a full stop.
  std::string_view arguments;  ///< "PATH [KEY=VALUE…]"; "" for none.
  std::string_view details;    ///< Paragraphs, an empty line between them.
  CommandKind kind = CommandKind::kRemote;
  std::size_t arguments_min = 0;
  std::size_t arguments_max = 0;
  int (*run)(Invocation&) = nullptr;  ///< Null for a group.
  std::span<const FlagRow> flags = {};
  std::span<const Example> examples = {};
};

/// Every command, groups before what they hold.
const std::vector<Command>& all_commands();
/// The row of exactly that path; null when there is none.
const Command* find_command(std::string_view path);
/// Whether `command` stands directly below `path` ("" for the top) and is
/// shown.
bool is_listed_below(const Command& command, std::string_view path);

/// The flags that every command takes.
std::span<const FlagRow> global_flags();

// The rows of each group, beside their functions.
std::span<const Command> data_commands();
std::span<const Command> kv_commands();
std::span<const Command> kv_write_commands();
std::span<const Command> kv_metadata_commands();
std::span<const Command> operator_commands();
std::span<const Command> storage_commands();
std::span<const Command> key_commands();
std::span<const Command> rekey_commands();
std::span<const Command> generate_root_commands();
std::span<const Command> snapshot_commands();
std::span<const Command> passkey_commands();
std::span<const Command> kek_commands();
std::span<const Command> dek_commands();
std::span<const Command> reencrypt_commands();
std::span<const Command> check_commands();
std::span<const Command> status_commands();
std::span<const Command> login_commands();
std::span<const Command> secrets_commands();
std::span<const Command> transit_commands();
std::span<const Command> auth_commands();
std::span<const Command> policy_commands();
std::span<const Command> token_commands();
std::span<const Command> audit_commands();
std::span<const Command> unwrap_commands();
std::span<const Command> server_commands();
std::span<const Command> help_commands();

}  // namespace bulla::cli
