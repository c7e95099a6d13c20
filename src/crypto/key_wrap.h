#pragma once

#include "base/bytes.h"
#include "base/result.h"
#include "base/secret_bytes.h"

namespace bulla::crypto {

/// AES key wrap with padding (RFC 5649, NIST SP 800-38F KWP). `kek` has 16, 24
/// or 32 bytes; `key` has 1 to 65536. Any thread.
Bytes wrap_kwp(ByteView kek, ByteView key);
/// `wrapped` is hostile.
///   kCorrupt  it is not what wrap_kwp(kek, …) made, whatever is wrong with it.
Result<SecretBytes> unwrap_kwp(ByteView kek, ByteView wrapped);

}  // namespace bulla::crypto
