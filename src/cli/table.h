#pragma once

#include <string>
#include <string_view>
#include <vector>

namespace bulla::cli {

using TableRow = std::vector<std::string>;

/// Columns four spaces apart, the first row underlined with dashes. Empty cells
/// read "n/a". No newline at the end.
std::string format_table(const std::vector<TableRow>& rows);

/// As format_table, without the underlining: for "Key Term    2".
std::string format_columns(const std::vector<TableRow>& rows);

/// `text` with control characters other than newline and tab written as \xNN:
/// what a server says must not drive the terminal.
std::string visible(std::string_view text);

}  // namespace bulla::cli
