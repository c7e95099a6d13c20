#pragma once

#include <string>
#include <string_view>

namespace bulla::cli {

/// `path` without white space and slashes around it.
inline std::string clean_path(std::string_view path) {
  constexpr std::string_view kDropped = " \t\r\n/";
  const auto first = path.find_first_not_of(kDropped);
  if (first == std::string_view::npos) return {};
  return std::string(
      path.substr(first, path.find_last_not_of(kDropped) - first + 1));
}

/// The same with one slash at its end: how mounts are named.
inline std::string mount_path(std::string_view path) {
  return clean_path(path) + "/";
}

}  // namespace bulla::cli
