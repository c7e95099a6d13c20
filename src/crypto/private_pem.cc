#include "crypto/private_pem.h"

#include <optional>

#include "crypto/der.h"
#include "crypto/key_oids.h"
#include "crypto/pem.h"

namespace bulla::crypto {
namespace {

// Beside the key: an object identifier or two, and headers.
constexpr std::size_t kWrapBytesMax = 64;

Error not_a_key() { return invalid_argument("the private key does not parse"); }

Error encrypted() {
  return invalid_argument(
      "the private key is encrypted: decrypt it first, as with `openssl pkcs8 "
      "-topk8 -nocrypt`");
}

// RFC 5958, 2: version 0, the algorithm and the key in its own form. Without a
// curve, RSA's parameters are NULL (RFC 3279, 2.3.1).
SecretBytes wrapped(ByteView algorithm, std::optional<ByteView> curve,
                    ByteView key) {
  SecretBytes buffer(key.size() + kWrapBytesMax);
  DerWriter out(buffer.expose_mutable());
  const std::size_t end = out.mark();
  out.element(der_tag::kOctetString, key);
  const std::size_t identifier_end = out.mark();
  if (curve) {
    out.element(der_tag::kOid, *curve);
  } else {
    out.element(der_tag::kNull, {});
  }
  out.element(der_tag::kOid, algorithm);
  out.header(der_tag::kSequence, identifier_end);
  out.unsigned_integer({});
  out.header(der_tag::kSequence, end);
  return SecretBytes::copy_of(out.written());
}

// The curve that an ECPrivateKey (RFC 5915, 3) names.
std::optional<ByteView> named_curve(ByteView key) {
  DerReader outer(key);
  const auto sequence = outer.read(der_tag::kSequence);
  if (!sequence) return std::nullopt;
  DerReader reader(*sequence);
  if (!reader.read_unsigned() || !reader.read(der_tag::kOctetString)) {
    return std::nullopt;
  }
  const auto parameters = reader.read(der_tag::kContext0);
  return parameters ? DerReader(*parameters).read(der_tag::kOid) : std::nullopt;
}

Result<SecretBytes> from_block(const PemBlock& block) {
  if (block.base64.find("ENCRYPTED") != std::string_view::npos) {
    return fail(encrypted());
  }
  auto der = pem_contents(block);
  if (!der) return fail(not_a_key());
  const WipeGuard guard(*der);
  if (block.label == "PRIVATE KEY") return SecretBytes::copy_of(*der);
  if (block.label == "RSA PRIVATE KEY") {
    return wrapped(oid::kRsa, std::nullopt, *der);
  }
  const auto curve = named_curve(*der);
  if (!curve) return fail(not_a_key());
  if (curve->size() > kWrapBytesMax / 2) return fail(not_a_key());
  return wrapped(oid::kEc, curve, *der);
}

}  // namespace

Result<SecretBytes> private_key_from_pem(std::string_view pem) {
  while (const auto block = next_pem_block(pem)) {
    if (block->label == "ENCRYPTED PRIVATE KEY") return fail(encrypted());
    if (block->label == "PRIVATE KEY" || block->label == "RSA PRIVATE KEY" ||
        block->label == "EC PRIVATE KEY") {
      return from_block(*block);
    }
  }
  return fail(invalid_argument("no private key in the PEM text"));
}

}  // namespace bulla::crypto
