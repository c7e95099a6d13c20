#include "crypto/ecdh.h"

#include "crypto/asymmetric_parts.h"

namespace bulla::crypto {
namespace {

bool is_ec(AsymmetricAlgorithm algorithm) {
  return algorithm == AsymmetricAlgorithm::kEcdsaP256 ||
         algorithm == AsymmetricAlgorithm::kEcdsaP384 ||
         algorithm == AsymmetricAlgorithm::kEcdsaP521;
}

Result<PkeyPtr> own_key(const PrivateKey& own) {
  const EcNumbers numbers = own.ec_numbers();
  const Bytes spki = own.public_key().spki_der();
  return ec_private(own.algorithm(), numbers.d.expose(),
                    parse_spki(spki)->point);
}

}  // namespace

Result<SecretBytes> ecdh(const PrivateKey& own, const PublicKey& peer) {
  if (!is_ec(own.algorithm()) || own.algorithm() != peer.algorithm()) {
    return fail(invalid_argument("not two keys of one curve"));
  }
  TRY_ASSIGN(const PkeyPtr mine, own_key(own));
  const Bytes spki = peer.spki_der();
  TRY_ASSIGN(const PkeyPtr theirs, ec_public(*parse_spki(spki)));
  const PkeyContextPtr context(
      EVP_PKEY_CTX_new_from_pkey(nullptr, mine.get(), nullptr));
  SecretBytes shared(ec_field_bytes(own.algorithm()));
  std::size_t size = shared.size();
  if (context == nullptr || EVP_PKEY_derive_init(context.get()) != 1 ||
      EVP_PKEY_derive_set_peer(context.get(), theirs.get()) != 1 ||
      EVP_PKEY_derive(context.get(), shared.expose_mutable().data(), &size) !=
          1 ||
      size != shared.size()) {
    return fail(openssl_error(internal_error("ECDH failed")));
  }
  return shared;
}

}  // namespace bulla::crypto
