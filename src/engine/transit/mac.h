#pragma once

#include <cstdint>
#include <string_view>

#include "api/field.h"
#include "base/bytes.h"
#include "base/result.h"
#include "crypto/cmac.h"
#include "crypto/hash.h"
#include "engine/transit/cipher.h"

namespace bulla::engine::transit {

/// HMACs by a key's versions (reference/transit.md §8) and CMACs by those of
/// type aes*-cmac, for hmac, cmac and verify.

inline constexpr std::string_view kNoHash = "algorithm cannot be none";

/// kInvalidArgument  not one of Vault's hash names; kNoHash of "none".
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

/// mac_length, in the URL or the body: bytes of a CMAC, all 16 by default.
///   kInvalidArgument  not 1 to 16.
Result<std::size_t> cmac_length(const api::Fields& fields);

/// The version that makes a CMAC; 0 asks for the latest.
///   kInvalidArgument  too old, negative, too new; a key of another type.
Result<const KeyVersion*> version_to_cmac(Cipher& cipher, std::int64_t asked);

/// The CMAC of base64 `input`.
///   kInvalidArgument  not base64.
Result<crypto::CmacTag> cmac_of(TransitLoop& loop, const KeyVersion& version,
                                std::string_view input);

/// Whether "vault:vN:…" is the CMAC, cut to `length` bytes, of base64 `input`.
///   kInvalidArgument  it is not of that form, or of no version in use.
Result<bool> cmac_holds(Cipher& cipher, std::size_t length,
                        std::string_view input, std::string_view mac);

}  // namespace bulla::engine::transit
