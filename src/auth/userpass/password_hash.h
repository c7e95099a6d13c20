#pragma once

#include <string_view>

#include "base/bytes.h"
#include "base/result.h"
#include "base/secret_bytes.h"
#include "base/wire.h"
#include "crypto/argon2.h"
#include "crypto/rng.h"

namespace bulla::auth {

/// What is kept of a password: Argon2id of it and of a salt of its own.
struct PasswordHash {
  static constexpr std::size_t kPasswordBytesMax = 4096;
  /// 19 MiB and two passes, OWASP's first choice: a login holds one of the
  /// few threads that compute them.
  static constexpr crypto::Argon2Cost kCost{
      .memory_kib = 19 * 1024, .passes = 2, .lanes = 1};

  crypto::Argon2Cost cost;
  Bytes salt;
  SecretBytes digest;
};

/// Takes some hundredths of a second and kCost.memory_kib.
///   kInvalidArgument  longer than kPasswordBytesMax.
///   kUnavailable      the memory is not to be had now.
Result<PasswordHash> hash_password(std::string_view password, crypto::Rng& rng);

/// Whether `password` is the one; `hash` may be null, for nobody's, and takes
/// as long. Compares in constant time.
///   kUnavailable  the memory is not to be had now.
Result<bool> password_matches(const PasswordHash* hash,
                              std::string_view password);

/// Inside a record.
void write_password_hash(WireWriter& out, const PasswordHash& hash);
///   kCorrupt  lengths or costs that nothing here writes.
Result<PasswordHash> read_password_hash(WireReader& in);

}  // namespace bulla::auth
