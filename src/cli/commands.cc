#include <algorithm>

#include "cli/command.h"

namespace bulla::cli {

const std::vector<Command>& all_commands() {
  static const std::vector<Command> kCommands = [] {
    std::vector<Command> rows;
    for (const auto group : {data_commands(),      kv_commands(),
                             kv_write_commands(),  kv_metadata_commands(),
                             unwrap_commands(),    login_commands(),
                             server_commands(),    status_commands(),
                             operator_commands(),  snapshot_commands(),
                             storage_commands(),   key_commands(),
                             rekey_commands(),     generate_root_commands(),
                             passkey_commands(),   kek_commands(),
                             check_commands(),     dek_commands(),
                             reencrypt_commands(), secrets_commands(),
                             transit_commands(),   auth_commands(),
                             policy_commands(),    token_commands(),
                             audit_commands(),     help_commands()}) {
      rows.insert(rows.end(), group.begin(), group.end());
    }
    return rows;
  }();
  return kCommands;
}

const Command* find_command(std::string_view path) {
  const auto& commands = all_commands();
  const auto found =
      std::find_if(commands.begin(), commands.end(),
                   [path](const Command& row) { return row.path == path; });
  return found == commands.end() ? nullptr : &*found;
}

bool is_listed_below(const Command& command, std::string_view path) {
  if (command.kind == CommandKind::kHidden) return false;
  std::string_view rest = command.path;
  if (!path.empty()) {
    if (rest.size() <= path.size() || rest.substr(0, path.size()) != path ||
        rest[path.size()] != ' ') {
      return false;
    }
    rest.remove_prefix(path.size() + 1);
  }
  return rest.find(' ') == std::string_view::npos;
}

}  // namespace bulla::cli
