#include <algorithm>

#include "base/assert.h"
#include "crypto/der.h"
#include "crypto/key_encoding.h"
#include "crypto/key_oids.h"

namespace bulla::crypto {
namespace {

// An RSA-4096 key takes 2.4 KiB.
constexpr std::size_t kKeyBytesMax = 4096;

struct Curve {
  AsymmetricAlgorithm algorithm;
  ByteView oid;
  std::size_t field_bytes;
};
constexpr Curve kCurves[] = {
    {AsymmetricAlgorithm::kEcdsaP256, oid::kP256, 32},
    {AsymmetricAlgorithm::kEcdsaP384, oid::kP384, 48},
    {AsymmetricAlgorithm::kEcdsaP521, oid::kP521, 66},
};

const Curve& curve_of(AsymmetricAlgorithm algorithm) {
  const auto* const found =
      std::ranges::find(kCurves, algorithm, &Curve::algorithm);
  BULLA_ASSERT(found != std::end(kCurves));
  return *found;
}

// A buffer in secret memory and the writer that fills it.
class SecretWriter : public DerWriter {
 public:
  SecretWriter() : SecretWriter(SecretBytes(kKeyBytesMax)) {}
  SecretBytes done() const { return SecretBytes::copy_of(written()); }

 private:
  explicit SecretWriter(SecretBytes buffer)
      : DerWriter(buffer.expose_mutable()), buffer_(std::move(buffer)) {}
  SecretBytes buffer_;
};

void put_bit_string(DerWriter& out, ByteView bytes) {
  const std::size_t end = out.mark();
  out.bytes(bytes);
  out.byte(0);
  out.header(der_tag::kBitString, end);
}

void put_algorithm(DerWriter& out, AsymmetricAlgorithm algorithm) {
  const std::size_t end = out.mark();
  switch (algorithm) {
    case AsymmetricAlgorithm::kRsa:
      out.element(der_tag::kNull, {});
      out.element(der_tag::kOid, oid::kRsa);
      break;
    case AsymmetricAlgorithm::kEd25519:
      out.element(der_tag::kOid, oid::kEd25519);
      break;
    default:
      out.element(der_tag::kOid, curve_oid(algorithm));
      out.element(der_tag::kOid, oid::kEc);
  }
  out.header(der_tag::kSequence, end);
}

void put_pkcs1(DerWriter& out, const RsaFullParts& parts) {
  const std::size_t end = out.mark();
  for (const ByteView number :
       {parts.q_inverse, parts.dq, parts.dp, parts.key.q, parts.key.p,
        parts.key.d, parts.key.e, parts.key.n, ByteView{}}) {
    out.unsigned_integer(number);
  }
  out.header(der_tag::kSequence, end);
}

enum class CurveName : std::uint8_t { kInside, kOutside };

void put_sec1(DerWriter& out, const Pkcs8Parts& parts, CurveName name) {
  constexpr std::uint8_t kVersion[] = {1};
  const std::size_t end = out.mark();
  put_bit_string(out, parts.public_key);
  out.header(der_tag::kContext1, end);
  if (name == CurveName::kInside) {
    const std::size_t parameters = out.mark();
    out.element(der_tag::kOid, curve_oid(parts.algorithm));
    out.header(der_tag::kContext0, parameters);
  }
  out.element(der_tag::kOctetString, parts.secret);
  out.unsigned_integer(kVersion);
  out.header(der_tag::kSequence, end);
}

// Wraps the private key, all that was written so far, in a PrivateKeyInfo.
SecretBytes pkcs8_around(SecretWriter& out, std::size_t end,
                         AsymmetricAlgorithm algorithm) {
  out.header(der_tag::kOctetString, end);
  put_algorithm(out, algorithm);
  out.unsigned_integer({});
  out.header(der_tag::kSequence, end);
  return out.done();
}

}  // namespace

ByteView curve_oid(AsymmetricAlgorithm curve) { return curve_of(curve).oid; }

std::optional<AsymmetricAlgorithm> curve_with_oid(ByteView oid) {
  for (const Curve& curve : kCurves) {
    if (std::ranges::equal(curve.oid, oid)) return curve.algorithm;
  }
  return std::nullopt;
}

std::size_t ec_field_bytes(AsymmetricAlgorithm curve) {
  return curve_of(curve).field_bytes;
}

Bytes write_spki(const SpkiParts& parts) {
  Bytes buffer(kKeyBytesMax);
  DerWriter out(buffer);
  const std::size_t end = out.mark();
  if (parts.algorithm == AsymmetricAlgorithm::kRsa) {
    out.unsigned_integer(parts.e);
    out.unsigned_integer(parts.n);
    out.header(der_tag::kSequence, end);
    out.byte(0);
    out.header(der_tag::kBitString, end);
  } else {
    put_bit_string(out, parts.point);
  }
  put_algorithm(out, parts.algorithm);
  out.header(der_tag::kSequence, end);
  return to_bytes(out.written());
}

SecretBytes write_pkcs8_rsa(const RsaFullParts& parts) {
  SecretWriter out;
  const std::size_t end = out.mark();
  put_pkcs1(out, parts);
  return pkcs8_around(out, end, AsymmetricAlgorithm::kRsa);
}

SecretBytes write_pkcs8_ec(const Pkcs8Parts& parts) {
  SecretWriter out;
  const std::size_t end = out.mark();
  put_sec1(out, parts, CurveName::kOutside);
  return pkcs8_around(out, end, parts.algorithm);
}

SecretBytes write_pkcs8_ed25519(ByteView seed) {
  SecretWriter out;
  const std::size_t end = out.mark();
  out.element(der_tag::kOctetString, seed);
  return pkcs8_around(out, end, AsymmetricAlgorithm::kEd25519);
}

SecretBytes write_pkcs1(const RsaFullParts& parts) {
  SecretWriter out;
  put_pkcs1(out, parts);
  return out.done();
}

SecretBytes write_sec1(const Pkcs8Parts& parts) {
  SecretWriter out;
  put_sec1(out, parts, CurveName::kInside);
  return out.done();
}

}  // namespace bulla::crypto
