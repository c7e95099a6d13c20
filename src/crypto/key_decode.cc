#include <algorithm>
#include <array>

#include "crypto/der.h"
#include "crypto/key_encoding.h"
#include "crypto/key_oids.h"

namespace bulla::crypto {
namespace {

using std::nullopt;
using std::ranges::equal;

constexpr std::uint8_t kAttributesTag = 0xA0;  // [0] of PrivateKeyInfo
constexpr std::uint8_t kPublicKeyTag = 0x81;   // [1], a BIT STRING
constexpr std::uint8_t kUncompressed = 0x04;   // SEC 1, 2.3.3

// An AlgorithmIdentifier: which algorithm, and the rest.
struct Algorithm {
  ByteView oid;
  DerReader parameters{ByteView{}};
};

std::optional<Algorithm> read_algorithm(DerReader& reader) {
  const auto sequence = reader.read(der_tag::kSequence);
  if (!sequence) return nullopt;
  DerReader inside(*sequence);
  const auto oid = inside.read(der_tag::kOid);
  if (!oid) return nullopt;
  return Algorithm{*oid, inside};
}

// NULL, as RFC 3279 demands, or nothing, as some write.
bool is_null_or_absent(DerReader parameters) {
  if (parameters.empty()) return true;
  const auto null = parameters.read(der_tag::kNull);
  return null && null->empty() && parameters.empty();
}

// The whole element, a curve's identifier. Explicit parameters are none.
std::optional<ByteView> only_oid(DerReader parameters) {
  const auto oid = parameters.read(der_tag::kOid);
  if (!oid || !parameters.empty()) return nullopt;
  return oid;
}

bool is_ec_form_of_ed25519(ByteView curve) {
  return equal(curve, oid::kNssEd25519) || equal(curve, oid::kX25519) ||
         equal(curve, oid::kEd25519);
}

std::optional<SpkiParts> spki_rsa(const Algorithm& algorithm, ByteView key) {
  if (!is_null_or_absent(algorithm.parameters)) return nullopt;
  DerReader outer(key);
  const auto sequence = outer.read(der_tag::kSequence);
  if (!sequence || !outer.empty()) return nullopt;
  DerReader numbers(*sequence);
  const auto n = numbers.read_unsigned();
  const auto e = numbers.read_unsigned();
  if (!n || !e || !numbers.empty()) return nullopt;
  return SpkiParts{AsymmetricAlgorithm::kRsa, *n, *e, {}};
}

std::optional<SpkiParts> spki_ec(const Algorithm& algorithm, ByteView point) {
  const auto oid = only_oid(algorithm.parameters);
  if (!oid) return nullopt;
  const auto curve = curve_with_oid(*oid);
  if (!curve || point.size() != 1 + 2 * ec_field_bytes(*curve) ||
      point[0] != kUncompressed) {
    return nullopt;
  }
  return SpkiParts{*curve, {}, {}, point};
}

std::optional<Pkcs8Parts> pkcs8_rsa(ByteView key) {
  DerReader outer(key);
  const auto sequence = outer.read(der_tag::kSequence);
  if (!sequence || !outer.empty()) return nullopt;
  DerReader reader(*sequence);
  const auto version = reader.read_unsigned();
  if (!version || !version->empty()) return nullopt;  // 1: more primes than two
  std::array<ByteView, 8> numbers;  // n e d p q, and what follows from them
  for (ByteView& number : numbers) {
    const auto read = reader.read_unsigned();
    if (!read) return nullopt;
    number = *read;
  }
  if (!reader.empty()) return nullopt;
  Pkcs8Parts parts;
  parts.algorithm = AsymmetricAlgorithm::kRsa;
  parts.rsa = {numbers[0], numbers[1], numbers[2], numbers[3], numbers[4]};
  return parts;
}

// RFC 5915 inside of a PrivateKeyInfo that names `curve`.
std::optional<Pkcs8Parts> sec1(ByteView curve, ByteView key) {
  DerReader outer(key);
  const auto sequence = outer.read(der_tag::kSequence);
  if (!sequence || !outer.empty()) return nullopt;
  DerReader reader(*sequence);
  const auto version = reader.read_unsigned();
  const auto secret = reader.read(der_tag::kOctetString);
  const bool one = version && version->size() == 1 && (*version)[0] == 1;
  if (!one || !secret) return nullopt;
  if (const auto parameters = reader.read(der_tag::kContext0)) {
    const auto named = only_oid(DerReader(*parameters));
    if (!named || !equal(*named, curve)) return nullopt;
  }
  Pkcs8Parts parts;
  parts.secret = *secret;
  if (const auto wrapped = reader.read(der_tag::kContext1)) {
    DerReader inside(*wrapped);
    const auto bits = inside.read_bit_string();
    if (!bits || !inside.empty()) return nullopt;
    parts.public_key = *bits;
  }
  if (!reader.empty()) return nullopt;
  return parts;
}

std::optional<Pkcs8Parts> pkcs8_ec(const Algorithm& algorithm, ByteView key) {
  const auto oid = only_oid(algorithm.parameters);
  if (!oid) return nullopt;
  auto parts = sec1(*oid, key);
  if (!parts) return nullopt;
  if (is_ec_form_of_ed25519(*oid)) {
    parts->algorithm = AsymmetricAlgorithm::kEd25519;
    return parts;
  }
  const auto curve = curve_with_oid(*oid);
  if (!curve) return nullopt;
  parts->algorithm = *curve;
  return parts;
}

std::optional<Pkcs8Parts> pkcs8_ed25519(const Algorithm& algorithm,
                                        ByteView key) {
  DerReader reader(key);
  const auto seed = reader.read(der_tag::kOctetString);
  if (!algorithm.parameters.empty() || !seed || !reader.empty()) return nullopt;
  Pkcs8Parts parts;
  parts.secret = *seed;
  return parts;
}

std::optional<Pkcs8Parts> pkcs8_key(const Algorithm& algorithm, ByteView key) {
  // The parameters of RSASSA-PSS bind a key to one scheme, which nobody who
  // gives us one means.
  if (equal(algorithm.oid, oid::kRsaPss)) return pkcs8_rsa(key);
  if (equal(algorithm.oid, oid::kRsa)) {
    if (!is_null_or_absent(algorithm.parameters)) return nullopt;
    return pkcs8_rsa(key);
  }
  if (equal(algorithm.oid, oid::kEc)) return pkcs8_ec(algorithm, key);
  if (equal(algorithm.oid, oid::kEd25519)) return pkcs8_ed25519(algorithm, key);
  return nullopt;
}

}  // namespace

std::optional<SpkiParts> parse_spki(ByteView der) {
  DerReader outer(der);
  const auto sequence = outer.read(der_tag::kSequence);
  if (!sequence || !outer.empty()) return nullopt;
  DerReader reader(*sequence);
  const auto algorithm = read_algorithm(reader);
  const auto key = reader.read_bit_string();
  if (!algorithm || !key || !reader.empty()) return nullopt;
  if (equal(algorithm->oid, oid::kRsa)) return spki_rsa(*algorithm, *key);
  if (equal(algorithm->oid, oid::kEc)) return spki_ec(*algorithm, *key);
  const bool ed25519 = equal(algorithm->oid, oid::kEd25519) &&
                       algorithm->parameters.empty() &&
                       key->size() == kEd25519PublicBytes;
  if (!ed25519) return nullopt;
  return SpkiParts{AsymmetricAlgorithm::kEd25519, {}, {}, *key};
}

std::optional<Pkcs8Parts> parse_pkcs8(ByteView der) {
  DerReader outer(der);
  const auto sequence = outer.read(der_tag::kSequence);
  if (!sequence || !outer.empty()) return nullopt;
  DerReader reader(*sequence);
  const auto version = reader.read_unsigned();
  const auto algorithm = read_algorithm(reader);
  const auto key = reader.read(der_tag::kOctetString);
  const bool known = version && (version->empty() ||
                                 (version->size() == 1 && (*version)[0] == 1));
  if (!known || !algorithm || !key) return nullopt;
  auto parts = pkcs8_key(*algorithm, *key);
  if (!parts) return nullopt;
  if (reader.next_is(kAttributesTag) && !reader.read(kAttributesTag)) {
    return nullopt;
  }
  if (const auto bits = reader.read(kPublicKeyTag)) {
    if (bits->empty() || (*bits)[0] != 0) return nullopt;
    // Of RSA it would be an RSAPublicKey, which is in the private key anyway.
    if (parts->algorithm != AsymmetricAlgorithm::kRsa) {
      parts->public_key = bits->subspan(1);
    }
  }
  if (!reader.empty()) return nullopt;
  return parts;
}

}  // namespace bulla::crypto
