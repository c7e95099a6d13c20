#include <algorithm>
#include <array>

#include "cli/api_client.h"

namespace bulla::cli {
namespace {

// Paths that ask for sudo besides; one that ends in '*' stands for all below.
constexpr std::array<std::string_view, 21> kSudoPaths = {
    "auth/token/accessors",
    "auth/token/revoke-orphan",
    "sys/audit",
    "sys/audit/*",
    "sys/auth/*",
    "sys/config/auditing/*",
    "sys/config/cors",
    "sys/config/ui/headers/*",
    "sys/internal/inspect/*",
    "sys/leases",
    "sys/leases/lookup/*",
    "sys/leases/revoke-force/*",
    "sys/leases/revoke-prefix/*",
    "sys/plugins/catalog/*",
    "sys/raw*",
    "sys/remount",
    "sys/revoke-force/*",
    "sys/revoke-prefix/*",
    "sys/rotate*",
    "sys/seal",
    "sys/step-down"};

bool asks_for_sudo(std::string_view path) {
  return std::ranges::any_of(kSudoPaths, [path](std::string_view known) {
    if (!known.ends_with('*')) return path == known;
    known.remove_suffix(1);
    return path.starts_with(known);
  });
}

bool is_list(const ApiRequest& request) {
  return std::ranges::count(request.query, std::pair<std::string, std::string>{
                                               "list", "true"}) != 0;
}

std::string_view words_of(const ApiRequest& request) {
  if (request.method == "DELETE") return "\"delete\"";
  if (request.method == "PATCH") return "\"patch\"";
  if (request.method == "LIST" || is_list(request)) return "\"list\"";
  if (request.method == "GET") return "\"read\"";
  return "\"create\", \"update\"";
}

std::string quoted(std::string_view text) {
  std::string out = "\"";
  for (const char c : text) {
    if (c == '"' || c == '\\') out += '\\';
    out += c;
  }
  return out + '"';
}

}  // namespace

std::string policy_string(const ApiRequest& request) {
  std::string_view path = request.path;
  while (path.ends_with('/')) path.remove_suffix(1);
  return "path " + quoted(path) + " {\n  capabilities = [" +
         std::string(words_of(request)) +
         (asks_for_sudo(path) ? ", \"sudo\"" : "") + "]\n}";
}

}  // namespace bulla::cli
