// Keys of type managed_key: an HSM has them, here is which one and its public
// half (docs/managed-keys.md). What speaks to the HSM waits on the worker pool.

#include <utility>

#include "engine/transit/config_rules.h"
#include "engine/transit/transit.h"

namespace bulla::engine::transit {
namespace {

// Old and new versions of a key take the same requests.
bool same_kind(const KeyVersion& version, const ManagedMaterial& next) {
  const crypto::PublicKey* const before = version.public_key();
  if (before == nullptr || next.spki.empty()) {
    return before == nullptr && next.spki.empty();
  }
  const auto after = crypto::PublicKey::from_spki_der(next.spki);
  return after && after->algorithm() == before->algorithm();
}

}  // namespace

Result<Cipher::Sealed> Cipher::seal_managed(const KeyVersion& version,
                                            ByteSpan plaintext,
                                            ByteView associated_data) {
  auto made = store_.rules().managed->encrypt(store_.use_of(version), plaintext,
                                              associated_data);
  wipe(plaintext);
  if (!made) return fail(std::move(made).error());
  sealed_elsewhere_ = *std::move(made);
  return Sealed{sealed_elsewhere_, &version};
}

Result<ByteView> Cipher::open_managed(const KeyVersion& version,
                                      ByteView sealed,
                                      std::string_view associated_data) {
  if (!may_block_) return fail(would_block());
  TRY_ASSIGN(const ByteView aad, decode_associated(associated_data));
  TRY_ASSIGN(
      const SecretBytes plaintext,
      store_.rules().managed->decrypt(store_.use_of(version), sealed, aad));
  return keep_opened(plaintext);
}

Result<Bytes> Cipher::sign_managed(const KeyVersion& version,
                                   const crypto::SignatureScheme& scheme,
                                   ByteView input) {
  if (version.public_key() == nullptr) {
    return fail(invalid_argument("the managed key's mechanism does not sign"));
  }
  TRY_ASSIGN(Bytes signature, store_.rules().managed->sign(
                                  store_.use_of(version), scheme, input));
  const auto holds = version.public_key()->verify(scheme, input, signature);
  if (holds && *holds) return signature;
  return fail(internal_error(
      "the HSM signed with another key than the one of this version"));
}

Result<void> Cipher::check_verifiable(const KeyVersion& version) {
  if (version.public_key() == nullptr) {
    return fail(invalid_argument("the managed key's mechanism does not sign"));
  }
  return store_.rules().managed->check(store_.use_of(version),
                                       api::KeyUsage::kVerify);
}

Result<api::FoundManagedKey> TransitBackend::find_managed(
    const api::Fields& fields) {
  const std::string_view name = fields.text("managed_key_name");
  const std::string_view id = fields.text("managed_key_id");
  if (name.empty() && id.empty()) {
    return fail(invalid_argument(
        "managed_key_name or managed_key_id is missing: each version of a key "
        "of type managed_key is a key that sys/managed-keys names"));
  }
  return keys_.rules().managed->find(uuid_, name, id);
}

Result<api::Response> TransitBackend::rotate_managed(const Request& request,
                                                     Context& context,
                                                     const Key& key) {
  TRY(keys_.check_usable(key));
  TRY_ASSIGN(auto found, find_managed(request.fields));
  ManagedMaterial next{std::move(found.id), std::move(found.public_key)};
  if (!same_kind(key.latest(), next)) {
    return fail(invalid_argument(
        "the managed key is of another kind than the versions before"));
  }
  const KeyId life = key.record().id;
  const auto gone = [] { return fail(invalid_argument("key not found")); };
  const auto rotated =
      keys_.append_version(request.param("name"), context.now, std::move(next),
                           [&](KeyRecord& record) -> Result<void> {
                             if (record.id == life) return {};
                             return gone();
                           });
  if (!rotated && rotated.error().code() == ErrorCode::kNotFound) return gone();
  if (!rotated) return fail(rotated.error());
  return key_body(**rotated);
}

}  // namespace bulla::engine::transit
