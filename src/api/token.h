#pragma once

#include <cstdint>
#include <map>
#include <optional>
#include <string>
#include <vector>

#include "base/clock.h"

namespace bulla::api {

/// What is known of a token: everything but the token itself, of which only a
/// keyed hash is kept. Immutable once published; a renewal makes a new one.
struct Token {
  enum class Type : std::uint8_t { kService, kBatch };

  std::string hash;      ///< Lower-case hex of the keyed hash; "" for batch.
  std::string accessor;  ///< "" for batch tokens.
  std::string parent;    ///< The parent's hash; "" for orphans.
  Type type = Type::kService;
  std::vector<std::string> policies;  ///< Lower-case, sorted, unique.
  std::map<std::string, std::string> meta;
  std::string display_name;
  std::string path;  ///< Where it was made: "auth/token/create".
  std::string role;
  std::string entity_id;
  std::vector<std::string> bound_cidrs;
  Time creation_time;
  Time issue_time;
  std::optional<Time> last_renewal_time;
  std::optional<Time> expire_time;  ///< Absent: never.
  Seconds creation_ttl{0};
  Seconds explicit_max_ttl{0};
  Seconds period{0};
  std::int64_t num_uses = 0;  ///< Uses left; 0: unlimited.
  bool renewable = false;
  bool orphan = false;

  bool is_root() const {
    return policies.size() == 1 && policies.front() == "root";
  }
  bool expired(Time now) const { return expire_time && *expire_time <= now; }
  /// What its last issue or renewal gave; 0 for a token that never expires.
  Seconds granted_ttl() const {
    if (!expire_time) return Seconds{0};
    return std::chrono::duration_cast<Seconds>(
        *expire_time - last_renewal_time.value_or(issue_time));
  }
  /// Only the first root token has no lease at all.
  bool leased() const { return path != "auth/token/root"; }
};

}  // namespace bulla::api
