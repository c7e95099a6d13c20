#pragma once

#include <array>
#include <cstddef>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "api/backend.h"

namespace bulla::server {

/// A route that a path matched, and what its pattern captured (views into the
/// path).
struct RouteMatch {
  static constexpr std::size_t kParamsMax = 6;
  const api::Route* route = nullptr;
  std::array<api::PathParam, kParamsMax> params;
  std::size_t param_count = 0;
};

/// A backend's patterns compiled to a trie by segment. Matching allocates
/// nothing. Immutable; the routes must outlive it.
class RouteMatcher {
 public:
  explicit RouteMatcher(const std::vector<api::Route>& routes);
  ~RouteMatcher();

  /// `path` inside the mount, LIST's trailing slash already taken off.
  /// match.route is null when nothing matches.
  RouteMatch match(std::string_view path) const;

 private:
  struct Node;
  std::unique_ptr<Node> root_;
};

/// \w(([\w-.]+)?\w)? : what a ":name" segment accepts.
bool is_generic_name(std::string_view text, bool allow_at);

}  // namespace bulla::server
