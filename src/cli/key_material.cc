#include "cli/key_material.h"

#include <algorithm>

#include "base/encoding.h"
#include "crypto/asymmetric.h"
#include "crypto/key_wrap.h"
#include "crypto/private_pem.h"

namespace bulla::cli {
namespace {

constexpr std::size_t kWrappingKeyBits = 4096;
constexpr std::size_t kAesKeyBytes = 32;
constexpr std::size_t kSecretBytesMax = std::size_t{64} << 10;
constexpr std::size_t kFileBytesMax = 2 * kSecretBytesMax;

bool is_white(std::uint8_t c) {
  return c == ' ' || c == '\t' || c == '\r' || c == '\n';
}

// The bytes that `text` is the base64 of; empty where it is not.
SecretBytes from_base64(ByteView text) {
  SecretBytes packed(text.size());
  std::size_t size = 0;
  for (const std::uint8_t c : text) {
    if (!is_white(c)) packed.expose_mutable()[size++] = c;
  }
  SecretBytes decoded(base64_decoded_max(size));
  const auto length = base64_decode_to(as_text(packed.expose().first(size)),
                                       decoded.expose_mutable().data());
  if (!length) return {};
  return SecretBytes::copy_of(decoded.expose().first(*length));
}

Result<KeyMaterial> from_pem(std::string_view pem) {
  KeyMaterial material;
  auto secret = crypto::private_key_from_pem(pem);
  if (secret) {
    material.secret = *std::move(secret);
    return material;
  }
  const auto key = crypto::PublicKey::from_spki_pem(pem);
  if (!key) return fail(std::move(secret).error());
  material.public_key = key->spki_pem();
  return material;
}

}  // namespace

Result<KeyMaterial> parse_key_material(ByteView file, bool raw) {
  if (file.empty()) return fail(invalid_argument("the key is empty"));
  if (file.size() > kFileBytesMax) {
    return fail(invalid_argument("it is too long for a key"));
  }
  const std::string_view text = as_text(file);
  if (!raw && text.find("-----BEGIN ") != std::string_view::npos) {
    return from_pem(text);
  }
  KeyMaterial material;
  if (!raw) material.secret = from_base64(file);
  if (material.secret.empty()) material.secret = SecretBytes::copy_of(file);
  return material;
}

Result<std::string> wrap_for_import(std::string_view wrapping_key_pem,
                                    crypto::HashAlgorithm oaep_hash,
                                    const SecretBytes& secret,
                                    crypto::Rng& rng) {
  const auto key = crypto::PublicKey::from_spki_pem(wrapping_key_pem);
  if (!key || key->algorithm() != crypto::AsymmetricAlgorithm::kRsa ||
      key->bits() != kWrappingKeyBits) {
    return fail(invalid_argument("the wrapping key is no RSA-4096 key"));
  }
  if (secret.size() > kSecretBytesMax) {
    return fail(invalid_argument("the key is longer than 64 KiB"));
  }
  const SecretBytes aes = rng.secret(kAesKeyBytes);
  TRY_ASSIGN(Bytes blob, key->encrypt(crypto::RsaEncryption::kOaep, oaep_hash,
                                      aes.expose()));
  const Bytes wrapped = crypto::wrap_kwp(aes.expose(), secret.expose());
  blob.insert(blob.end(), wrapped.begin(), wrapped.end());
  return base64_encode(blob);
}

}  // namespace bulla::cli
