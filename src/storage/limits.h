#pragma once

#include <cstddef>
#include <span>
#include <string_view>

#include "base/result.h"
#include "storage/storage.h"

namespace bulla::storage {

/// What every engine checks before it touches anything. All answer
/// kInvalidArgument, naming the limit that is passed.
Result<void> check_path(std::string_view path);
/// Paths, value sizes, the number of changes, and that no path stands twice.
Result<void> check_changes(std::span<const Change> changes);
/// A list prefix is empty or ends in '/'.
Result<void> check_list_prefix(std::string_view prefix);

/// The number of names to give for a caller's `limit`.
inline std::size_t effective_limit(std::size_t limit) {
  if (limit == 0 || limit > Storage::kListMax) return Storage::kListMax;
  return limit;
}

}  // namespace bulla::storage
