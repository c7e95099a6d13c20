#include "engine/transit/wrapping.h"

#include <fmt/format.h>

#include <array>
#include <string>
#include <utility>

#include "base/encoding.h"
#include "crypto/key_wrap.h"

namespace bulla::engine::transit {
namespace {

using crypto::HashAlgorithm;
using crypto::RsaEncryption;

constexpr std::size_t kAesKeyBytes = 32;

tl::unexpected<Error> refused(std::string_view text) {
  return fail(internal_error(std::string(text)));
}

bool equal_ignoring_case(std::string_view a, std::string_view b) {
  const auto upper = [](char c) {
    return c >= 'a' && c <= 'z' ? static_cast<char>(c - 'a' + 'A') : c;
  };
  if (a.size() != b.size()) return false;
  for (std::size_t i = 0; i < a.size(); ++i) {
    if (upper(a[i]) != upper(b[i])) return false;
  }
  return true;
}

bool is_of(const crypto::PublicKey& key, const KeyTypeInfo& type) {
  return key.algorithm() == type.algorithm &&
         (!type.rsa() || key.bits() == type.bits);
}

tl::unexpected<Error> wrong_pair(const KeyTypeInfo& type) {
  return refused(fmt::format(
      "error importing key: invalid key type: expected a key of type {}",
      type.name));
}

Result<Material> raw_material(const KeyTypeInfo& type, ByteView bytes) {
  const bool hmac = type.family == KeyFamily::kHmac;
  const bool fits = hmac ? bytes.size() >= kHmacKeyBytesMin &&
                               bytes.size() <= kHmacKeyBytesMax
                         : bytes.size() == type.key_bytes;
  if (!fits) {
    return refused(
        fmt::format("error importing key: invalid key size {} bytes for key "
                    "type {}",
                    bytes.size(), type.name));
  }
  if (hmac) return HmacMaterial{SecretBytes::copy_of(bytes)};
  return SymmetricMaterial{SecretBytes::copy_of(bytes)};
}

}  // namespace

Result<HashAlgorithm> wrapping_hash_named(std::string_view name) {
  constexpr std::array<std::pair<std::string_view, HashAlgorithm>, 5> kHashes{
      {{"SHA1", HashAlgorithm::kSha1},
       {"SHA224", HashAlgorithm::kSha2_224},
       {"SHA256", HashAlgorithm::kSha2_256},
       {"SHA384", HashAlgorithm::kSha2_384},
       {"SHA512", HashAlgorithm::kSha2_512}}};
  for (const auto& [known, hash] : kHashes) {
    if (equal_ignoring_case(name, known)) return hash;
  }
  return fail(invalid_argument(fmt::format("unknown hash function: {}", name)));
}

Result<SecretBytes> unwrap_material(const crypto::PrivateKey& wrapping,
                                    HashAlgorithm hash,
                                    std::string_view ciphertext) {
  const auto blob = base64_decode(ciphertext);
  if (!blob) return refused(blob.error().message());
  const std::size_t rsa_bytes = wrapping.public_key().bits() / 8;
  if (blob->size() <= rsa_bytes) {
    return refused("provided ciphertext is too short");
  }
  const ByteView bytes(*blob);
  TRY_ASSIGN(const SecretBytes aes, wrapping.decrypt(RsaEncryption::kOaep, hash,
                                                     bytes.first(rsa_bytes)));
  if (aes.size() != kAesKeyBytes) {
    return refused("expected ephemeral AES key to be 256-bit");
  }
  auto material = crypto::unwrap_kwp(aes.expose(), bytes.subspan(rsa_bytes));
  if (!material) return refused("the wrapped key could not be unwrapped");
  return material;
}

Result<std::string> wrap_material(const crypto::PublicKey& wrapping,
                                  HashAlgorithm hash, ByteView material,
                                  crypto::Rng& rng) {
  if (wrapping.algorithm() != crypto::AsymmetricAlgorithm::kRsa) {
    return refused("the destination key must be an RSA key");
  }
  const SecretBytes aes = rng.secret(kAesKeyBytes);
  TRY_ASSIGN(Bytes blob,
             wrapping.encrypt(RsaEncryption::kOaep, hash, aes.expose()));
  const Bytes wrapped = crypto::wrap_kwp(aes.expose(), material);
  blob.insert(blob.end(), wrapped.begin(), wrapped.end());
  return base64_encode(blob);
}

SecretBytes material_to_wrap(const Key& key, const KeyVersion& version) {
  if (!key.type().key_pair()) return SecretBytes::copy_of(version.secret_key());
  if (version.private_key() == nullptr) return {};
  return version.private_key()->pkcs8_der();
}

Result<Material> material_from_wrapped(const KeyTypeInfo& type,
                                       ByteView bytes) {
  if (!type.key_pair()) return raw_material(type, bytes);
  auto pair = crypto::PrivateKey::from_pkcs8(bytes);
  if (!pair) {
    if (pair.error().code() == ErrorCode::kExhausted) {
      return fail(std::move(pair).error());
    }
    return refused(fmt::format("error parsing asymmetric key:\n\t{}",
                               pair.error().message()));
  }
  if (!is_of(pair->public_key(), type)) return wrong_pair(type);
  return KeyPairMaterial{.pkcs8 = pair->pkcs8_der(),
                         .spki = pair->public_key().spki_der(),
                         .certificates = {}};
}

Result<Material> material_from_public(const KeyTypeInfo& type,
                                      std::string_view pem) {
  if (!type.public_import) {
    return refused("provided type does not support public_key import");
  }
  const auto key = crypto::PublicKey::from_spki_pem(pem);
  if (!key) {
    return refused(
        fmt::format("error parsing public key: {}", key.error().message()));
  }
  if (!is_of(*key, type)) return wrong_pair(type);
  return KeyPairMaterial{
      .pkcs8 = {}, .spki = key->spki_der(), .certificates = {}};
}

}  // namespace bulla::engine::transit
