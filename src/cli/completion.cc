#include "cli/help.h"

namespace bulla::cli {
namespace {

std::string words_below(std::string_view path) {
  std::string words;
  const std::size_t skip = path.empty() ? 0 : path.size() + 1;
  for (const auto& row : all_commands()) {
    if (!is_listed_below(row, path)) continue;
    if (!words.empty()) words += ' ';
    words += row.path.substr(skip);
  }
  return words;
}

std::string flag_words(std::span<const FlagRow> rows) {
  std::string words;
  for (const auto& row : rows) {
    if (!words.empty()) words += ' ';
    words += "-" + std::string(row.name);
    if (row.kind != FlagKind::kSwitch) words += '=';
  }
  return words;
}

// `case "$at" in` branches that set the two word lists of each command.
std::string case_branches() {
  std::string out = "    '') subs='" + words_below("") + "' ;;\n";
  for (const auto& row : all_commands()) {
    if (row.kind == CommandKind::kHidden) continue;
    out += "    '" + std::string(row.path) + "') ";
    out += row.kind == CommandKind::kGroup
               ? "subs='" + words_below(row.path) + "'"
               : "flags='" + flag_words(row.flags) + "'";
    out += " ;;\n";
  }
  return out;
}

// Walks the words before the cursor: "operator init" from "-format=json
// operator -address=x init". A word that leads to no command is an argument.
std::string path_walk(std::string_view list) {
  return "  local at='' word next\n"
         "  for word in " +
         std::string(list) +
         "; do\n"
         "    case \"$word\" in -*) continue ;; esac\n"
         "    next=\"${at:+$at }$word\"\n"
         "    case \"$known\" in *\"|$next|\"*) at=\"$next\" ;; esac\n"
         "  done\n";
}

std::string known_paths() {
  std::string out = "|";
  for (const auto& row : all_commands()) {
    if (row.kind != CommandKind::kHidden) out += std::string(row.path) + "|";
  }
  return "  local known='" + out + "'\n";
}

std::string word_lists() {
  return "  local subs='' flags='' common='" + flag_words(global_flags()) +
         "'\n  case \"$at\" in\n" + case_branches() + "  esac\n";
}

std::string bash_script() {
  return "# bash completion for bulla; load it with\n"
         "#   source <(bulla completion bash)\n"
         "_bulla() {\n" +
         known_paths() + path_walk("\"${COMP_WORDS[@]:1:COMP_CWORD-1}\"") +
         word_lists() +
         "  local current=\"${COMP_WORDS[COMP_CWORD]}\"\n"
         "  case \"$current\" in\n"
         "    -*) subs=\"$flags $common\" ;;\n"
         "  esac\n"
         "  COMPREPLY=($(compgen -W \"$subs\" -- \"$current\"))\n"
         "  [[ ${COMPREPLY[0]} == *= ]] && compopt -o nospace\n"
         "  return 0\n"
         "}\n"
         "complete -o default -F _bulla bulla\n";
}

std::string zsh_script() {
  return "#compdef bulla\n"
         "# zsh completion for bulla; load it with\n"
         "#   source <(bulla completion zsh)\n"
         "_bulla() {\n" +
         known_paths() + path_walk("\"${(@)words[2,CURRENT-1]}\"") +
         "  local current=\"${words[CURRENT]}\"\n" + word_lists() +
         "  case \"$current\" in\n"
         "    -*) compadd -S '' -- ${=flags} ${=common} ;;\n"
         "    *) if [ -n \"$subs\" ]; then compadd -- ${=subs}; "
         "else _files; fi ;;\n"
         "  esac\n"
         "}\n"
         "compdef _bulla bulla\n";
}

std::string fish_line(const Command& row) {
  const auto space = row.path.rfind(' ');
  const bool top = space == std::string_view::npos;
  const std::string above(top ? "" : row.path.substr(0, space));
  const std::string name(top ? row.path : row.path.substr(space + 1));
  return "complete -c bulla -f -n \"test (__bulla_path) = '" + above +
         "'\" -a '" + name + "' -d '" + std::string(row.synopsis) + "'\n";
}

std::string fish_flags(std::string_view condition,
                       std::span<const FlagRow> rows) {
  std::string out;
  for (const auto& row : rows) {
    out += "complete -c bulla " + std::string(condition) + " -o '" +
           std::string(row.name) + "'";
    if (row.kind != FlagKind::kSwitch) out += " -r";
    out += "\n";
  }
  return out;
}

std::string fish_script() {
  std::string known;
  for (const auto& row : all_commands()) {
    if (row.kind == CommandKind::kHidden) continue;
    known += " '" + std::string(row.path) + "'";
  }
  std::string out =
      "# fish completion for bulla; load it with\n"
      "#   bulla completion fish | source\n"
      "function __bulla_path\n"
      "  set -l path ''\n"
      "  for word in (commandline -opc)[2..-1]\n"
      "    string match -q -- '-*' $word; and continue\n"
      "    set -l next (string trim \"$path $word\")\n"
      "    contains -- \"$next\"" +
      known +
      "; and set path \"$next\"\n"
      "  end\n"
      "  echo \"$path\"\n"
      "end\n";
  for (const auto& row : all_commands()) {
    if (row.kind == CommandKind::kHidden) continue;
    out += fish_line(row);
    out += fish_flags(
        "-n \"test (__bulla_path) = '" + std::string(row.path) + "'\"",
        row.flags);
  }
  return out + fish_flags("", global_flags());
}

}  // namespace

std::string completion_script(std::string_view shell) {
  if (shell == "bash") return bash_script();
  if (shell == "zsh") return zsh_script();
  if (shell == "fish") return fish_script();
  return {};
}

}  // namespace bulla::cli
