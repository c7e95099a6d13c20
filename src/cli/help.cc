#include "cli/help.h"

#include <algorithm>

namespace bulla::cli {
namespace {

constexpr std::size_t kCommonCommands =
    6;  // read write list delete login server

std::string command_line(const Command& row, std::string_view below,
                         std::size_t width) {
  const std::size_t skip = below.empty() ? 0 : below.size() + 1;
  std::string name(row.path.substr(skip));
  name.resize(std::max(width, name.size()), ' ');
  return "    " + name + "    " + std::string(row.synopsis) + "\n";
}

std::vector<const Command*> listed_below(std::string_view path) {
  std::vector<const Command*> rows;
  for (const auto& row : all_commands()) {
    if (is_listed_below(row, path)) rows.push_back(&row);
  }
  return rows;
}

std::string command_list(const std::vector<const Command*>& rows,
                         std::string_view below) {
  std::size_t width = 11;
  const std::size_t skip = below.empty() ? 0 : below.size() + 1;
  for (const auto* row : rows) {
    width = std::max(width, row->path.size() - skip);
  }
  std::string out;
  for (const auto* row : rows) out += command_line(*row, below, width);
  return out;
}

std::string flag_list(std::span<const FlagRow> rows) {
  std::string out;
  for (const auto& row : rows) {
    std::string help(row.help);
    if (!row.alias.empty()) help += " Also -" + std::string(row.alias) + ".";
    if (!row.variable.empty()) {
      const std::string name(row.variable);
      help += " Environment: BULLA_" + name + ", VAULT_" + name + ".";
    }
    out += "\n  " + flag_usage(row) + "\n" + fill(help, 6);
  }
  return out;
}

std::string example_list(std::span<const Example> rows) {
  std::string out;
  for (const auto& row : rows) {
    out += "\n" + fill(std::string(row.what) + ":", 2) + "\n      $ " +
           std::string(row.command) + "\n";
  }
  return out;
}

}  // namespace

std::string fill(std::string_view text, std::size_t indent, std::size_t width) {
  const std::string margin(indent, ' ');
  std::string out, line;
  const auto flush = [&] {
    if (!line.empty()) out += margin + line + "\n";
    line.clear();
  };
  while (!text.empty()) {
    if (text.substr(0, 2) == "\n\n") {
      flush();
      out += '\n';
    }
    const auto start = text.find_first_not_of(" \n");
    if (start == std::string_view::npos) break;
    text.remove_prefix(start);
    const auto word = text.substr(0, text.find_first_of(" \n"));
    text.remove_prefix(word.size());
    if (!line.empty() && indent + line.size() + 1 + word.size() > width)
      flush();
    if (!line.empty()) line += ' ';
    line += word;
  }
  flush();
  return out;
}

std::string flag_usage(const FlagRow& row) {
  std::string out = "-" + std::string(row.name);
  if (row.kind == FlagKind::kSwitch) return out;
  return out + "=<" + std::string(row.placeholder) + ">";
}

std::string usage_line(const Command& command) {
  std::string out = "bulla " + std::string(command.path);
  if (command.kind == CommandKind::kGroup) return out + " <command> [options]";
  out += " [options]";
  if (!command.arguments.empty()) out += " " + std::string(command.arguments);
  return out;
}

std::string overview_text() {
  auto rows = listed_below("");
  const auto rest = rows.begin() + static_cast<std::ptrdiff_t>(
                                       std::min(kCommonCommands, rows.size()));
  std::vector<const Command*> others(rest, rows.end());
  rows.erase(rest, rows.end());
  std::sort(others.begin(), others.end(),
            [](const auto* a, const auto* b) { return a->path < b->path; });
  return "Usage: bulla <command> [options]\n\nCommon commands:\n" +
         command_list(rows, "") + "\nOther commands:\n" +
         command_list(others, "") +
         "\n`bulla <command> -h` explains one of them.\n";
}

std::string help_text(const Command& command) {
  std::string out = "Usage: " + usage_line(command) + "\n\n" +
                    fill(command.details, 2) + example_list(command.examples);
  if (command.kind == CommandKind::kGroup) {
    return out + "\nCommands:\n\n" +
           command_list(listed_below(command.path), command.path);
  }
  if (!command.flags.empty()) {
    out += "\nOptions of this command:\n" + flag_list(command.flags);
  }
  if (command.kind == CommandKind::kRemote) {
    out += "\nOptions of every command:\n" + flag_list(global_flags());
  }
  return out;
}

}  // namespace bulla::cli
