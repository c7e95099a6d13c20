#pragma once

#include <cstddef>

#include "base/bytes.h"
#include "base/secret_bytes.h"

namespace bulla::crypto {

/// HKDF-SHA256 (RFC 5869) with an optional salt. `length` ≤ 8160 bytes.
SecretBytes hkdf_sha256(ByteView key, ByteView salt, ByteView info,
                        std::size_t length);

/// Counter-mode KDF of transit's legacy and imported derived keys
/// (reference/transit.md §5.2): HMAC-SHA256(key, be32(0) ‖ context ‖
/// be32(256)).
SecretBytes hmac_counter_kdf(ByteView key, ByteView context);

}  // namespace bulla::crypto
