#pragma once

#include <map>
#include <optional>
#include <string>
#include <vector>

#include "auth/token_params.h"
#include "base/clock.h"
#include "base/result.h"
#include "base/secret_bytes.h"

namespace bulla::auth {

/// A role of approle, as docs/formats/login.md keeps it.
struct AppRole {
  std::string name;  ///< Its path, lower-case; not in the record.
  std::string role_id;
  SecretBytes key;  ///< Secret ids are found by their HMAC under it.
  bool bind_secret_id = true;
  bool local_secret_ids = false;
  std::vector<std::string> secret_id_bound_cidrs;
  std::int64_t secret_id_num_uses = 0;  ///< 0: any.
  Seconds secret_id_ttl{0};             ///< 0: for ever.
  TokenParams tokens;
};

SecretBytes serialize_app_role(const AppRole& role);
///   kCorrupt  not such a record.
Result<AppRole> parse_app_role(std::string name, ByteView record);

/// What is kept of a secret id: all but itself.
struct SecretId {
  std::string accessor;
  std::int64_t num_uses = 0;  ///< Left; 0: any.
  Seconds ttl{0};
  Time creation_time;
  Time last_updated_time;
  std::optional<Time> expiration_time;  ///< Absent: never.
  std::map<std::string, std::string> metadata;
  std::vector<std::string> cidr_list;
  std::vector<std::string> token_bound_cidrs;

  bool expired(Time now) const {
    return expiration_time && *expiration_time <= now;
  }
};

SecretBytes serialize_secret_id(const SecretId& secret_id);
///   kCorrupt  not such a record.
Result<SecretId> parse_secret_id(ByteView record);

}  // namespace bulla::auth
