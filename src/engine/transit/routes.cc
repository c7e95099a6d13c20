// The route table of a transit mount.

#include <initializer_list>
#include <utility>

#include "engine/tools/hash.h"
#include "engine/tools/random.h"
#include "engine/transit/transit.h"

namespace bulla::engine::transit {
namespace {

using api::Cost;
using api::Field;
using api::FieldType;
using api::Operation;
using api::Route;

constexpr Field kName{
    .name = "name", .description = "The name of the key.", .required = true};
constexpr Field kContext{
    .name = "context",
    .description =
        "Base64 context for key derivation; required by keys that "
        "are derived."};
constexpr Field kKeyVersion{
    .name = "key_version",
    .type = FieldType::kInt,
    .description =
        "The version to use: 0 for the latest, or at least the "
        "key's min_encryption_version.",
    .default_text = "0"};
constexpr Field kAssociatedData{
    .name = "associated_data",
    .description =
        "Base64 data that is authenticated, not encrypted; the "
        "same is needed to decrypt."};
constexpr Field kBatchInput{
    .name = "batch_input",
    .type = FieldType::kAny,
    .description =
        "A list of items to process in one request; the answer "
        "keeps their order."};
constexpr Field kPartialFailure{
    .name = "partial_failure_response_code",
    .type = FieldType::kInt,
    .description =
        "The status of an answer in which some items failed and "
        "some did not."};
constexpr Field kUrlAlgorithm{
    .name = "urlalgorithm",
    .description = "The hash algorithm, as part of the URL."};
constexpr Field kKeyType{.name = "type",
                         .description = "The type of key to create.",
                         .default_text = "aes256-gcm96"};
constexpr Field kConvergent{
    .name = "convergent_encryption",
    .type = FieldType::kBool,
    .description =
        "Whether equal plaintexts give equal ciphertexts in equal "
        "contexts; needs derived.",
    .default_text = "false"};
constexpr Field kExportable{
    .name = "exportable",
    .type = FieldType::kBool,
    .description = "Whether the key may be exported. Cannot be taken back.",
    .default_text = "false"};
constexpr Field kPlaintextBackup{
    .name = "allow_plaintext_backup",
    .type = FieldType::kBool,
    .description =
        "Whether the key may be backed up in plain text. Cannot be "
        "taken back.",
    .default_text = "false"};
constexpr Field kAutoRotate{
    .name = "auto_rotate_period",
    .type = FieldType::kDuration,
    .description =
        "The age at which the key is rotated by itself; 0 for "
        "never, otherwise at least an hour.",
    .default_text = "0"};

constexpr Field kMaxOperations{
    .name = "max_operations",
    .type = FieldType::kInt,
    .description =
        "The encryptions after which a version is replaced by a new one; at "
        "least 16, or 0 for as many as the type allows.",
    .default_text = "0"};

constexpr std::string_view kHmacSynopsis =
    "Authenticates data with the named key.";
constexpr std::string_view kVerifySynopsis =
    "Verifies a signature or an HMAC made by the named key.";

constexpr Field text_field(std::string_view name, std::string_view description,
                           std::string_view otherwise = {}) {
  return {.name = name, .description = description, .default_text = otherwise};
}
constexpr Field typed(std::string_view name, FieldType type,
                      std::string_view description,
                      std::string_view otherwise = {}) {
  return {.name = name,
          .type = type,
          .description = description,
          .default_text = otherwise};
}

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
                  kKeyType, kConvergent, kKeyVersion, kAssociatedData,
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
                  kAssociatedData, kBatchInput, kPartialFailure},
       .methods = {inline_update(&TransitBackend::decrypt)},
       .synopsis = "Decrypts a ciphertext or a batch of them with the named "
                   "key."});
  routes.push_back(
      {.pattern = "rewrap/:name",
       .fields = {kName, text_field("ciphertext", "\"vault:vN:…\"."), kContext,
                  kKeyVersion, kBatchInput},
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

void TransitBackend::add_mac_routes(std::vector<Route>& routes) {
  const std::vector<Field> hmac_fields{
      kName,
      kUrlAlgorithm,
      text_field("input", "The base64 data to authenticate."),
      text_field("algorithm", "The hash algorithm.", "sha2-256"),
      kKeyVersion,
      kBatchInput};
  const std::vector<Field> verify_fields{
      kName,
      kUrlAlgorithm,
      text_field("input", "The base64 data that was signed or authenticated."),
      text_field("hmac", "The HMAC to verify."),
      text_field("signature", "The signature to verify."),
      text_field("hash_algorithm", "The hash algorithm.", "sha2-256"),
      text_field("algorithm", "Deprecated; hash_algorithm is read."),
      kContext,
      typed("prehashed", FieldType::kBool, "Whether input is hashed already.",
            "false"),
      text_field("signature_algorithm", "pss or pkcs1v15, of RSA keys."),
      text_field("marshaling_algorithm", "asn1 or jws.", "asn1"),
      text_field("salt_length", "auto, hash or a number, of RSA keys.", "auto"),
      kBatchInput};
  for (const std::string_view pattern :
       {"hmac/:name", "hmac/:name/:urlalgorithm"}) {
    routes.push_back({.pattern = pattern,
                      .fields = hmac_fields,
                      .methods = {inline_update(&TransitBackend::hmac)},
                      .synopsis = kHmacSynopsis});
  }
  for (const std::string_view pattern :
       {"verify/:name", "verify/:name/:urlalgorithm"}) {
    routes.push_back({.pattern = pattern,
                      .fields = verify_fields,
                      .methods = {inline_update(&TransitBackend::verify)},
                      .synopsis = kVerifySynopsis});
  }
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
                  kMaxOperations},
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
       .fields = {kName},
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
  add_key_routes(routes);
  add_key_change_routes(routes);
  add_tool_routes(routes);
  add_config_routes(routes);
  return routes;
}

}  // namespace bulla::engine::transit
