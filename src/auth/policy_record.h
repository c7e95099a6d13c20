#pragma once

#include <string>

#include "auth/policy.h"
#include "base/bytes.h"
#include "base/secret_bytes.h"

namespace bulla::auth {

struct PolicyRecord {
  PolicyMeta meta;
  std::string text;
};

/// A policy as it is stored, all but its name, which is its path
/// (docs/formats/token.md).
SecretBytes serialize_policy(const PolicyRecord& record);

/// Reads one; input is hostile. What parses serialises to the same bytes.
///   kCorrupt  not such a record.
Result<PolicyRecord> parse_policy_record(ByteView record);

}  // namespace bulla::auth
