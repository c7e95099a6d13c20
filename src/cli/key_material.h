#pragma once

#include <string>

#include "base/bytes.h"
#include "base/result.h"
#include "base/secret_bytes.h"
#include "crypto/hash.h"
#include "crypto/rng.h"

namespace bulla::cli {

/// What a user gave to import, in the form that transit's import takes.
struct KeyMaterial {
  SecretBytes secret;      ///< PKCS#8 in DER, or the bytes of a symmetric key.
  std::string public_key;  ///< PEM; set where that is all there is.
};

/// Reads the contents of a key file: PEM of a private key (PKCS#8, PKCS#1, SEC
/// 1) or else of a public one, base64 of a key's bytes, or the bytes. `raw`:
/// the bytes, whatever they look like.
///   kInvalidArgument  nothing, PEM without a key that can be used, or more
///   than
///                     128 KiB.
Result<KeyMaterial> parse_key_material(ByteView file, bool raw);

/// Wraps `secret` for the RSA-4096 key `wrapping_key_pem` as import wants it:
/// RSA-OAEP of a fresh AES key, then AES-KWP under that; in base64.
///   kInvalidArgument  that is no RSA-4096 key, or `secret` is longer than
///                     64 KiB.
Result<std::string> wrap_for_import(std::string_view wrapping_key_pem,
                                    crypto::HashAlgorithm oaep_hash,
                                    const SecretBytes& secret,
                                    crypto::Rng& rng);

}  // namespace bulla::cli
