#pragma once

#include <memory>
#include <string>

#include "api/token.h"
#include "base/result.h"
#include "base/secret_bytes.h"

namespace bulla::auth {

/// num_uses of a token whose last use has been taken and whose revocation is
/// under way.
constexpr std::int64_t kUsesExhausted = -1;

/// A stored token, all but its hash, which is its path
/// (docs/formats/token.md).
SecretBytes serialize_token(const api::Token& token);

/// Reads one; input is hostile. What parses serialises to the same bytes.
///   kCorrupt  not such a record.
Result<std::shared_ptr<const api::Token>> parse_token(std::string hash,
                                                      ByteView record);

}  // namespace bulla::auth
