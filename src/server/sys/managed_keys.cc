// sys/managed-keys/pkcs11: keys that an HSM has (docs/managed-keys.md).

#include "server/managed_keys.h"

#include <fmt/format.h>

#include <array>

#include "base/json_writer.h"
#include "server/sys/handlers.h"
#include "server/sys/sys_backend.h"

namespace bulla::server {
namespace {

// As text; the HSM's side reads them.
constexpr std::array<std::string_view, 10> kParameters{
    "library", "slot",          "token_label", "key_label", "key_id",
    "curve",   "rsa_oaep_hash", "mechanism",   "key_bits",  "max_parallel"};

Result<api::Response> list(Core& core, const api::Request& request,
                           api::Context&) {
  const auto keys = page(core.managed_keys().list(), request.fields);
  if (keys.empty()) return api::Response::none();
  std::string json;
  JsonWriter(json).begin_object().key("keys").strings(keys).end_object();
  return api::Response::with_data(std::move(json));
}

void write_key(JsonWriter& out, const ManagedKeyStore::Shown& key) {
  const auto allows = [&](const char* name) {
    const auto found = key.parameters.find(name);
    return found != key.parameters.end() && found->second == "true";
  };
  out.begin_object().member("UUID", key.id);
  out.member("allow_generate_key", allows("allow_generate_key"));
  out.member("allow_replace_key", false).member("allow_store_key", false);
  out.member("any_mount", key.any_mount);
  for (const auto& [name, value] : key.parameters) {
    if (name != "allow_generate_key") out.member(name, value);
  }
  out.member("name", key.name).member("pin", "redacted");
  out.member("type", "pkcs11").key("usages").strings(key.usages).end_object();
}

Result<api::Response> read(Core& core, const api::Request& request,
                           api::Context&) {
  const auto key = core.managed_keys().read(request.param("name"));
  if (!key) return api::Response::none();
  std::string json;
  JsonWriter out(json);
  write_key(out, *key);
  return api::Response::with_data(std::move(json));
}

// What would touch keys that are in the HSM already.
Result<void> check_untouched(const api::Fields& fields) {
  for (const char* name : {"allow_replace_key", "allow_store_key"}) {
    if (!fields.boolean(name)) continue;
    return fail(invalid_argument(fmt::format(
        "{}: keys in an HSM are neither replaced nor imported here; make the "
        "key with the vendor's tools, or under another label with "
        "allow_generate_key",
        name)));
  }
  return {};
}

Result<api::Response> write(Core& core, const api::Request& request,
                            api::Context&) {
  const api::Fields& fields = request.fields;
  TRY(check_untouched(fields));
  ManagedKeyStore::Change change;
  for (const std::string_view name : kParameters) {
    if (!fields.has(name)) continue;
    change.parameters.emplace(name, fields.text(name));
  }
  if (fields.has("allow_generate_key")) {
    change.parameters["allow_generate_key"] =
        fields.boolean("allow_generate_key") ? "true" : "";
  }
  if (fields.has("pin")) {
    change.pin = SecretBytes::copy_of(as_bytes(fields.text("pin")));
  }
  if (fields.has("any_mount")) change.any_mount = fields.boolean("any_mount");
  if (fields.has("usages")) change.usages = fields.strings("usages");
  TRY(core.managed_keys().write(request.param("name"), std::move(change)));
  return api::Response::none();
}

Result<api::Response> remove(Core& core, const api::Request& request,
                             api::Context&) {
  TRY(core.managed_keys().remove(request.param("name")));
  return api::Response::none();
}

Result<api::Response> test_sign(Core& core, const api::Request& request,
                                api::Context&) {
  const std::string_view name =
      request.fields.text("hash_algorithm", "sha2-256");
  crypto::SignatureScheme scheme;
  scheme.hash = crypto::hash_algorithm_named(name);
  if (!scheme.hash) {
    return fail(invalid_argument(
        fmt::format("invalid hash algorithm \"{}\"", name.substr(0, 64))));
  }
  scheme.padding = request.fields.boolean("use_pss")
                       ? crypto::RsaPadding::kPss
                       : crypto::RsaPadding::kPkcs1v15;
  TRY(core.managed_keys().test_sign(request.param("name"), scheme));
  return api::Response::none();
}

constexpr api::Field kName{"name", api::FieldType::kString,
                           "The managed key's name."};

std::vector<api::Field> key_fields() {
  using api::FieldType;
  return {
      kName,
      {"library", FieldType::kString,
       "The name of a kms_library stanza of the configuration."},
      {"slot", FieldType::kString, "The token's slot."},
      {"token_label", FieldType::kString, "The token's label."},
      {"pin", FieldType::kString,
       "The PIN of the token's user. Kept, and never shown."},
      {"key_label", FieldType::kString, "The key's CKA_LABEL."},
      {"key_id", FieldType::kString, "The key's CKA_ID, in hexadecimal."},
      {"mechanism", FieldType::kString,
       "CKM_AES_GCM, CKM_RSA_PKCS_OAEP, CKM_RSA_PKCS, CKM_RSA_PKCS_PSS or "
       "CKM_ECDSA, or its number."},
      {"rsa_oaep_hash", FieldType::kString,
       "Of RSA-OAEP: sha1, sha224, sha256, sha384 or sha512. SoftHSM has sha1 "
       "alone.",
       "sha256"},
      {"curve", FieldType::kString, "Of a new EC key: P256, P384 or P521.",
       "P256"},
      {"key_bits", FieldType::kString, "Of a new AES or RSA key.",
       "256 or 3072"},
      {"max_parallel", FieldType::kString, "Sessions used at the same time.",
       "8"},
      {"force_rw_session", FieldType::kBool,
       "Kept for compatibility: sessions are read-write."},
      {"allow_generate_key", FieldType::kBool,
       "Makes the key in the HSM at its first use, where it is missing.",
       "false"},
      {"allow_replace_key", FieldType::kBool, "Not offered: true is refused.",
       "false"},
      {"allow_store_key", FieldType::kBool, "Not offered: true is refused.",
       "false"},
      {"any_mount", FieldType::kBool,
       "Whether every mount may use it; else those whose allowed_managed_keys "
       "name it.",
       "false"},
      {"usages", FieldType::kCommaStringSlice,
       "Of encrypt, decrypt, sign, verify, what it may be used for; all when "
       "empty."}};
}

}  // namespace

void add_managed_key_routes(Core& core, Routes& routes) {
  using api::FieldType;
  using api::Operation;
  routes.push_back({.pattern = "managed-keys/pkcs11",
                    .fields = page_fields(),
                    .methods = {method(core, Operation::kList, list,
                                       "Lists the managed keys.")},
                    .synopsis = "Keys that an HSM has."});
  routes.push_back(
      {.pattern = "managed-keys/pkcs11/:name",
       .fields = key_fields(),
       .methods = {method(core, Operation::kRead, read,
                          "Shows a managed key, without its PIN."),
                   method(core, Operation::kUpdate, write,
                          "Names a key of an HSM."),
                   method(core, Operation::kDelete, remove,
                          "Forgets a managed key that nothing uses.")},
       .exists = [&core](const api::Request& request,
                         api::Context&) -> Result<bool> {
         return core.managed_keys().read(request.param("name")).has_value();
       },
       .synopsis = "One key that an HSM has."});
  routes.push_back({.pattern = "managed-keys/pkcs11/:name/test/sign",
                    .fields = {kName,
                               {"hash_algorithm", FieldType::kString,
                                "The hash that is signed.", "sha2-256"},
                               {"use_pss", FieldType::kBool,
                                "Of RSA: PSS and not PKCS#1 v1.5.", "false"}},
                    .methods = {method(core, Operation::kUpdate, test_sign,
                                       "Has the HSM sign, and verifies it.")},
                    .synopsis = "Proves that a managed key signs."});
}

}  // namespace bulla::server
