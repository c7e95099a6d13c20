#pragma once

#include <cstdint>
#include <string_view>

#include "base/bytes.h"
#include "base/result.h"
#include "base/secret_bytes.h"
#include "kek/kek_provider.h"

// What a transit engine answers, as text from a stranger. Pure functions; any
// thread. Errors never show what an answer holds: a server may echo a secret.

namespace bulla::kek {

/// What `keys/NAME` says of a key.
struct TransitKeyInfo {
  KekVersion latest = 0;
  KekVersion oldest = 1;  ///< That both encrypts and decrypts.
};

/// A version and the bytes of a ciphertext "vault:vVERSION:BASE64".
struct TransitCiphertext {
  KekVersion version = 0;
  Bytes bytes;
};

/// What a token is still good for.
struct TransitLease {
  std::int64_t seconds = 0;
  bool renewable = false;
};

///   kUnavailable  not such an answer, or numbers that cannot be: the server is
///                 not a transit engine, or not in order.
Result<TransitKeyInfo> parse_transit_key(std::string_view body);
Result<TransitCiphertext> parse_transit_encrypt(std::string_view body);
Result<SecretBytes> parse_transit_decrypt(std::string_view body);
Result<TransitLease> parse_transit_lease(std::string_view body);

/// Only what transit_ciphertext() writes: no leading zeros, canonical base64, 1
/// to KekProvider::kBlobBytesMax bytes.
///   kUnavailable  another text.
Result<TransitCiphertext> parse_transit_ciphertext(std::string_view text);
std::string transit_ciphertext(KekVersion version, ByteView bytes);

enum class TransitCall : std::uint8_t { kRead, kEncrypt, kDecrypt, kRenew };

/// What an answer other than 2xx means, in KekProvider's codes.
Error transit_error(TransitCall call, int status, std::string_view body);

/// Whether the same request may be answered otherwise in a moment.
bool transit_worth_repeating(int status, std::string_view body);

}  // namespace bulla::kek
