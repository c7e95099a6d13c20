#include "engine/transit/key_material.h"

#include <fmt/format.h>

#include <utility>

#include "base/thread.h"
#include "crypto/asymmetric.h"

namespace bulla::engine::transit {
namespace {

Result<crypto::PrivateKey> make_pair(const KeyTypeInfo& type,
                                     crypto::Rng& rng) {
  if (!type.rsa()) {
    return crypto::PrivateKey::generate(type.algorithm, type.bits, rng);
  }
  // A search for primes takes from tenths of a second to several: encrypts
  // beside it go first.
  Result<crypto::PrivateKey> pair = fail(internal_error("no key was made"));
  run_at_low_priority([&] {
    pair = crypto::PrivateKey::generate(type.algorithm, type.bits, rng);
  });
  return pair;
}

}  // namespace

Result<Material> make_material(const KeyRecord& key, crypto::Rng& rng) {
  const KeyTypeInfo& type = key_type_info(key.type);
  switch (type.family) {
    case KeyFamily::kAead:
    case KeyFamily::kCmac:
      return SymmetricMaterial{rng.secret(type.key_bytes)};
    case KeyFamily::kHmac:
      return HmacMaterial{rng.secret(key.key_size)};
    case KeyFamily::kManaged:
      return fail(internal_error("an HSM has keys of this type"));
    case KeyFamily::kKeyPair:
      break;
  }
  TRY_ASSIGN(const crypto::PrivateKey pair, make_pair(type, rng));
  return KeyPairMaterial{.pkcs8 = pair.pkcs8_der(),
                         .spki = pair.public_key().spki_der(),
                         .certificates = {}};
}

Result<void> check_derivation(const KeyRecord& key) {
  const KeyTypeInfo& type = key_type_info(key.type);
  if ((key.derived || key.convergent) && !type.derives) {
    return fail(internal_error(
        fmt::format("key derivation and convergent encryption not supported "
                    "for keys of type {}",
                    type.name)));
  }
  if (key.convergent && !type.convergent) {
    return fail(internal_error(fmt::format(
        "convergent encryption not supported for keys of type {}", type.name)));
  }
  return {};
}

Result<void> check_rotation(const KeyRecord& key) {
  if (key.soft_deleted) {
    return fail(internal_error("refusing to use soft-deleted key"));
  }
  if (key.may_rotate()) return {};
  if (key.type == KeyType::kManagedKey) {
    return fail(internal_error(fmt::format(
        "the versions of key {} are keys of an HSM: only a rotation that names "
        "the next one adds it",
        key.name)));
  }
  return fail(internal_error(fmt::format(
      "imported key {} does not allow rotation within Vault", key.name)));
}

}  // namespace bulla::engine::transit
