#include "server/route_matcher.h"

#include <algorithm>
#include <functional>
#include <map>

#include "base/assert.h"

namespace bulla::server {
namespace {

bool is_word(char c) {
  return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') ||
         (c >= '0' && c <= '9') || c == '_';
}

// How a captured segment is checked; the order is that of precedence.
enum class Capture { kName, kNameWithAt, kAnySegment };

struct Captured {
  Capture kind;
  std::string_view name;
};

Captured parse_capture(std::string_view segment) {
  segment.remove_prefix(1);
  if (segment.ends_with('@')) {
    segment.remove_suffix(1);
    return {Capture::kNameWithAt, segment};
  }
  if (segment.ends_with('~')) {
    segment.remove_suffix(1);
    return {Capture::kAnySegment, segment};
  }
  return {Capture::kName, segment};
}

bool accepts(Capture kind, std::string_view segment) {
  switch (kind) {
    case Capture::kName:
      return is_generic_name(segment, false);
    case Capture::kNameWithAt:
      return is_generic_name(segment, true);
    case Capture::kAnySegment:
      return !segment.empty();
  }
  return false;
}

// The text up to the next '/' and, when there was one, what follows.
struct Split {
  std::string_view head;
  std::string_view rest;
  bool last;
};

Split split(std::string_view path) {
  const std::size_t slash = path.find('/');
  if (slash == std::string_view::npos) return {path, {}, true};
  return {path.substr(0, slash), path.substr(slash + 1), false};
}

}  // namespace

bool is_generic_name(std::string_view text, bool allow_at) {
  if (text.empty() || !is_word(text.front()) || !is_word(text.back())) {
    return false;
  }
  return std::all_of(text.begin(), text.end(), [&](char c) {
    return is_word(c) || c == '-' || c == '.' || (allow_at && c == '@');
  });
}

struct RouteMatcher::Node {
  std::map<std::string, std::unique_ptr<Node>, std::less<>> literals;
  struct Branch {
    Captured capture;
    std::unique_ptr<Node> next;
  };
  std::vector<Branch> captures;
  const api::Route* route = nullptr;  // a pattern ends here
  const api::Route* rest = nullptr;   // "*name" starts here
  std::string_view rest_name;

  Node& child(std::string_view segment);
  bool match(std::string_view path, RouteMatch& found) const;
  bool end(std::string_view path, RouteMatch& found) const;
};

RouteMatcher::Node& RouteMatcher::Node::child(std::string_view segment) {
  if (!segment.starts_with(':')) {
    auto& slot = literals[std::string(segment)];
    if (!slot) slot = std::make_unique<Node>();
    return *slot;
  }
  const Captured capture = parse_capture(segment);
  for (Branch& branch : captures) {
    if (branch.capture.kind == capture.kind &&
        branch.capture.name == capture.name) {
      return *branch.next;
    }
  }
  captures.push_back({capture, std::make_unique<Node>()});
  return *captures.back().next;
}

// Nothing of the path is left but `path` itself (whole rest, maybe empty).
bool RouteMatcher::Node::end(std::string_view path, RouteMatch& found) const {
  if (rest == nullptr) return false;
  BULLA_ASSERT(found.param_count < RouteMatch::kParamsMax);
  found.params[found.param_count++] = {rest_name, path};
  found.route = rest;
  return true;
}

bool RouteMatcher::Node::match(std::string_view path, RouteMatch& found) const {
  const Split part = split(path);
  const std::size_t depth = found.param_count;
  const auto descend = [&](const Node& next) {
    if (!part.last) return next.match(part.rest, found);
    if (next.route == nullptr) return next.end({}, found);
    found.route = next.route;
    return true;
  };
  if (const auto it = literals.find(part.head); it != literals.end()) {
    if (descend(*it->second)) return true;
    found.param_count = depth;
  }
  for (const Branch& branch : captures) {
    if (!accepts(branch.capture.kind, part.head)) continue;
    BULLA_ASSERT(depth < RouteMatch::kParamsMax);
    found.params[depth] = {branch.capture.name, part.head};
    found.param_count = depth + 1;
    if (descend(*branch.next)) return true;
    found.param_count = depth;
  }
  return end(path, found);
}

RouteMatcher::RouteMatcher(const std::vector<api::Route>& routes)
    : root_(std::make_unique<Node>()) {
  for (const api::Route& route : routes) {
    Node* node = root_.get();
    std::string_view pattern = route.pattern;
    bool done = pattern.empty();
    bool captured_rest = false;
    while (!done) {
      const Split part = split(pattern);
      if (part.head.starts_with('*')) {
        BULLA_ASSERT(part.last && node->rest == nullptr);
        node->rest = &route;
        node->rest_name = part.head.substr(1);
        captured_rest = true;
        break;
      }
      node = &node->child(part.head);
      pattern = part.rest;
      done = part.last;
    }
    if (captured_rest) continue;
    BULLA_ASSERT(node->route == nullptr);  // two routes of one pattern
    node->route = &route;
  }
}

RouteMatcher::~RouteMatcher() = default;

RouteMatch RouteMatcher::match(std::string_view path) const {
  RouteMatch found;
  if (path.empty()) {
    found.route = root_->route;
    if (found.route == nullptr) root_->end({}, found);
    return found;
  }
  if (!root_->match(path, found)) {
    found.route = nullptr;
    found.param_count = 0;
  }
  return found;
}

}  // namespace bulla::server
