#pragma once

#include <string>
#include <string_view>

#include "cli/command.h"

namespace bulla::cli {

/// The help of `bulla` itself: every command with its synopsis.
std::string overview_text();
/// The help of one command or group.
std::string help_text(const Command& command);
/// The manual page of a command (section 1); of `bulla` itself for null.
std::string man_page(const Command* command);
/// The completion script for "bash", "zsh" or "fish"; "" for other shells.
std::string completion_script(std::string_view shell);

/// `text` filled to lines of at most `width` characters behind `indent` spaces;
/// paragraphs stay apart. Ends in a newline.
std::string fill(std::string_view text, std::size_t indent,
                 std::size_t width = 78);
/// "-address=<URL>", "-dev".
std::string flag_usage(const FlagRow& row);
/// "bulla operator init [options] …".
std::string usage_line(const Command& command);

}  // namespace bulla::cli
