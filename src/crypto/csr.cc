#include <openssl/x509.h>

#include <memory>

#include "crypto/der.h"
#include "crypto/key_oids.h"
#include "crypto/openssl.h"
#include "crypto/pem.h"
#include "crypto/x509.h"

namespace bulla::crypto {
namespace {

using RequestPtr = std::unique_ptr<X509_REQ, Freeing<X509_REQ_free>>;

constexpr std::string_view kLabel = "CERTIFICATE REQUEST";
constexpr std::string_view kOldLabel = "NEW CERTIFICATE REQUEST";
// Subject and attributes that say nothing.
constexpr std::uint8_t kNoSubject[] = {der_tag::kSequence, 0};
constexpr std::uint8_t kNoAttributes[] = {der_tag::kContext0, 0};
// Beside the template: a public key and a signature of RSA-4096, and headers.
constexpr std::size_t kOwnBytesMax = 2048;

// What a new request takes over from another, in DER.
struct Kept {
  ByteView subject = kNoSubject;
  ByteView attributes = kNoAttributes;
};

Error not_a_request() { return invalid_argument("the CSR does not parse"); }

// OpenSSL judges the insides, which are copied as they stand.
bool openssl_parses(ByteView der) {
  const std::uint8_t* data = der.data();
  const RequestPtr request(
      d2i_X509_REQ(nullptr, &data, static_cast<long>(der.size())));
  if (request != nullptr && data == der.data() + der.size()) return true;
  drop_openssl_errors();
  return false;
}

Result<Kept> kept_of(ByteView der) {
  DerReader outer(der);
  const auto request = outer.read(der_tag::kSequence);
  if (!request || !openssl_parses(der)) return fail(not_a_request());
  DerReader parts(*request);
  const auto info = parts.read(der_tag::kSequence);
  if (!info) return fail(not_a_request());
  DerReader reader(*info);
  const auto version = reader.read_unsigned();
  const auto subject = reader.read_whole(der_tag::kSequence);
  const auto key = reader.read(der_tag::kSequence);
  if (!version || !subject || !key) return fail(not_a_request());
  Kept kept;
  kept.subject = *subject;
  if (const auto attributes = reader.read_whole(der_tag::kContext0)) {
    kept.attributes = *attributes;
  }
  if (!reader.empty()) return fail(not_a_request());
  return kept;
}

void put_algorithm(DerWriter& out, AsymmetricAlgorithm algorithm) {
  const std::size_t end = out.mark();
  switch (algorithm) {
    case AsymmetricAlgorithm::kEd25519:
      out.element(der_tag::kOid, oid::kEd25519);
      break;
    case AsymmetricAlgorithm::kEcdsaP256:
      out.element(der_tag::kOid, oid::kEcdsaWithSha256);
      break;
    case AsymmetricAlgorithm::kEcdsaP384:
      out.element(der_tag::kOid, oid::kEcdsaWithSha384);
      break;
    case AsymmetricAlgorithm::kEcdsaP521:
      out.element(der_tag::kOid, oid::kEcdsaWithSha512);
      break;
    case AsymmetricAlgorithm::kRsa:
      out.element(der_tag::kNull, {});
      out.element(der_tag::kOid, oid::kSha256WithRsa);
      break;
  }
  out.header(der_tag::kSequence, end);
}

SignatureScheme scheme_of(AsymmetricAlgorithm algorithm) {
  SignatureScheme scheme;
  scheme.padding = RsaPadding::kPkcs1v15;
  if (algorithm == AsymmetricAlgorithm::kEcdsaP384) {
    scheme.hash = HashAlgorithm::kSha2_384;
  }
  if (algorithm == AsymmetricAlgorithm::kEcdsaP521) {
    scheme.hash = HashAlgorithm::kSha2_512;
  }
  return scheme;
}

// CertificationRequestInfo (RFC 2986, 4.1).
Bytes request_info(const PublicKey& key, const Kept& kept) {
  Bytes buffer(kept.subject.size() + kept.attributes.size() + kOwnBytesMax);
  DerWriter out(buffer);
  const std::size_t end = out.mark();
  out.bytes(kept.attributes);
  out.bytes(key.spki_der());
  out.bytes(kept.subject);
  out.unsigned_integer({});
  out.header(der_tag::kSequence, end);
  return to_bytes(out.written());
}

Result<std::string> signed_request(const PrivateKey& key, const Kept& kept) {
  const AsymmetricAlgorithm algorithm = key.algorithm();
  const Bytes info = request_info(key.public_key(), kept);
  TRY_ASSIGN(const Bytes signature, key.sign(scheme_of(algorithm), info));
  Bytes buffer(info.size() + kOwnBytesMax);
  DerWriter out(buffer);
  const std::size_t end = out.mark();
  out.bytes(signature);
  out.byte(0);
  out.header(der_tag::kBitString, end);
  put_algorithm(out, algorithm);
  out.bytes(info);
  out.header(der_tag::kSequence, end);
  return pem_encode(kLabel, out.written());
}

}  // namespace

Result<std::string> make_csr(const PrivateKey& key,
                             std::string_view template_pem) {
  if (template_pem.empty()) return signed_request(key, {});
  const auto block = next_pem_block(template_pem);
  const bool labelled =
      block && (block->label == kLabel || block->label == kOldLabel);
  const auto der = labelled ? pem_contents(*block) : std::nullopt;
  if (!der) return fail(invalid_argument("could not decode PEM CSR"));
  TRY_ASSIGN(const Kept kept, kept_of(*der));
  return signed_request(key, kept);
}

}  // namespace bulla::crypto
