#pragma once

#include <string_view>

#include "base/bytes.h"
#include "base/result.h"
#include "base/secret_bytes.h"
#include "crypto/asymmetric.h"
#include "crypto/rng.h"
#include "engine/transit/key.h"

namespace bulla::engine::transit {

/// Key material on its way between servers (reference/transit.md §11):
/// RSA-OAEP(an AES-256 key) ‖ AES-KWP(the material), in base64.

/// SHA1, SHA224, SHA256, SHA384 or SHA512, in any case.
///   kInvalidArgument  "unknown hash function: …".
Result<crypto::HashAlgorithm> wrapping_hash_named(std::string_view name);

/// Opens such a blob with the wrapping key.
///   kInternal  too short, an AES key of another length, or not opened.
Result<SecretBytes> unwrap_material(const crypto::PrivateKey& wrapping,
                                    crypto::HashAlgorithm hash,
                                    std::string_view ciphertext);

/// Makes such a blob for the owner of `wrapping`.
///   kInternal  `wrapping` is no RSA key, or too small.
Result<std::string> wrap_material(const crypto::PublicKey& wrapping,
                                  crypto::HashAlgorithm hash, ByteView material,
                                  crypto::Rng& rng);

/// What is wrapped of a version: raw symmetric and HMAC keys, PKCS#8.
SecretBytes material_to_wrap(const Key& key, const KeyVersion& version);

/// The material of a key of that type from what was wrapped, or from a public
/// key in PEM.
///   kInternal  it is none; with the reference's texts.
Result<Material> material_from_wrapped(const KeyTypeInfo& type, ByteView bytes);
Result<Material> material_from_public(const KeyTypeInfo& type,
                                      std::string_view pem);

}  // namespace bulla::engine::transit
