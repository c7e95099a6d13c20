#include "crypto/aead.h"

#include <fmt/format.h>
#include <sodium.h>

#include <array>
#include <cstring>

#include "base/assert.h"
#include "crypto/gcm.h"
#include "crypto/sodium.h"

namespace bulla::crypto {
namespace {

bool is_gcm(AeadAlgorithm algorithm) {
  return algorithm == AeadAlgorithm::kAes128Gcm ||
         algorithm == AeadAlgorithm::kAes256Gcm;
}
bool is_aes256(AeadAlgorithm algorithm) {
  return algorithm == AeadAlgorithm::kAes256Gcm;
}

}  // namespace

std::size_t aead_key_bytes(AeadAlgorithm algorithm) {
  return algorithm == AeadAlgorithm::kAes128Gcm ? 16 : 32;
}

std::size_t aead_nonce_bytes(AeadAlgorithm algorithm) {
  return algorithm == AeadAlgorithm::kXChaCha20Poly1305 ? 24 : 12;
}

Result<Aead> Aead::create(AeadAlgorithm algorithm, ByteView key) {
  const std::size_t wanted = aead_key_bytes(algorithm);
  if (key.size() != wanted) {
    return fail(invalid_argument(
        fmt::format("the key has {} bytes, not {}", key.size(), wanted)));
  }
  if (is_gcm(algorithm)) {
    return Aead(algorithm, gcm_expand(gcm_preferred(), key));
  }
  init_sodium();
  return Aead(algorithm, SecretBytes::copy_of(key));
}

void Aead::seal(ByteView nonce, ByteView associated_data, ByteView plaintext,
                std::uint8_t* out) const {
  BULLA_ASSERT(nonce.size() == nonce_bytes());
  std::uint8_t* const tag = out + plaintext.size();
  if (is_gcm(algorithm_)) {
    gcm_seal(schedule_, is_aes256(algorithm_),
             {nonce.data(), associated_data, plaintext, out, tag});
    return;
  }
  const auto encrypt =
      algorithm_ == AeadAlgorithm::kChaCha20Poly1305
          ? crypto_aead_chacha20poly1305_ietf_encrypt_detached
          : crypto_aead_xchacha20poly1305_ietf_encrypt_detached;
  BULLA_ASSERT(encrypt(out, tag, nullptr, plaintext.data(), plaintext.size(),
                       associated_data.data(), associated_data.size(), nullptr,
                       nonce.data(), schedule_.expose().data()) == 0);
}

bool Aead::open(ByteView nonce, ByteView associated_data, ByteView sealed,
                std::uint8_t* out) const {
  BULLA_ASSERT(nonce.size() == nonce_bytes());
  if (sealed.size() < kAeadTagBytes) return false;
  const ByteView ciphertext = sealed.first(sealed.size() - kAeadTagBytes);
  // A copy, since `out` may be the ciphertext's own memory and is wiped.
  std::array<std::uint8_t, kAeadTagBytes> tag;
  std::memcpy(tag.data(), sealed.data() + ciphertext.size(), tag.size());
  bool holds = false;
  if (is_gcm(algorithm_)) {
    holds =
        gcm_open(schedule_, is_aes256(algorithm_),
                 {nonce.data(), associated_data, ciphertext, out, tag.data()});
  } else {
    const auto decrypt =
        algorithm_ == AeadAlgorithm::kChaCha20Poly1305
            ? crypto_aead_chacha20poly1305_ietf_decrypt_detached
            : crypto_aead_xchacha20poly1305_ietf_decrypt_detached;
    holds = decrypt(out, nullptr, ciphertext.data(), ciphertext.size(),
                    tag.data(), associated_data.data(), associated_data.size(),
                    nonce.data(), schedule_.expose().data()) == 0;
  }
  if (!holds) wipe({out, ciphertext.size()});
  return holds;
}

}  // namespace bulla::crypto
