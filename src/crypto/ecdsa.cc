#include <openssl/core_names.h>
#include <openssl/ec.h>
#include <openssl/obj_mac.h>

#include <array>
#include <cstring>

#include "base/assert.h"
#include "crypto/asymmetric_parts.h"
#include "crypto/der.h"

namespace bulla::crypto {
namespace {

using GroupPtr = std::unique_ptr<EC_GROUP, Freeing<EC_GROUP_free>>;
using PointPtr = std::unique_ptr<EC_POINT, Freeing<EC_POINT_free>>;

constexpr std::size_t kScalarMax = kEcFieldBytesMax;
// SEQUENCE { INTEGER, INTEGER }, each with a leading zero, and their headers.
constexpr std::size_t kDerSignatureMax = 2 * (kScalarMax + 4) + 4;
constexpr std::uint64_t kSignTag = 1;
constexpr std::uint64_t kVerifyTag = 2;

struct CurveInfo {
  int nid;
  const char* name;
};
CurveInfo info_of(AsymmetricAlgorithm curve) {
  switch (curve) {
    case AsymmetricAlgorithm::kEcdsaP256:
      return {NID_X9_62_prime256v1, SN_X9_62_prime256v1};
    case AsymmetricAlgorithm::kEcdsaP384:
      return {NID_secp384r1, SN_secp384r1};
    default:
      BULLA_ASSERT(curve == AsymmetricAlgorithm::kEcdsaP521);
      return {NID_secp521r1, SN_secp521r1};
  }
}

const EC_GROUP* group_of(AsymmetricAlgorithm curve) {
  static const auto make = [](AsymmetricAlgorithm which) {
    GroupPtr group(EC_GROUP_new_by_curve_name(info_of(which).nid));
    BULLA_ASSERT(group != nullptr);
    return group;
  };
  static const GroupPtr p256 = make(AsymmetricAlgorithm::kEcdsaP256);
  static const GroupPtr p384 = make(AsymmetricAlgorithm::kEcdsaP384);
  static const GroupPtr p521 = make(AsymmetricAlgorithm::kEcdsaP521);
  if (curve == AsymmetricAlgorithm::kEcdsaP256) return p256.get();
  return curve == AsymmetricAlgorithm::kEcdsaP384 ? p384.get() : p521.get();
}

bool is_scalar(AsymmetricAlgorithm curve, const BIGNUM* number) {
  return !BN_is_zero(number) &&
         BN_cmp(number, EC_GROUP_get0_order(group_of(curve))) < 0;
}

OSSL_PARAM group_param(AsymmetricAlgorithm curve) {
  // OpenSSL reads it, whatever the type says.
  char* const name = const_cast<char*>(info_of(curve).name);
  return OSSL_PARAM_construct_utf8_string(OSSL_PKEY_PARAM_GROUP_NAME, name, 0);
}
OSSL_PARAM point_param(ByteView point) {
  auto* const data = const_cast<std::uint8_t*>(point.data());
  return OSSL_PARAM_construct_octet_string(OSSL_PKEY_PARAM_PUB_KEY, data,
                                           point.size());
}

Error not_on_curve() {
  return invalid_argument("the public key is not a point of its curve");
}

// The input's hash, or the input where it is hashed already. OpenSSL takes the
// leftmost bits of what is longer than the curve's order.
class Prehash {
 public:
  Prehash(const SignatureScheme& scheme, ByteView input) {
    if (scheme.prehashed || !scheme.hash) {
      view_ = input;
      return;
    }
    digest_ = hash(*scheme.hash, input);
    view_ = digest_.view();
  }
  Prehash(const Prehash&) = delete;
  Prehash& operator=(const Prehash&) = delete;
  ByteView view() const { return view_; }

