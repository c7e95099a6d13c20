#include <openssl/core_names.h>
#include <openssl/decoder.h>
#include <openssl/rsa.h>

#include <algorithm>
#include <bit>

#include "base/assert.h"
#include "crypto/asymmetric_parts.h"

namespace bulla::crypto {
namespace {

using DecoderPtr =
    std::unique_ptr<OSSL_DECODER_CTX, Freeing<OSSL_DECODER_CTX_free>>;

constexpr std::size_t kExponentBytesMax = 4;  // and below 2³¹, as in Go

std::size_t bit_length(ByteView number) {
  if (number.empty()) return 0;
  return (number.size() - 1) * 8 +
         static_cast<std::size_t>(std::bit_width(number[0]));
}
bool is_odd(ByteView number) {
  return !number.empty() && (number.back() & 1U) != 0;
}

bool is_size(std::size_t bits) {
  return bits == 2048 || bits == 3072 || bits == 4096;
}

Result<void> check_public(ByteView n, ByteView e) {
  if (!is_size(bit_length(n))) {
    return fail(
        invalid_argument("RSA keys of 2048, 3072 and 4096 bits are supported"));
  }
  const bool exponent = is_odd(e) && e.size() <= kExponentBytesMax &&
                        bit_length(e) > 1 && bit_length(e) < 32;
  if (!is_odd(n) || !exponent) {
    return fail(invalid_argument("not the numbers of an RSA key"));
  }
  return {};
}

// The private numbers in OpenSSL's hands, while they are checked and completed.
class Numbers {
 public:
  explicit Numbers(const RsaParts& parts)
      : n_(secret_big(parts.n)),
        e_(secret_big(parts.e)),
        d_(secret_big(parts.d)),
        p_(secret_big(parts.p)),
        q_(secret_big(parts.q)) {
    for (BigPtr* made : {&p_minus_1_, &q_minus_1_, &dp_, &dq_, &q_inverse_}) {
      made->reset(BN_secure_new());
    }
  }

  bool allocated() const {
    return std::ranges::all_of(
               std::initializer_list<const BigPtr*>{&n_, &e_, &d_, &p_, &q_,
                                                    &p_minus_1_, &q_minus_1_,
                                                    &dp_, &dq_, &q_inverse_},
               [](const BigPtr* number) { return *number != nullptr; }) &&
           context_ != nullptr;
  }

  // n = p·q, 1 < d < n, and d·e = 1 modulo p-1 and q-1; completes the key.
  bool consistent() {
    if (!BN_is_odd(p_.get()) || !BN_is_odd(q_.get()) || BN_is_one(p_.get()) ||
        BN_is_one(q_.get()) || BN_cmp(d_.get(), n_.get()) >= 0) {
      return false;
    }
    const BigPtr product(BN_secure_new());
    return product != nullptr &&
           BN_mul(product.get(), p_.get(), q_.get(), context_.get()) == 1 &&
           BN_cmp(product.get(), n_.get()) == 0 &&
           half(*p_, *p_minus_1_, *dp_) && half(*q_, *q_minus_1_, *dq_) &&
           invert_q();
  }

  SecretBytes pkcs1(const RsaParts& parts) const {
    const SecretBytes dp = bytes_of(*dp_);
    const SecretBytes dq = bytes_of(*dq_);
    const SecretBytes q_inverse = bytes_of(*q_inverse_);
    return write_pkcs1({parts, dp.expose(), dq.expose(), q_inverse.expose()});
  }

 private:
  bool half(const BIGNUM& prime, BIGNUM& minus_1, BIGNUM& exponent) {
    const BigPtr one(BN_secure_new());
    if (one == nullptr || BN_copy(&minus_1, &prime) == nullptr ||
        BN_sub_word(&minus_1, 1) != 1) {
      return false;
    }
    BN_set_flags(&minus_1, BN_FLG_CONSTTIME);
    return BN_mod(&exponent, d_.get(), &minus_1, context_.get()) == 1 &&
           BN_mod_mul(one.get(), &exponent, e_.get(), &minus_1,
                      context_.get()) == 1 &&
           BN_is_one(one.get());
  }
  bool invert_q() {
    return BN_mod_inverse(q_inverse_.get(), q_.get(), p_.get(),
                          context_.get()) != nullptr;
  }
  static SecretBytes bytes_of(const BIGNUM& number) {
    SecretBytes bytes(static_cast<std::size_t>(BN_num_bytes(&number)));
    BN_bn2bin(&number, bytes.expose_mutable().data());
    return bytes;
  }

