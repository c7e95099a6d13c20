#pragma once

#include <openssl/bn.h>
#include <openssl/evp.h>

#include <memory>
#include <string>

#include "base/bytes.h"
#include "base/error.h"
#include "base/secret_bytes.h"

namespace bulla::crypto {

/// What the files around asymmetric.h share of OpenSSL; nobody else uses it.

template <auto kFree>
struct Freeing {
  template <typename T>
  void operator()(T* object) const {
    kFree(object);
  }
};
using PkeyPtr = std::unique_ptr<EVP_PKEY, Freeing<EVP_PKEY_free>>;
using PkeyContextPtr =
    std::unique_ptr<EVP_PKEY_CTX, Freeing<EVP_PKEY_CTX_free>>;
using BigPtr = std::unique_ptr<BIGNUM, Freeing<BN_clear_free>>;
using BigContextPtr = std::unique_ptr<BN_CTX, Freeing<BN_CTX_free>>;

/// Empties this thread's error queue, which the TLS of the same thread reads
/// too: to be called wherever OpenSSL said no.
void drop_openssl_errors();

/// kExhausted where OpenSSL found no memory, else `otherwise`. Empties the
/// queue.
Error openssl_error(Error otherwise);

/// The key of `type` that `params` describe; null if they describe none.
PkeyPtr pkey_from_params(const char* type, int selection, OSSL_PARAM* params);

/// A number in the secure heap, handled in constant time. Null without memory.
BigPtr secret_big(ByteView big_endian);

/// A number between OpenSSL's parameters, which hold it in native order, and
/// big-endian bytes.
Bytes reversed(ByteView bytes);
SecretBytes reversed_secret(ByteView bytes);
ByteView without_leading_zeros(ByteView big_endian);

/// The private number `name` of `key`, big-endian, `size` bytes long.
SecretBytes private_number(const EVP_PKEY* key, const char* name,
                           std::size_t size);

/// While one lives, all that this thread frees inside OpenSSL is wiped first.
/// OpenSSL's decoders leave the encoded key behind in what they free. Has no
/// effect without wipe_decoder_memory().
class WipeFreed {
 public:
  WipeFreed();
  WipeFreed(const WipeFreed&) = delete;
  WipeFreed& operator=(const WipeFreed&) = delete;
  ~WipeFreed();
};

}  // namespace bulla::crypto
