#pragma once

#include <string>
#include <vector>

#include "base/bytes.h"
#include "base/result.h"
#include "base/secret_bytes.h"

namespace bulla::audit {

constexpr std::size_t kHeadersMax = 64;
constexpr std::size_t kHeaderNameBytesMax = 128;

/// A request header that lines show.
struct AuditedHeader {
  std::string name;   ///< Lower-case.
  bool hmac = false;  ///< Its values are hashed.
};

/// The headers, names ascending, as they are kept in the barrier
/// (docs/formats/audit.md). What parses serialises to the same bytes.
SecretBytes serialize_headers(const std::vector<AuditedHeader>& headers);
/// kCorrupt  not such a record, or a limit above is passed.
Result<std::vector<AuditedHeader>> parse_headers(ByteView bytes);

}  // namespace bulla::audit
