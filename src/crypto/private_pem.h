#pragma once

#include <string_view>

#include "base/result.h"
#include "base/secret_bytes.h"

namespace bulla::crypto {

/// The first private key in `pem` as PKCS#8 (RFC 5958) in DER: as it stands, or
/// wrapped where it has the form of its algorithm (PKCS#1, RFC 8017 A.1.2; SEC
/// 1 with its curve, RFC 5915). Blocks of EC parameters before it are skipped.
/// The key itself is not judged: PrivateKey::from_pkcs8 does that. Input is
/// hostile. Any thread.
///   kInvalidArgument  no private key, or an encrypted one; says which.
Result<SecretBytes> private_key_from_pem(std::string_view pem);

}  // namespace bulla::crypto
