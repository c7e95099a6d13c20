#include "crypto/openssl.h"

#include <openssl/err.h>

#include <algorithm>
#include <bit>

#include "base/assert.h"

namespace bulla::crypto {

static_assert(std::endian::native == std::endian::little,
              "OpenSSL's parameters hold numbers in native order");

void drop_openssl_errors() { ERR_clear_error(); }

Error openssl_error(Error otherwise) {
  bool exhausted = false;
  while (const unsigned long error = ERR_get_error()) {
    exhausted = exhausted || ERR_GET_REASON(error) == ERR_R_MALLOC_FAILURE;
  }
  if (!exhausted) return otherwise;
  return {ErrorCode::kExhausted, "no secure memory is left for the key"};
}

PkeyPtr pkey_from_params(const char* type, int selection, OSSL_PARAM* params) {
  const PkeyContextPtr context(
      EVP_PKEY_CTX_new_from_name(nullptr, type, nullptr));
  EVP_PKEY* key = nullptr;
  if (context == nullptr || EVP_PKEY_fromdata_init(context.get()) != 1 ||
      EVP_PKEY_fromdata(context.get(), &key, selection, params) != 1) {
    return nullptr;
  }
  return PkeyPtr(key);
}

BigPtr secret_big(ByteView big_endian) {
  BigPtr number(BN_secure_new());
  if (number == nullptr) return nullptr;
  BN_set_flags(number.get(), BN_FLG_CONSTTIME);
  if (BN_bin2bn(big_endian.data(), static_cast<int>(big_endian.size()),
                number.get()) == nullptr) {
    return nullptr;
  }
  return number;
}

Bytes reversed(ByteView bytes) { return {bytes.rbegin(), bytes.rend()}; }

SecretBytes reversed_secret(ByteView bytes) {
  SecretBytes out(bytes.size());
  std::reverse_copy(bytes.begin(), bytes.end(), out.expose_mutable().begin());
  return out;
}

ByteView without_leading_zeros(ByteView big_endian) {
  const auto first =
      std::ranges::find_if(big_endian, [](auto byte) { return byte != 0; });
  return {first, big_endian.end()};
}

SecretBytes private_number(const EVP_PKEY* key, const char* name,
                           std::size_t size) {
  SecretBytes number(size);
  const ByteSpan bytes = number.expose_mutable();
  OSSL_PARAM params[] = {OSSL_PARAM_construct_BN(name, bytes.data(), size),
                         OSSL_PARAM_construct_end()};
  BULLA_ASSERT(EVP_PKEY_get_params(key, params) == 1);
  std::ranges::reverse(bytes);
  return number;
}

}  // namespace bulla::crypto
