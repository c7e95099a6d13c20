#include "engine/transit/derivation.h"

#include <algorithm>

#include "crypto/kdf.h"
#include "engine/transit/key.h"

namespace bulla::engine::transit {
namespace {
constexpr std::size_t kSeedBytes = 32;
}  // namespace

SecretBytes derive_bytes(const KeyRecord& key, const KeyVersion& version,
                         ByteView context, std::size_t length) {
  if (key.kdf == Kdf::kHkdfSha256) {
    return crypto::hkdf_sha256(version.secret_key(), {}, context, length);
  }
  const SecretBytes made =
      crypto::hmac_counter_kdf(version.secret_key(), context);
  return SecretBytes::copy_of(
      made.expose().first(std::min(length, made.size())));
}

Result<void> require_context(ByteView context) {
  if (!context.empty()) return {};
  return fail(invalid_argument(
      "missing 'context' for key derivation; the key was created using a "
      "derived key, which means additional, per-request information must be "
      "included in order to perform operations with the key"));
}

Result<crypto::PrivateKey> derive_ed25519(const Key& key,
                                          const KeyVersion& version,
                                          ByteView context) {
  TRY(require_context(context));
  if (version.private_key() == nullptr) {
    return fail(invalid_argument(
        "requested version for signing does not contain a private part"));
  }
  const SecretBytes seed =
      derive_bytes(key.record(), version, context, kSeedBytes);
  return crypto::PrivateKey::from_ed25519_seed(seed.expose());
}

SecretBytes ed25519_bytes(const crypto::PrivateKey& key) {
  const SecretBytes seed = key.ed25519_seed();
  const Bytes raw = key.public_key().ed25519_raw();
  SecretBytes both(seed.size() + raw.size());
  std::ranges::copy(seed.expose(), both.expose_mutable().begin());
  std::ranges::copy(raw, both.expose_mutable().subspan(seed.size()).begin());
  return both;
}

}  // namespace bulla::engine::transit
