#include <algorithm>

#include "cli/help.h"

namespace bulla::cli {
namespace {

// Hyphens stay hyphens, and no line is taken for a macro.
std::string roff(std::string_view text) {
  std::string out;
  bool line_start = true;
  for (const char c : text) {
    if (line_start && (c == '.' || c == '\'')) out += "\\&";
    line_start = c == '\n';
    if (c == '-') {
      out += "\\-";
    } else if (c == '\\') {
      out += "\\e";
    } else {
      out += c;
    }
  }
  return out;
}

std::string paragraphs(std::string_view text) {
  std::string out;
  while (!text.empty()) {
    const auto end = text.find("\n\n");
    out += ".PP\n" + roff(text.substr(0, end)) + "\n";
    text.remove_prefix(end == std::string_view::npos ? text.size() : end + 2);
  }
  return out;
}

std::string flag_entries(std::span<const FlagRow> rows) {
  std::string out;
  for (const auto& row : rows) {
    out += ".TP\n.B " + roff(flag_usage(row)) + "\n" + roff(row.help) + "\n";
    if (row.variable.empty()) continue;
    const std::string name(row.variable);
    out += "Environment: BULLA_" + name + ", VAULT_" + name + ".\n";
  }
  return out;
}

std::string page_name(std::string_view path) {
  std::string name = "bulla";
  if (!path.empty()) name += "-" + std::string(path);
  std::replace(name.begin(), name.end(), ' ', '-');
  return name;
}

std::string head(std::string_view path, std::string_view synopsis,
                 std::string_view usage) {
  const std::string name = page_name(path);
  std::string title = name;
  for (char& c : title) {
    if (c >= 'a' && c <= 'z') c = static_cast<char>(c - 'a' + 'A');
  }
  return ".TH " + roff(title) +
         " 1 \"\" \"Bulla " BULLA_VERSION "\" \"Bulla manual\"\n.SH NAME\n" +
         roff(name) + " \\- " + roff(synopsis) + "\n.SH SYNOPSIS\n.B " +
         roff(usage) + "\n";
}

std::string subcommands(std::string_view path) {
  std::string out = ".SH COMMANDS\n";
  for (const auto& row : all_commands()) {
    if (!is_listed_below(row, path)) continue;
    out += ".TP\n.BR " + roff(page_name(row.path)) + " (1)\n" +
           roff(row.synopsis) + "\n";
  }
  return out;
}

std::string examples(std::span<const Example> rows) {
  if (rows.empty()) return {};
  std::string out = ".SH EXAMPLES\n";
  for (const auto& row : rows) {
    out += ".PP\n" + roff(row.what) + ":\n.PP\n.nf\n.RS\n" + roff(row.command) +
           "\n.RE\n.fi\n";
  }
  return out;
}

constexpr std::string_view kDescription =
    ".SH DESCRIPTION\nKeeps keys, and encrypts and decrypts with them for "
    "those "
    "whom a policy allows it, over the HTTP API of Vault and OpenBao. bulla "
    "server is the server; all other commands are clients of it, and their "
    "verbs and flags are Vault's.\n"
    ".SH ENVIRONMENT\n.TP\nBULLA_ADDR, VAULT_ADDR\nthe server's address\n.TP\n"
    "BULLA_TOKEN, VAULT_TOKEN\nthe token\n.PP\nA flag goes before "
    "BULLA_\\fINAME"
    "\\fR, that before VAULT_\\fINAME\\fR; the options below name theirs.\n";

constexpr std::string_view kExitStatus =
    ".SH EXIT STATUS\n.TP\n0\ndone\n.TP\n1\na mistake on this side: usage, a "
    "file, a missing field\n.TP\n2\nthe server answered with an error, or "
    "could not be reached, or has no such value; from status: it is sealed\n";

}  // namespace

std::string man_page(const Command* command) {
  if (command == nullptr) {
    return head("", "key management server and its command line",
                "bulla <command> [options]") +
           std::string(kDescription) + subcommands("") + ".SH OPTIONS\n" +
           flag_entries(global_flags()) + std::string(kExitStatus) +
           ".SH FILES\n.TP\n~/.vault\\-token\nthe token that login left, mode "
           "0600\n";
  }
  std::string out =
      head(command->path, command->synopsis, usage_line(*command)) +
      ".SH DESCRIPTION\n" + paragraphs(command->details);
  if (command->kind == CommandKind::kGroup) out += subcommands(command->path);
  if (!command->flags.empty()) {
    out += ".SH OPTIONS\n" + flag_entries(command->flags);
  }
  out += examples(command->examples);
  if (command->kind != CommandKind::kGroup) out += kExitStatus;
  return out +
         ".SH SEE ALSO\n.BR bulla (1)\nhas the options that every "
         "command takes.\n";
}

}  // namespace bulla::cli
