// The route table of a transit mount.

#include <initializer_list>
#include <utility>

#include "engine/tools/hash.h"
#include "engine/tools/random.h"
#include "engine/transit/route_fields.h"
#include "engine/transit/transit.h"

namespace bulla::engine::transit {
namespace {

using api::Cost;
using api::Field;
using api::FieldType;
using api::Operation;
using api::Route;

}  // namespace

api::Handler TransitBackend::handler(Member member) {
  return [this, member](const Request& request, Context& context) {
    return (this->*member)(request, context);
  };
}

api::Method TransitBackend::inline_update(Member member) {
  return {.operation = Operation::kUpdate,
          .cost = Cost::kInline,
          .handler = handler(member)};
}

api::Method TransitBackend::pool(Operation operation, Member member) {
  return {
      .operation = operation, .cost = Cost::kPool, .handler = handler(member)};
}

void TransitBackend::add_use_routes(std::vector<Route>& routes) {
  routes.push_back(
      {.pattern = "encrypt/:name",
       .fields = {kName, text_field("plaintext", "Base64 plaintext."), kContext,
                  kKeyType, kConvergent, kKeyVersion, kAssociatedData, kPadding,
                  kBatchInput, kPartialFailure},
       .methods = {inline_update(&TransitBackend::encrypt)},
       .exists =
           [this](const Request& request, Context& context) {
             return encrypt_exists(request, context);
           },
       .synopsis = "Encrypts a plaintext or a batch of them with the named "
                   "key."});
  routes.push_back(
      {.pattern = "decrypt/:name",
       .fields = {kName, text_field("ciphertext", "\"vault:vN:…\"."), kContext,
                  kAssociatedData, kPadding, kBatchInput, kPartialFailure},
       .methods = {inline_update(&TransitBackend::decrypt)},
       .synopsis = "Decrypts a ciphertext or a batch of them with the named "
                   "key."});
  routes.push_back(
      {.pattern = "rewrap/:name",
       .fields = {kName, text_field("ciphertext", "\"vault:vN:…\"."), kContext,
                  kKeyVersion,
                  text_field("decrypt_padding_scheme",
                             "oaep or pkcs1v15, of RSA keys: how it is sealed.",
                             "oaep"),
                  text_field("encrypt_padding_scheme",
                             "oaep or pkcs1v15, of RSA keys: how to seal it.",
                             "oaep"),
                  kBatchInput},
       .methods = {inline_update(&TransitBackend::rewrap)},
       .synopsis = "Encrypts a ciphertext anew, by default under the latest "
                   "version, without showing its plaintext."});
  routes.push_back(
      {.pattern = "datakey/:plaintext/:name",
       .fields = {kName,
                  text_field("plaintext",
                             "\"plaintext\" answers the data key in plain text "
                             "too, \"wrapped\" its ciphertext only."),
                  kContext, kKeyVersion, kAssociatedData,
                  typed("bits", FieldType::kInt,
                        "The data key's length: 128, 256 or 512.", "256")},
       .methods = {inline_update(&TransitBackend::datakey)},
       .synopsis = "Makes a data key, encrypted under the named key."});
}

void TransitBackend::add_key_routes(std::vector<Route>& routes) {
  routes.push_back(
      {.pattern = "keys",
       .fields = {text_field("after", "List names after this one."),
                  typed("limit", FieldType::kInt, "At most so many names.",
                        "0")},
       .methods = {pool(Operation::kList, &TransitBackend::keys_list)},
       .synopsis = "Lists the named keys."});
  routes.push_back(
      {.pattern = "keys/:name",
       .fields = {kName, kKeyType,
                  typed("derived", FieldType::kBool,
                        "Whether a key is derived from each context.", "false"),
                  kConvergent, kExportable, kPlaintextBackup, kContext,
                  kAutoRotate,
                  typed("key_size", FieldType::kInt,
                        "Bytes of an hmac key, 32 to 512.", "0"),
                  text_field("external_key_ref",
                             "Refused: there are no keys kept elsewhere."),
                  kMaxOperations, kManagedKeyName, kManagedKeyId},
       .methods = {pool(Operation::kUpdate, &TransitBackend::keys_create),
                   pool(Operation::kRead, &TransitBackend::keys_read),
                   pool(Operation::kDelete, &TransitBackend::keys_delete)},
       .synopsis = "Creates, shows and deletes a named key."});
}

void TransitBackend::add_key_change_routes(std::vector<Route>& routes) {
  routes.push_back(
      {.pattern = "keys/:name/config",
       .fields = {kName,
                  typed("min_decryption_version", FieldType::kInt,
                        "The oldest version that still decrypts."),
                  typed("min_encryption_version", FieldType::kInt,
                        "The oldest version that still encrypts; 0 for the "
                        "latest or any."),
                  typed("deletion_allowed", FieldType::kBool,
                        "Whether the key may be deleted."),
                  kExportable, kPlaintextBackup, kAutoRotate, kMaxOperations},
       .methods = {pool(Operation::kUpdate, &TransitBackend::keys_config)},
       .synopsis = "Changes the parameters of a named key."});
  routes.push_back(
      {.pattern = "keys/:name/rotate",
       .fields = {kName, kManagedKeyName, kManagedKeyId},
       .methods = {pool(Operation::kUpdate, &TransitBackend::keys_rotate)},
       .synopsis = "Adds a version to a named key and makes it the latest."});
  routes.push_back(
      {.pattern = "keys/:name/trim",
       .fields = {kName, typed("min_available_version", FieldType::kInt,
                               "Versions below this one are destroyed.")},
       .methods = {pool(Operation::kUpdate, &TransitBackend::keys_trim)},
       .synopsis = "Destroys the oldest versions of a named key."});
  routes.push_back(
      {.pattern = "keys/:name/soft-delete",
       .fields = {kName},
       .methods = {pool(Operation::kDelete, &TransitBackend::keys_soft_delete)},
       .synopsis = "Puts a named key out of use, to be restored."});
  routes.push_back(
      {.pattern = "keys/:name/soft-delete-restore",
       .fields = {kName},
       .methods = {pool(Operation::kUpdate,
                        &TransitBackend::keys_soft_delete_restore)},
       .synopsis = "Puts a soft-deleted key back into use."});
}

void TransitBackend::add_tool_routes(std::vector<Route>& routes) {
  for (const std::string_view pattern :
       {"random", "random/:source", "random/:source/:urlbytes"}) {
    routes.push_back({.pattern = pattern,
                      .fields = tools::random_fields(),
                      .methods = {inline_update(&TransitBackend::random)},
                      .synopsis = "Makes random bytes."});
  }
  for (const std::string_view pattern : {"hash", "hash/:urlalgorithm"}) {
    routes.push_back({.pattern = pattern,
                      .fields = tools::hash_fields(),
                      .methods = {inline_update(&TransitBackend::hash)},
                      .synopsis = "Hashes data."});
  }
}

void TransitBackend::add_config_routes(std::vector<Route>& routes) {
  routes.push_back(
      {.pattern = "cache-config",
       .fields = {typed("size", FieldType::kInt,
                        "The most keys kept in memory: 0 for all, or at least "
                        "10.",
                        "0")},
       .methods = {pool(Operation::kRead, &TransitBackend::cache_config_read),
                   pool(Operation::kUpdate,
                        &TransitBackend::cache_config_write)},
       .synopsis = "Shows and sets how many keys are kept in memory."});
  routes.push_back(
      {.pattern = "config/keys",
       .fields = {typed("disable_upsert", FieldType::kBool,
                        "Whether encrypt may not make the key it names.",
                        "false")},
       .methods = {pool(Operation::kRead, &TransitBackend::config_keys_read),
                   pool(Operation::kUpdate,
                        &TransitBackend::config_keys_write)},
       .synopsis = "Shows and sets what holds for all keys of the mount."});
}

std::vector<Route> TransitBackend::make_routes() {
  std::vector<Route> routes;
  add_use_routes(routes);
  add_mac_routes(routes);
  add_sign_routes(routes);
  add_export_routes(routes);
  add_import_routes(routes);
  add_derive_routes(routes);
  add_backup_routes(routes);
  add_key_routes(routes);
  add_key_change_routes(routes);
  add_certificate_routes(routes);
  add_tool_routes(routes);
  add_config_routes(routes);
  return routes;
}

}  // namespace bulla::engine::transit