 private:
  Digest digest_;
  ByteView view_;
};

struct RawSignature {
  ByteView r;
  ByteView s;
};

// The numbers as they stand, of any size and sign.
Result<RawSignature> read_der(ByteView signature) {
  DerReader outer(signature);
  const auto sequence = outer.read(der_tag::kSequence);
  if (!sequence) return fail(invalid_argument("supplied signature is invalid"));
  if (!outer.empty()) {
    return fail(invalid_argument("supplied signature contains extra data"));
  }
  DerReader reader(*sequence);
  const auto r = reader.read_integer();
  const auto s = reader.read_integer();
  if (!r || !s || !reader.empty()) {
    return fail(invalid_argument("supplied signature is invalid"));
  }
  return RawSignature{*r, *s};
}

void put_fixed(ByteView number, ByteSpan out) {
  const ByteView digits = without_leading_zeros(number);
  std::memcpy(out.data() + out.size() - digits.size(), digits.data(),
              digits.size());
}

Bytes fixed_from_der(ByteView signature, std::size_t field) {
  const auto raw = read_der(signature);
  BULLA_ASSERT(raw.has_value());
  Bytes out(2 * field);
  put_fixed(raw->r, ByteSpan(out).first(field));
  put_fixed(raw->s, ByteSpan(out).last(field));
  return out;
}

// Writes r ‖ s as DER to the end of `buffer`.
ByteView der_from_fixed(ByteView signature, ByteSpan buffer) {
  DerWriter out(buffer);
  const std::size_t end = out.mark();
  out.unsigned_integer(signature.last(signature.size() / 2));
  out.unsigned_integer(signature.first(signature.size() / 2));
  out.header(der_tag::kSequence, end);
  return out.written();
}

template <auto kInit>
PkeyContextPtr prepared(EVP_PKEY* key) {
  PkeyContextPtr context(EVP_PKEY_CTX_new_from_pkey(nullptr, key, nullptr));
  if (context == nullptr || kInit(context.get()) != 1) return nullptr;
  return context;
}

}  // namespace

Bytes ecdsa_der(ByteView fixed) {
  std::array<std::uint8_t, kDerSignatureMax> buffer;
  return to_bytes(der_from_fixed(fixed, buffer));
}

Result<PkeyPtr> ec_public(const SpkiParts& parts) {
  OSSL_PARAM params[] = {group_param(parts.algorithm), point_param(parts.point),
                         OSSL_PARAM_construct_end()};
  PkeyPtr key = pkey_from_params("EC", EVP_PKEY_PUBLIC_KEY, params);
  if (key == nullptr) return fail(openssl_error(not_on_curve()));
  return key;
}

Result<Bytes> ec_point_of(AsymmetricAlgorithm curve, ByteView scalar) {
  const ByteView digits = without_leading_zeros(scalar);
  const Error no_key = invalid_argument("not a private key of this curve");
  if (digits.size() > ec_field_bytes(curve)) return fail(no_key);
  const BigPtr number = secret_big(digits);
  if (number == nullptr) return fail(openssl_error(no_key));
  if (!is_scalar(curve, number.get())) return fail(no_key);
  const EC_GROUP* const group = group_of(curve);
  const PointPtr point(EC_POINT_new(group));
  const BigContextPtr context(BN_CTX_secure_new());
  Bytes out(1 + 2 * ec_field_bytes(curve));
  if (point == nullptr || context == nullptr ||
      EC_POINT_mul(group, point.get(), number.get(), nullptr, nullptr,
                   context.get()) != 1 ||
      EC_POINT_point2oct(group, point.get(), POINT_CONVERSION_UNCOMPRESSED,
                         out.data(), out.size(), context.get()) != out.size()) {
    return fail(openssl_error(internal_error("cannot compute a public key")));
  }
  return out;
}

Result<PkeyPtr> ec_private(AsymmetricAlgorithm curve, ByteView scalar,
                           ByteView point) {
  SecretBytes native = reversed_secret(without_leading_zeros(scalar));
  OSSL_PARAM params[] = {
      group_param(curve), point_param(point),
      OSSL_PARAM_construct_BN(OSSL_PKEY_PARAM_PRIV_KEY,
                              native.expose_mutable().data(), native.size()),
      OSSL_PARAM_construct_end()};
  PkeyPtr key = pkey_from_params("EC", EVP_PKEY_KEYPAIR, params);
  if (key == nullptr) {
    return fail(
        openssl_error(invalid_argument("not a private key of this curve")));
  }
  return key;
}

SecretBytes ec_random_scalar(AsymmetricAlgorithm curve, Rng& rng) {
  // The orders of P-256 and P-384 fill their bytes, that of P-521 all but
  // seven bits. Fewer than one draw in 2³² is refused.
  const std::size_t size = ec_field_bytes(curve);
  for (;;) {
    SecretBytes scalar = rng.secret(size);
    if (curve == AsymmetricAlgorithm::kEcdsaP521) {
      scalar.expose_mutable()[0] &= 1U;
    }
    const BigPtr number = secret_big(scalar.expose());
    // Without secure memory the caller, who needs some too, says so.
    if (number == nullptr || is_scalar(curve, number.get())) return scalar;
  }
}

Result<Bytes> ecdsa_sign(const PrivateImpl& key, const SignatureScheme& scheme,
                         ByteView input) {
  const Prehash prehash(scheme, input);
  PkeyContextPtr context = key.contexts.take(kSignTag);
  if (context == nullptr) {
    context = prepared<EVP_PKEY_sign_init>(key.pkey.get());
  }
  std::array<std::uint8_t, kDerSignatureMax> der;
  std::size_t size = der.size();
  if (context == nullptr ||
      EVP_PKEY_sign(context.get(), der.data(), &size, prehash.view().data(),
                    prehash.view().size()) != 1) {
    return fail(openssl_error(internal_error("cannot sign")));
  }
  key.contexts.give(kSignTag, std::move(context));
  const ByteView signature = ByteView(der).first(size);
  if (scheme.encoding == EcdsaEncoding::kDer) return to_bytes(signature);
  return fixed_from_der(signature, ec_field_bytes(key.public_key.algorithm()));
}

Result<bool> ecdsa_verify(const PublicImpl& key, const SignatureScheme& scheme,
                          ByteView input, ByteView signature) {
  std::array<std::uint8_t, kDerSignatureMax> buffer;
  if (scheme.encoding == EcdsaEncoding::kFixed) {
    if (signature.size() != 2 * ec_field_bytes(key.algorithm)) return false;
    signature = der_from_fixed(signature, buffer);
  } else if (auto form = read_der(signature); !form) {
    return fail(std::move(form).error());
  }
  const Prehash prehash(scheme, input);
  PkeyContextPtr context = key.contexts.take(kVerifyTag);
  if (context == nullptr) {
    context = prepared<EVP_PKEY_verify_init>(key.pkey.get());
  }
  if (context == nullptr) {
    return fail(openssl_error(internal_error("cannot verify")));
  }
  const bool holds =
      EVP_PKEY_verify(context.get(), signature.data(), signature.size(),
                      prehash.view().data(), prehash.view().size()) == 1;
  if (!holds) drop_openssl_errors();
  key.contexts.give(kVerifyTag, std::move(context));
  return holds;
}

}  // namespace bulla::crypto
