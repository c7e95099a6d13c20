#pragma once

#include <cstddef>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "base/result.h"

namespace bulla::storage {

// Listing over any ordered engine. A Cursor has
//   Result<std::optional<std::string_view>> seek(std::string_view at_least);
//   Result<std::optional<std::string_view>> next();
// giving the path it stands on, or nothing behind the last one.

/// Storage::list: whole sub-trees are stepped over by one seek each.
template <typename Cursor>
Result<std::vector<std::string>> list_segments(Cursor& cursor,
                                               std::string_view prefix,
                                               std::string_view after,
                                               std::size_t limit) {
  std::vector<std::string> names;
  std::string from(prefix);
  from += after;
  TRY_ASSIGN(std::optional<std::string_view> path, cursor.seek(from));
  while (path && path->starts_with(prefix) && names.size() < limit) {
    const std::string_view rest = path->substr(prefix.size());
    const std::size_t slash = rest.find('/');
    const std::string segment(rest.substr(0, slash + (slash != rest.npos)));
    if (!segment.empty() && after.compare(segment) < 0)
      names.push_back(segment);
    if (slash == rest.npos) {
      TRY_ASSIGN(path, cursor.next());
      continue;
    }
    from.assign(prefix);
    from += segment;
    from.back() = '/' + 1;  // the first path behind everything below segment
    TRY_ASSIGN(path, cursor.seek(from));
  }
  return names;
}

/// Storage::scan.
template <typename Cursor>
Result<std::vector<std::string>> scan_paths(Cursor& cursor,
                                            std::string_view prefix,
                                            std::string_view after,
                                            std::size_t limit) {
  std::vector<std::string> paths;
  const std::string_view from = after > prefix ? after : prefix;
  TRY_ASSIGN(std::optional<std::string_view> path, cursor.seek(from));
  while (path && path->starts_with(prefix) && paths.size() < limit) {
    if (*path > after) paths.emplace_back(*path);
    TRY_ASSIGN(path, cursor.next());
  }
  return paths;
}

}  // namespace bulla::storage
