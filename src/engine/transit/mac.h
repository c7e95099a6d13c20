#pragma once

#include <cstdint>
#include <string_view>

#include "base/bytes.h"
#include "base/result.h"
#include "crypto/hash.h"
#include "engine/transit/cipher.h"

namespace bulla::engine::transit {

/// HMACs by a key's versions (reference/transit.md §8), for hmac and verify.

/// kInvalidArgument  not one of Vault's hash names.
Result<crypto::HashAlgorithm> mac_algorithm(std::string_view name);

/// The version that makes an HMAC; 0 asks for the latest.
///   kInvalidArgument  too old, negative, too new.
Result<const KeyVersion*> version_to_mac(Cipher& cipher, std::int64_t asked);

/// The HMAC of base64 `input`.
///   kInvalidArgument  not base64.
Result<crypto::Digest> mac_of(TransitLoop& loop, const KeyVersion& version,
                              crypto::HashAlgorithm algorithm,
                              std::string_view input);

/// Whether "vault:vN:…" is the HMAC of base64 `input`.
///   kInvalidArgument  it is not of that form, or of no version in use.
Result<bool> mac_holds(Cipher& cipher, crypto::HashAlgorithm algorithm,
                       std::string_view input, std::string_view mac);

}  // namespace bulla::engine::transit
