#pragma once

#include "base/result.h"
#include "base/secret_bytes.h"
#include "crypto/asymmetric.h"

namespace bulla::crypto {

/// ECDH (NIST SP 800-56A, 5.7.1.2): the x-coordinate of the point that the
/// owners of both keys share, as long as the curve's field. Pure; any thread.
/// Not yet a key: derive one from it.
///   kInvalidArgument  the two are not keys of one NIST curve.
///   kExhausted        no secure memory left.
Result<SecretBytes> ecdh(const PrivateKey& own, const PublicKey& peer);

}  // namespace bulla::crypto