  BigContextPtr context_{BN_CTX_secure_new()};
  BigPtr n_, e_, d_, p_, q_;
  BigPtr p_minus_1_, q_minus_1_, dp_, dq_, q_inverse_;
};

// Through OpenSSL's decoder, since only that puts an RSA key's numbers into
// the secure heap: EVP_PKEY_fromdata does not.
PkeyPtr decode_pkcs1(const SecretBytes& der) {
  const WipeFreed wiping;
  EVP_PKEY* key = nullptr;
  const DecoderPtr decoder(OSSL_DECODER_CTX_new_for_pkey(
      &key, "DER", "type-specific", "RSA", EVP_PKEY_KEYPAIR, nullptr, nullptr));
  const std::uint8_t* data = der.expose().data();
  std::size_t size = der.size();
  const bool decoded = decoder != nullptr &&
                       OSSL_DECODER_from_data(decoder.get(), &data, &size) == 1;
  PkeyPtr owned(key);
  if (!decoded) return nullptr;
  drop_openssl_errors();  // of the decoders that were not it
  return owned;
}

SecretBytes stripped(SecretBytes number) {
  const ByteView digits = without_leading_zeros(number.expose());
  if (digits.size() == number.size()) return number;
  return SecretBytes::copy_of(digits);
}

SecretBytes number_of(const PrivateImpl& key, const char* name) {
  return stripped(
      private_number(key.pkey.get(), name, key.public_key.bits() / 8));
}

}  // namespace

Result<PkeyPtr> rsa_public(const SpkiParts& parts) {
  TRY(check_public(parts.n, parts.e));
  Bytes n = reversed(parts.n);
  Bytes e = reversed(parts.e);
  OSSL_PARAM params[] = {
      OSSL_PARAM_construct_BN(OSSL_PKEY_PARAM_RSA_N, n.data(), n.size()),
      OSSL_PARAM_construct_BN(OSSL_PKEY_PARAM_RSA_E, e.data(), e.size()),
      OSSL_PARAM_construct_end()};
  PkeyPtr key = pkey_from_params("RSA", EVP_PKEY_PUBLIC_KEY, params);
  if (key == nullptr) {
    return fail(
        openssl_error(invalid_argument("not the numbers of an RSA key")));
  }
  return key;
}

Result<PkeyPtr> rsa_private(const RsaParts& parts) {
  TRY(check_public(parts.n, parts.e));
  const Error no_key = invalid_argument("not the numbers of an RSA key");
  for (const ByteView number : {parts.d, parts.p, parts.q}) {
    if (number.empty() || number.size() > parts.n.size()) return fail(no_key);
  }
  Numbers numbers(parts);
  if (!numbers.allocated() || !numbers.consistent()) {
    return fail(openssl_error(no_key));
  }
  PkeyPtr key = decode_pkcs1(numbers.pkcs1(parts));
  if (key == nullptr) return fail(openssl_error(no_key));
  return key;
}

Result<PkeyPtr> rsa_generate(std::size_t bits) {
  if (!is_size(bits)) {
    return fail(
        invalid_argument("RSA keys of 2048, 3072 and 4096 bits are supported"));
  }
  PkeyPtr key(EVP_RSA_gen(static_cast<unsigned>(bits)));
  if (key == nullptr) {
    return fail(openssl_error(internal_error("cannot generate an RSA key")));
  }
  return key;
}

SecretBytes rsa_with_parts(const PrivateImpl& key,
                           SecretBytes (*use)(const RsaFullParts&)) {
  const RsaNumbers numbers = rsa_private_numbers(key);
  const SecretBytes dp = number_of(key, OSSL_PKEY_PARAM_RSA_EXPONENT1);
  const SecretBytes dq = number_of(key, OSSL_PKEY_PARAM_RSA_EXPONENT2);
  const SecretBytes inverse = number_of(key, OSSL_PKEY_PARAM_RSA_COEFFICIENT1);
  return use({{numbers.n, numbers.e, numbers.d.expose(), numbers.p.expose(),
               numbers.q.expose()},
              dp.expose(),
              dq.expose(),
              inverse.expose()});
}

RsaNumbers rsa_private_numbers(const PrivateImpl& key) {
  RsaNumbers numbers = key.public_key.rsa_numbers();
  numbers.d = number_of(key, OSSL_PKEY_PARAM_RSA_D);
  numbers.p = number_of(key, OSSL_PKEY_PARAM_RSA_FACTOR1);
  numbers.q = number_of(key, OSSL_PKEY_PARAM_RSA_FACTOR2);
  return numbers;
}

}  // namespace bulla::crypto
