#include "kek/gcm_kek.h"

#include <fmt/format.h>

#include "base/encoding.h"
#include "crypto/hash.h"
#include "kek/kek_provider.h"

namespace bulla::kek {
namespace {

constexpr auto kCipher = crypto::AeadAlgorithm::kAes256Gcm;
constexpr std::size_t kNonceBytes = 12;
constexpr std::size_t kFingerprintBytes = 8;
static_assert(GcmKek::kOverheadBytes == kNonceBytes + crypto::kAeadTagBytes);

}  // namespace

Result<GcmKek> GcmKek::create(const SecretBytes& key) {
  if (key.size() != kKeyBytes) {
    return fail(invalid_argument(
        fmt::format("the KEK is not {} bytes long", kKeyBytes)));
  }
  TRY_ASSIGN(auto aead, crypto::Aead::create(kCipher, key.expose()));
  const auto id = crypto::hmac(crypto::HashAlgorithm::kSha2_256, key.expose(),
                               as_bytes("bulla kek id 1"));
  return GcmKek(hex_encode(id.view().first(kFingerprintBytes)),
                std::move(aead));
}

Result<Bytes> GcmKek::seal(const SecretBytes& key, ByteView aad,
                           crypto::Rng& rng) const {
  if (key.empty() || key.size() > KekProvider::kBlobBytesMax / 2) {
    return fail(invalid_argument("a secret of that length cannot be wrapped"));
  }
  Bytes blob(kOverheadBytes + key.size());
  const ByteSpan nonce = ByteSpan(blob).first(kNonceBytes);
  rng.fill(nonce);
  aead_.seal(nonce, aad, key.expose(), blob.data() + kNonceBytes);
  return blob;
}

Result<SecretBytes> GcmKek::open(ByteView blob, ByteView aad) const {
  if (blob.size() <= kOverheadBytes ||
      blob.size() > KekProvider::kBlobBytesMax) {
    return fail(corrupt("the wrapped key has a wrong length"));
  }
  SecretBytes key(blob.size() - kOverheadBytes);
  if (!aead_.open(blob.first(kNonceBytes), aad, blob.subspan(kNonceBytes),
                  key.expose_mutable().data())) {
    return fail(corrupt("the wrapped key does not open: wrong key or altered"));
  }
  return key;
}

}  // namespace bulla::kek
