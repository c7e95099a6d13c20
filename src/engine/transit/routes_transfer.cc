// The routes by which keys come and go: export, import, backup and restore.

#include <string_view>
#include <utility>

#include "engine/transit/route_fields.h"
#include "engine/transit/transit.h"

namespace bulla::engine::transit {
namespace {

using api::Field;
using api::FieldType;
using api::Operation;
using api::Route;

constexpr Field kCiphertext = text_field(
    "ciphertext",
    "Base64 of the key, wrapped to wrapping_key: RSA-OAEP of an AES-256 key, "
    "then AES-KWP of raw bytes or PKCS#8.");
constexpr Field kPublicKey = text_field(
    "public_key", "A public key in PEM alone, in place of ciphertext.");
constexpr Field kHashFunction = text_field(
    "hash_function", "RSA-OAEP's hash: SHA1, SHA224, SHA256, SHA384, SHA512.",
    "SHA256");

}  // namespace

void TransitBackend::add_export_routes(std::vector<Route>& routes) {
  for (const std::string_view pattern :
       {"export/:type/:name", "export/:type/:name/:version~"}) {
    routes.push_back(
        {.pattern = pattern,
         .fields = {kName,
                    text_field("type",
                               "encryption-key, signing-key, hmac-key, "
                               "cmac-key, public-key or certificate-chain."),
                    text_field("version", "A version, or \"latest\"."),
                    text_field("format", "raw, der or pem.")},
         .methods = {pool(Operation::kRead, &TransitBackend::export_key)},
         .synopsis = "Shows the key itself, where it may be exported."});
  }
  for (const std::string_view pattern :
       {"byok-export/:destination/:source",
        "byok-export/:destination/:source/:version~"}) {
    routes.push_back(
        {.pattern = pattern,
         .fields = {text_field("destination", "The RSA key to wrap to."),
                    text_field("source", "The key to wrap."),
                    text_field("version", "A version, or \"latest\"."),
                    text_field("hash", "RSA-OAEP's hash.", "SHA256")},
         .methods = {pool(Operation::kRead, &TransitBackend::byok_export)},
         .synopsis = "Wraps a key for import into another server."});
  }
}

void TransitBackend::add_import_routes(std::vector<Route>& routes) {
  routes.push_back(
      {.pattern = "wrapping_key",
       .fields = {},
       .methods = {pool(Operation::kRead, &TransitBackend::wrapping_key)},
       .synopsis = "The public key that imported keys are wrapped to."});
  routes.push_back(
      {.pattern = "keys/:name/import",
       .fields = {kName, kKeyType, kCiphertext, kPublicKey, kHashFunction,
                  typed("derived", FieldType::kBool,
                        "Whether a key is derived from each context.", "false"),
                  kExportable, kPlaintextBackup, kAutoRotate,
                  typed("allow_rotation", FieldType::kBool,
                        "Whether the server may add versions of its own.",
                        "false"),
                  Field{.name = "convergent_encryption",
                        .type = FieldType::kAny,
                        .description = "Refused: not for imported keys."}},
       .methods = {pool(Operation::kUpdate, &TransitBackend::import_key)},
       .synopsis = "Imports a key as the first version of a new one."});
  routes.push_back(
      {.pattern = "keys/:name/import_version",
       .fields = {kName, kCiphertext, kPublicKey, kHashFunction,
                  typed("version", FieldType::kInt,
                        "The version whose private half this is; none for a "
                        "new one.")},
       .methods = {pool(Operation::kUpdate, &TransitBackend::import_version)},
       .synopsis = "Imports a further version of an imported key."});
}

void TransitBackend::add_derive_routes(std::vector<Route>& routes) {
  routes.push_back(
      {.pattern = "derive-key/:name",
       .fields = {kName,
                  text_field("key_derivation_algorithm", "ecdh.", "ecdh"),
                  text_field("base_key_name",
                             "The EC key whose owner the server is."),
                  typed("base_key_version", FieldType::kInt,
                        "The version of it; 0 for the latest.", "0"),
                  text_field("peer_public_key", "The other's key, in PEM."),
                  text_field("derived_key_type",
                             "The type of the key that both agree on.",
                             "aes256-gcm96")},
       .methods = {pool(Operation::kUpdate, &TransitBackend::derive_key)},
       .synopsis = "Agrees on a key with the owner of another EC key."});
}

void TransitBackend::add_backup_routes(std::vector<Route>& routes) {
  routes.push_back(
      {.pattern = "backup/:name",
       .fields = {kName},
       .methods = {pool(Operation::kRead, &TransitBackend::backup)},
       .synopsis = "The whole key in plain text, where that is allowed."});
  for (const std::string_view pattern : {"restore", "restore/:name"}) {
    routes.push_back(
        {.pattern = pattern,
         .fields = {text_field("name", "A name in place of the backup's own."),
                    text_field("backup", "What backup answered."),
                    typed("force", FieldType::kBool,
                          "Whether to replace a key of that name.", "false"),
                    text_field("source",
                               "vault or openbao, which number the types hmac "
                               "and xchacha20-poly1305 differently; guessed "
                               "otherwise.")},
         .methods = {pool(Operation::kUpdate, &TransitBackend::restore)},
         .synopsis = "Brings back a key from its backup."});
  }
}

}  // namespace bulla::engine::transit
