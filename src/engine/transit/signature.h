#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

#include "api/field.h"
#include "base/bytes.h"
#include "base/result.h"
#include "crypto/asymmetric.h"
#include "engine/transit/cipher.h"

namespace bulla::engine::transit {

/// Signatures by a key's versions (reference/transit.md §7), for sign and
/// verify.

/// How a request wants its signatures made or checked.
struct SignatureOptions {
  crypto::SignatureScheme scheme;
  bool jws = false;  ///< Text in base64url without padding, not in base64.
  /// Of RSA keys; another one is an error of each message.
  std::string_view rsa_algorithm;
};

/// The hash that the path names, or else `hash_algorithm`, or else `algorithm`;
/// nothing for "none".
///   kInvalidArgument  an unknown one.
Result<std::optional<crypto::HashAlgorithm>> parse_hash(
    const api::Fields& fields);

/// All but the hash, which the reference reads at another time.
///   kInvalidArgument  an unknown marshaling or salt length.
Result<SignatureOptions> parse_signature_options(const api::Fields& fields);

/// What a type of key refuses of what parses: `none` goes with prehashed
/// PKCS#1 v1.5 only, but with Ed25519, which hashes nothing.
///   kInvalidArgument  otherwise.
Result<void> check_signature_options(const KeyTypeInfo& type,
                                     const SignatureOptions& options);

struct Signed {
  std::string text;  ///< "vault:vN:…"
  std::uint32_t version = 0;
  Bytes public_key;  ///< Of derived keys: the one of the context.
};

/// Signs base64 `item.input`.
///   kInvalidArgument  no input, or input or context that is not base64.
///   kInternal         what the reference answers with 500 for one message: no
///                     such version, no private half, an unknown RSA algorithm
///                     or salt length.
Result<Signed> sign_item(Cipher& cipher, const SignatureOptions& options,
                         std::int64_t key_version, const MacItem& item);

/// Whether `item.signature` is one of base64 `item.input`.
///   kInvalidArgument  it is not of that form, or of no version in use.
///   kInternal         as sign_item.
Result<bool> signature_holds(Cipher& cipher, const SignatureOptions& options,
                             const MacItem& item);

/// Whether `items` signatures (or RSA decryptions, of type rsa-*) are too much
/// for an event loop, where others wait meanwhile.
enum class KeyPairUse : std::uint8_t { kPrivate, kPublic };
bool belongs_on_pool(const KeyTypeInfo& type, KeyPairUse use,
                     std::size_t items);

}  // namespace bulla::engine::transit
