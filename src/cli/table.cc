#include "cli/table.h"

#include <fmt/format.h>

#include <algorithm>
#include <cstddef>

namespace bulla::cli {
namespace {

constexpr std::string_view kGlue = "    ";

// Code points, which is near enough to terminal columns for names and keys.
std::size_t width_of(std::string_view text) {
  const auto starts = [](char c) {
    return (static_cast<unsigned char>(c) & 0xc0U) != 0x80U;
  };
  return static_cast<std::size_t>(
      std::count_if(text.begin(), text.end(), starts));
}

std::string cell_text(const std::string& cell) {
  return cell.empty() ? "n/a" : visible(cell);
}

std::vector<std::size_t> column_widths(const std::vector<TableRow>& rows) {
  std::vector<std::size_t> widths;
  for (const auto& row : rows) {
    widths.resize(std::max(widths.size(), row.size()));
    for (std::size_t i = 0; i < row.size(); ++i) {
      widths[i] = std::max(widths[i], width_of(cell_text(row[i])));
    }
  }
  return widths;
}

TableRow underline(const TableRow& head) {
  TableRow dashes;
  for (const auto& cell : head) dashes.emplace_back(width_of(cell), '-');
  return dashes;
}

}  // namespace

std::string format_columns(const std::vector<TableRow>& rows) {
  const auto widths = column_widths(rows);
  std::string out;
  for (const auto& row : rows) {
    if (!out.empty()) out += '\n';
    for (std::size_t i = 0; i < row.size(); ++i) {
      const std::string text = cell_text(row[i]);
      out += text;
      if (i + 1 == row.size()) continue;
      out.append(widths[i] - width_of(text), ' ').append(kGlue);
    }
  }
  return out;
}

std::string format_table(const std::vector<TableRow>& rows) {
  if (rows.empty()) return {};
  std::vector<TableRow> lines = rows;
  lines.insert(lines.begin() + 1, underline(rows.front()));
  return format_columns(lines);
}

std::string visible(std::string_view text) {
  std::string out;
  out.reserve(text.size());
  for (const char c : text) {
    const auto byte = static_cast<unsigned char>(c);
    const bool control =
        (byte < 0x20 && c != '\n' && c != '\t') || byte == 0x7f;
    if (!control) {
      out += c;
      continue;
    }
    out += fmt::format("\\x{:02x}", byte);
  }
  return out;
}

}  // namespace bulla::cli
