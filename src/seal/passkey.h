#pragma once

#include <cstdint>
#include <string>
#include <string_view>

#include "base/bytes.h"
#include "base/clock.h"
#include "base/result.h"
#include "base/secret_bytes.h"
#include "crypto/rng.h"
#include "kek/kek_provider.h"
#include "seal/seal_config.h"

namespace bulla::seal {

/// One sealed copy of the root key. Stored at kPrefix + id outside the barrier:
/// the wrapped key is the only thing of worth in it, and the provider (or the
/// unseal key, or the passphrase) seals that. Hostile when read.
/// docs/formats/seal.md.
struct Passkey {
  static constexpr std::string_view kPrefix = "core/passkeys/";
  /// Where the barrier keeps a copy of the KEK of a passkey that people open,
  /// so that a running node can prove the passkey and wrap a new root key
  /// without them: kKekPrefix + id.
  static constexpr std::string_view kKekPrefix = "core/passkey-keks/";
  static constexpr std::string_view kShamir = "shamir";
  static constexpr std::string_view kPassphrase = "passphrase";
  static constexpr std::size_t kCountMax = 32;
  static constexpr std::size_t kTextBytesMax = 256;
  static constexpr std::size_t kCheckBytes = 32;

  std::string id;  ///< A UUID, the last segment of its path; not in the record.
  std::string name;  ///< Unique in an installation.
  std::string kind;  ///< The provider's, or kShamir.
  /// The name of the provider that wrapped it; "" where people open it.
  std::string provider;
  kek::WrappedKey wrapped;
  Bytes check;               ///< check_value() of the root key inside.
  std::uint32_t shares = 0;  ///< Of the unseal key: kShamir only.
  std::uint32_t threshold = 0;
  Time created;
  Time verified;  ///< When it last opened the root key.

  /// A provider opens it, nobody is needed.
  bool automatic() const { return !provider.empty(); }
  ProviderId provider_id() const { return {kind, provider}; }
  std::string path() const { return std::string(kPrefix) + id; }
  std::string kek_path() const { return std::string(kKekPrefix) + id; }
  Bytes serialise() const;
  ///   kCorrupt  not what serialise() writes.
  static Result<Passkey> parse(std::string id, ByteView bytes);
};

/// The associated data of the wrapped key: a passkey of another installation,
/// or under another id, does not open.
Bytes passkey_context(std::string_view installation, std::string_view id);

/// HMAC-SHA256 of a constant under a random key: tells whether another one is
/// the same (a passkey's root key, a recovery key), and nothing else of it.
Bytes check_value(const SecretBytes& key);

/// Wraps the root key under the unseal key that shares combine to:
/// nonce(12) ‖ ciphertext ‖ tag(16), AES-256-GCM.
///   kInvalidArgument  the unseal key is not 32 bytes long.
Result<kek::WrappedKey> wrap_under_unseal_key(const SecretBytes& unseal_key,
                                              const SecretBytes& root_key,
                                              ByteView context,
                                              crypto::Rng& rng);
///   kCorrupt  "cipher: message authentication failed": a wrong unseal key, or
///             altered bytes.
Result<SecretBytes> unwrap_under_unseal_key(const SecretBytes& unseal_key,
                                            const kek::WrappedKey& wrapped,
                                            ByteView context);

}  // namespace bulla::seal
