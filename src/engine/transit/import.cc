// POST keys/:name/import and keys/:name/import_version (reference/transit.md
// §11).

#include <fmt/format.h>

#include <cctype>
#include <optional>
#include <string>
#include <utility>

#include "base/encoding.h"
#include "engine/transit/config_rules.h"
#include "engine/transit/transit.h"
#include "engine/transit/wrapping.h"

namespace bulla::engine::transit {
namespace {

tl::unexpected<Error> refused(std::string_view text) {
  return fail(internal_error(std::string(text)));
}

std::string in_lower_case(std::string_view text) {
  std::string lower(text);
  for (char& c : lower) {
    c = static_cast<char>(std::tolower(static_cast<unsigned char>(c)));
  }
  return lower;
}

// Whether a wrapped key is given; a public key otherwise.
Result<bool> gives_ciphertext(const api::Fields& fields) {
  const bool ciphertext = fields.has("ciphertext");
  const bool public_key = fields.has("public_key");
  if (ciphertext && public_key) {
    return refused(
        "only one of the following fields, ciphertext and public_key, can be "
        "set");
  }
  if (!ciphertext && !public_key) {
    return refused(
        "one of the following fields, ciphertext and public_key, must be set");
  }
  return ciphertext;
}

Result<KeyRecord> wanted_import(const api::Fields& fields) {
  if (fields.has("convergent_encryption")) {
    return refused(
        "import cannot be used on keys with convergent encryption enabled");
  }
  KeyRecord wanted;
  wanted.imported = true;
  wanted.allow_imported_rotation = fields.boolean("allow_rotation");
  wanted.auto_rotate_period = fields.duration("auto_rotate_period");
  if (wanted.auto_rotate_period.count() > 0 &&
      !wanted.allow_imported_rotation) {
    return refused(
        "allow_rotation must be set to true if auto-rotation is enabled");
  }
  TRY(check_auto_rotate_period(wanted.auto_rotate_period));
  const std::string_view name = fields.text("type", "aes256-gcm96");
  const KeyTypeInfo* type = find_key_type(in_lower_case(name));
  if (type == nullptr) {
    return fail(invalid_argument(fmt::format("unknown key type: {}", name)));
  }
  if (type->managed()) {
    return fail(invalid_argument(
        "an HSM has the keys of type managed_key: nothing can be imported"));
  }
  wanted.type = type->type;
  // Imported keys derive by the legacy counter mode, as the reference's do.
  wanted.derived = fields.boolean("derived");
  wanted.exportable = fields.boolean("exportable");
  wanted.allow_plaintext_backup = fields.boolean("allow_plaintext_backup");
  return wanted;
}

KeyPairMaterial* as_pair(Material& material) {
  return std::get_if<KeyPairMaterial>(&material);
}

bool same_pair(const KeyPairMaterial& a, const KeyPairMaterial& b) {
  return a.spki == b.spki;
}

// What derives takes the private half: the public one of a context hangs on it.
Result<void> check_derives(const KeyRecord& record, const Material& material) {
  const auto* pair = std::get_if<KeyPairMaterial>(&material);
  const bool derives = record.derived && key_type_info(record.type).derives;
  if (!derives || pair == nullptr || !pair->pkcs8.empty()) return {};
  return refused(
      "error importing key: a public key alone derives no keys: import the "
      "private one, or without derived");
}

// Gives a version that has a public key only its private half.
Result<void> complete(VersionRecord& version, Material& given) {
  auto* const stored = as_pair(version.material);
  auto* const pair = as_pair(given);
  if (stored == nullptr || pair == nullptr) {
    return refused("provided type does not support importing key versions");
  }
  if (!stored->pkcs8.empty()) {
    return refused("private key imported, key version cannot be updated");
  }
  if (pair->pkcs8.empty()) {
    return refused(
        "cannot add a public key to a key version that already has a public "
        "key set");
  }
  if (!same_pair(*stored, *pair)) {
    return refused("cannot import key, key pair does not match");
  }
  stored->pkcs8 = std::move(pair->pkcs8);
  return {};
}

// Whether `given` is the private half that the latest version waits for.
bool completes_latest(const Key& key, const Material& given) {
  const auto* pair = std::get_if<KeyPairMaterial>(&given);
  const KeyVersion& latest = key.latest();
  return pair != nullptr && !pair->pkcs8.empty() &&
         latest.private_key() == nullptr && latest.public_key() != nullptr &&
         latest.public_key()->spki_der() == pair->spki;
}

}  // namespace

Result<Material> TransitBackend::imported_material(const Request& request,
                                                   Context& context,
                                                   const KeyTypeInfo& type) {
  const api::Fields& fields = request.fields;
  TRY_ASSIGN(const bool wrapped, gives_ciphertext(fields));
  if (!wrapped) return material_from_public(type, fields.text("public_key"));
  TRY_ASSIGN(const auto hash,
             wrapping_hash_named(fields.text("hash_function", "SHA256")));
  TRY_ASSIGN(const auto wrapping, wrapping_pair(context.now));
  TRY_ASSIGN(const SecretBytes bytes,
             unwrap_material(*wrapping->latest().private_key(), hash,
                             fields.text("ciphertext")));
  return material_from_wrapped(type, bytes.expose());
}

Result<api::Response> TransitBackend::import_key(const Request& request,
                                                 Context& context) {
  TRY_ASSIGN(KeyRecord wanted, wanted_import(request.fields));
  TRY_ASSIGN(const Key* present, find_key(request.param("name"), context));
  if (present != nullptr) {
    return refused(
        "the import path cannot be used with an existing key; use "
        "import-version to rotate an existing imported key");
  }
  TRY_ASSIGN(Material material,
             imported_material(request, context, key_type_info(wanted.type)));
  TRY(check_derives(wanted, material));
  if (const auto* hmac = std::get_if<HmacMaterial>(&material)) {
    wanted.key_size = static_cast<std::uint32_t>(hmac->key.size());
  }
  TRY_ASSIGN(const auto made, keys_.create(request.param("name"), wanted,
                                           context.now, std::move(material)));
  if (made.created) return Response::none();
  return refused(
      "the import path cannot be used with an existing key; use "
      "import-version to rotate an existing imported key");
}

Result<api::Response> TransitBackend::import_version(const Request& request,
                                                     Context& context) {
  const std::string_view name = request.param("name");
  TRY_ASSIGN(const Key* key, find_key(name, context));
  if (key == nullptr) {
    return refused(
        fmt::format("no key found with name {}; to import a new key, use the "
                    "import/ endpoint",
                    name));
  }
  if (!key->record().imported) {
    return refused(
        "the import_version endpoint can only be used with an imported key");
  }
  TRY(keys_.check_usable(*key));
  TRY_ASSIGN(Material material,
             imported_material(request, context, key->type()));
  TRY(check_derives(key->record(), material));
  std::int64_t number = request.fields.integer("version");
  const bool chosen = request.fields.has("version");
  if (!chosen && completes_latest(*key, material)) {
    number = key->record().latest_version;
  }
  if (!chosen && number == 0) {
    const auto* hmac = std::get_if<HmacMaterial>(&material);
    const std::size_t size = hmac == nullptr ? 0 : hmac->key.size();
    TRY(keys_.append_version(name, context.now, std::move(material),
                             [size](KeyRecord& record) -> Result<void> {
                               // Of hmac keys: what the latest one has.
                               record.key_size =
                                   static_cast<std::uint32_t>(size);
                               if (record.imported) return {};
                               return refused(
                                   "the import_version endpoint can only be "
                                   "used with an imported key");
                             }));
    return Response::none();
  }
  if (number < 1 || number > key->record().latest_version) {
    return refused("no such key version");
  }
  TRY(keys_.update_version(name, static_cast<std::uint32_t>(number),
                           [&](const KeyRecord&, VersionRecord& version) {
                             return complete(version, material);
                           }));
  return Response::none();
}

}  // namespace bulla::engine::transit
