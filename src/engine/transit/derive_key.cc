// POST derive-key/:name (reference/transit.md §13): a key on which the owners
// of two EC keys agree, as the next version of the named key.

#include <fmt/format.h>

#include <string>
#include <utility>

#include "crypto/ecdh.h"
#include "crypto/kdf.h"
#include "engine/transit/cipher.h"
#include "engine/transit/transit.h"

namespace bulla::engine::transit {
namespace {

tl::unexpected<Error> refused(std::string_view text) {
  return fail(internal_error(std::string(text)));
}
tl::unexpected<Error> invalid(std::string_view text) {
  return fail(invalid_argument(std::string(text)));
}

Result<const KeyTypeInfo*> derived_type(const api::Fields& fields) {
  if (fields.text("peer_public_key").empty()) {
    return invalid("peer public key not provided");
  }
  const std::string_view algorithm =
      fields.text("key_derivation_algorithm", "ecdh");
  if (algorithm != "ecdh") {
    return invalid(
        fmt::format("key derivation algorithm {} not supported", algorithm));
  }
  const std::string_view name = fields.text("derived_key_type", "aes256-gcm96");
  const KeyTypeInfo* type = find_key_type(name);
  if (type != nullptr && type->family == KeyFamily::kAead) return type;
  return invalid(fmt::format("unknown key type {}", name));
}

Result<std::uint32_t> base_version(std::int64_t asked, const KeyRecord& base) {
  if (asked == 0) return base.latest_version;
  if (asked < 0)
    return refused("requested version of the base key is negative");
  if (asked <= base.latest_version) return static_cast<std::uint32_t>(asked);
  return refused(
      "requested version of the base key is higher than the latest key "
      "version");
}

Result<crypto::PublicKey> peer_key(std::string_view pem,
                                   const KeyTypeInfo& base) {
  auto peer = crypto::PublicKey::from_spki_pem(pem);
  if (!peer) {
    return refused(fmt::format("error parsing peer public key: {}",
                               peer.error().message()));
  }
  if (peer->algorithm() == crypto::AsymmetricAlgorithm::kRsa ||
      peer->algorithm() == crypto::AsymmetricAlgorithm::kEd25519) {
    return refused("supplied peer public key is not an ECDSA key");
  }
  if (peer->algorithm() != base.algorithm) {
    return refused(fmt::format(
        "base private key type {} does not match peer public key curve",
        base.name));
  }
  return peer;
}

Result<SecretBytes> agreed_bytes(Cipher& cipher, const api::Fields& fields,
                                 std::size_t length) {
  TRY(cipher.check_usable());
  TRY_ASSIGN(
      const std::uint32_t number,
      base_version(fields.integer("base_key_version"), cipher.key().record()));
  TRY_ASSIGN(const KeyVersion* version, cipher.version(number));
  if (version->private_key() == nullptr) {
    return refused(
        "requested version of the base key does not contain a private part");
  }
  TRY_ASSIGN(const crypto::PublicKey peer,
             peer_key(fields.text("peer_public_key"), cipher.key().type()));
  TRY_ASSIGN(const SecretBytes shared,
             crypto::ecdh(*version->private_key(), peer));
  return crypto::hkdf_sha256(shared.expose(), {}, {}, length);
}

Result<void> check_type(const KeyRecord& record, const KeyTypeInfo& type) {
  if (record.soft_deleted) return refused("refusing to use soft-deleted key");
  if (record.type == type.type) return {};
  return refused(
      fmt::format("a key of type {} cannot be a version of one of type {}",
                  type.name, key_type_info(record.type).name));
}

}  // namespace

Result<SecretBytes> TransitBackend::agreed_key(const Request& request,
                                               Context& context,
                                               const KeyTypeInfo& type) {
  TRY_ASSIGN(const Key* base,
             require_key(request.fields.text("base_key_name"), context,
                         "specified base key not found"));
  if (!base->type().key_pair() || base->type().rsa() ||
      base->type().ed25519()) {
    return invalid(fmt::format(
        "base key type {} does not support key agreement", base->type().name));
  }
  Cipher cipher(*base, keys_, loop_of(context), context);
  return agreed_bytes(cipher, request.fields, type.key_bytes);
}

Result<api::Response> TransitBackend::derive_key(const Request& request,
                                                 Context& context) {
  TRY_ASSIGN(const KeyTypeInfo* type, derived_type(request.fields));
  TRY_ASSIGN(const SecretBytes agreed, agreed_key(request, context, *type));
  const auto material = [&agreed]() -> Material {
    return SymmetricMaterial{SecretBytes::copy_of(agreed.expose())};
  };
  const std::string_view name = request.param("name");
  KeyRecord wanted;
  wanted.type = type->type;
  wanted.imported = true;
  TRY_ASSIGN(const auto made,
             keys_.create(name, wanted, context.now, material()));
  if (made.created) return Response::none();
  TRY(check_type(made.key->record(), *type));
  TRY(keys_.check_usable(*made.key));
  TRY(keys_.append_version(
      name, context.now, material(),
      [type](KeyRecord& record) { return check_type(record, *type); }));
  return Response::none();
}

}  // namespace bulla::engine::transit
