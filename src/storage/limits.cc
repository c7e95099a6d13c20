#include "storage/limits.h"

#include <fmt/format.h>

#include <algorithm>
#include <vector>

namespace bulla::storage {
namespace {

Result<void> check_no_path_twice(std::span<const Change> changes) {
  std::vector<std::string_view> paths;
  paths.reserve(changes.size());
  for (const Change& change : changes) paths.emplace_back(change.path);
  std::sort(paths.begin(), paths.end());
  const auto twice = std::adjacent_find(paths.begin(), paths.end());
  if (twice == paths.end()) return {};
  return fail(invalid_argument(
      fmt::format("path \"{}\" stands twice in one commit", *twice)));
}

}  // namespace

Result<void> check_path(std::string_view path) {
  if (path.empty()) return fail(invalid_argument("storage path is empty"));
  if (path.size() > Storage::kPathBytesMax) {
    return fail(invalid_argument(
        fmt::format("storage path of {} bytes is over the limit of {}",
                    path.size(), Storage::kPathBytesMax)));
  }
  return {};
}

Result<void> check_changes(std::span<const Change> changes) {
  if (changes.size() > Storage::kChangesMax) {
    return fail(invalid_argument(
        fmt::format("a commit of {} changes is over the limit of {}",
                    changes.size(), Storage::kChangesMax)));
  }
  for (const Change& change : changes) {
    TRY(check_path(change.path));
    if (change.value && change.value->size() > Storage::kValueBytesMax) {
      return fail(invalid_argument(fmt::format(
          "the value of {} bytes at \"{}\" is over the limit of {}",
          change.value->size(), change.path, Storage::kValueBytesMax)));
    }
  }
  if (changes.size() < 2) return {};
  return check_no_path_twice(changes);
}

Result<void> check_list_prefix(std::string_view prefix) {
  if (prefix.empty() || prefix.back() == '/') return {};
  return fail(invalid_argument(
      fmt::format("list prefix \"{}\" does not end in '/'", prefix)));
}

}  // namespace bulla::storage
