#include "crypto/kdf.h"

#include <algorithm>
#include <array>
#include <cstring>
#include <string_view>

#include "base/assert.h"
#include "crypto/hash.h"

namespace bulla::crypto {
namespace {

constexpr std::size_t kBlock = kSha256Bytes;
constexpr std::uint32_t kCounterKdfBits = 256;

// A keyed HMAC from a digest that is itself a secret.
Hmac keyed_with(Digest secret) {
  const WipeGuard guard(secret.bytes);
  return {HashAlgorithm::kSha2_256, secret.view()};
}

}  // namespace

SecretBytes hkdf_sha256(ByteView key, ByteView salt, ByteView info,
                        std::size_t length) {
  BULLA_ASSERT(length <= 255 * kBlock);
  // An empty salt is hashed as 32 zero bytes: HMAC pads its key with zeros.
  const Hmac expand = keyed_with(hmac(HashAlgorithm::kSha2_256, salt, key));
  SecretBytes out(length);
  // T(i-1) ‖ info ‖ i
  SecretBytes input(kBlock + info.size() + 1);
  std::uint8_t* const bytes = input.expose_mutable().data();
  if (!info.empty()) std::memcpy(bytes + kBlock, info.data(), info.size());
  std::uint8_t& counter = bytes[kBlock + info.size()];
  for (std::size_t at = 0; at < length; at += kBlock) {
    counter = static_cast<std::uint8_t>(at / kBlock + 1);
    Digest block = expand.sign(input.expose().subspan(at == 0 ? kBlock : 0));
    const WipeGuard guard(block.bytes);
    std::memcpy(bytes, block.bytes.data(), kBlock);
    std::memcpy(out.expose_mutable().data() + at, block.bytes.data(),
                std::min(kBlock, length - at));
  }
  return out;
}

SecretBytes hmac_counter_kdf(ByteView key, ByteView context) {
  Bytes input(4 + context.size() + 4);
  put_be32(input.data(), 0);
  if (!context.empty()) {
    std::memcpy(input.data() + 4, context.data(), context.size());
  }
  put_be32(input.data() + 4 + context.size(), kCounterKdfBits);
  Digest derived = hmac(HashAlgorithm::kSha2_256, key, input);
  const WipeGuard guard(derived.bytes);
  return SecretBytes::copy_of(derived.view());
}

}  // namespace bulla::crypto
