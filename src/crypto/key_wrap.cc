#include "crypto/key_wrap.h"

#include <openssl/evp.h>

#include <memory>

#include "base/assert.h"
#include "crypto/openssl.h"

namespace bulla::crypto {
namespace {

constexpr std::size_t kKeyBytesMax = 65536;
constexpr std::size_t kSemiblock = 8;
constexpr std::size_t kWrappedBytesMin = 2 * kSemiblock;
constexpr std::size_t kWrappedBytesMax = kKeyBytesMax + kSemiblock;

using ContextPtr =
    std::unique_ptr<EVP_CIPHER_CTX, Freeing<EVP_CIPHER_CTX_free>>;

const EVP_CIPHER* cipher(std::size_t kek_bytes) {
  static const EVP_CIPHER* const aes_128 =
      EVP_CIPHER_fetch(nullptr, "AES-128-WRAP-PAD", nullptr);
  static const EVP_CIPHER* const aes_192 =
      EVP_CIPHER_fetch(nullptr, "AES-192-WRAP-PAD", nullptr);
  static const EVP_CIPHER* const aes_256 =
      EVP_CIPHER_fetch(nullptr, "AES-256-WRAP-PAD", nullptr);
  BULLA_ASSERT(kek_bytes == 16 || kek_bytes == 24 || kek_bytes == 32);
  if (kek_bytes == 16) return aes_128;
  return kek_bytes == 24 ? aes_192 : aes_256;
}

ContextPtr keyed(ByteView kek, bool wrap) {
  ContextPtr context(EVP_CIPHER_CTX_new());
  BULLA_ASSERT(context != nullptr);
  EVP_CIPHER_CTX_set_flags(context.get(), EVP_CIPHER_CTX_FLAG_WRAP_ALLOW);
  BULLA_ASSERT(EVP_CipherInit_ex2(context.get(), cipher(kek.size()), kek.data(),
                                  nullptr, wrap ? 1 : 0, nullptr) == 1);
  return context;
}

}  // namespace

Bytes wrap_kwp(ByteView kek, ByteView key) {
  BULLA_ASSERT(!key.empty() && key.size() <= kKeyBytesMax);
  const ContextPtr context = keyed(kek, true);
  Bytes out((key.size() + kSemiblock - 1) / kSemiblock * kSemiblock +
            kSemiblock);
  int written = 0;
  BULLA_ASSERT(EVP_CipherUpdate(context.get(), out.data(), &written, key.data(),
                                static_cast<int>(key.size())) == 1);
  BULLA_ASSERT(static_cast<std::size_t>(written) == out.size());
  return out;
}

Result<SecretBytes> unwrap_kwp(ByteView kek, ByteView wrapped) {
  const Error no_key = corrupt("the wrapped key does not open");
  if (wrapped.size() < kWrappedBytesMin || wrapped.size() > kWrappedBytesMax ||
      wrapped.size() % kSemiblock != 0) {
    return fail(no_key);
  }
  const ContextPtr context = keyed(kek, false);
  SecretBytes out(wrapped.size());  // what OpenSSL needs, before it is checked
  int written = 0;
  if (EVP_CipherUpdate(context.get(), out.expose_mutable().data(), &written,
                       wrapped.data(), static_cast<int>(wrapped.size())) != 1) {
    drop_openssl_errors();
    return fail(no_key);
  }
  return SecretBytes::copy_of(
      out.expose().first(static_cast<std::size_t>(written)));
}

}  // namespace bulla::crypto
