// POST keys/:name (reference/transit.md §3).

#include <fmt/format.h>

#include <optional>
#include <utility>

#include "engine/transit/config_rules.h"
#include "engine/transit/key_material.h"
#include "engine/transit/transit.h"

namespace bulla::engine::transit {
namespace {

Result<std::uint32_t> key_size(const KeyTypeInfo& type, std::int64_t asked) {
  const bool sized = type.family == KeyFamily::kHmac;
  if (asked == 0) {
    return sized ? static_cast<std::uint32_t>(kHmacKeyBytesMin) : 0U;
  }
  if (!sized) {
    return fail(invalid_argument(
        fmt::format("key_size is not valid for algorithm {}", type.name)));
  }
  if (asked < std::int64_t{kHmacKeyBytesMin} ||
      asked > std::int64_t{kHmacKeyBytesMax}) {
    return fail(invalid_argument(fmt::format("invalid key_size {}", asked)));
  }
  return static_cast<std::uint32_t>(asked);
}

Result<KeyRecord> wanted_key(const api::Fields& fields) {
  KeyRecord wanted;
  wanted.auto_rotate_period = fields.duration("auto_rotate_period");
  TRY(check_auto_rotate_period(wanted.auto_rotate_period));
  wanted.derived = fields.boolean("derived");
  wanted.convergent = fields.boolean("convergent_encryption");
  if (wanted.convergent && !wanted.derived) {
    return fail(invalid_argument(
        "convergent encryption requires derivation to be enabled"));
  }
  // Whoever names a key elsewhere would believe that ours is that one.
  if (!fields.text("external_key_ref").empty()) {
    return fail(invalid_argument(
        "must provide type=external-key to use external_key_ref"));
  }
  const std::string_view name = fields.text("type", "aes256-gcm96");
  const KeyTypeInfo* type = find_key_type(name);
  if (type == nullptr) {
    return fail(invalid_argument(fmt::format("unknown key type {}", name)));
  }
  wanted.type = type->type;
  TRY_ASSIGN(wanted.key_size, key_size(*type, fields.integer("key_size")));
  TRY_ASSIGN(wanted.max_operations,
             check_max_operations(fields.integer("max_operations"), wanted));
  wanted.kdf = wanted.derived ? Kdf::kHkdfSha256 : Kdf::kCounter;
  wanted.exportable = fields.boolean("exportable");
  wanted.allow_plaintext_backup = fields.boolean("allow_plaintext_backup");
  TRY(check_managed(wanted));
  return wanted;
}

}  // namespace

Result<api::Response> TransitBackend::keys_create(const Request& request,
                                                  Context& context) {
  TRY_ASSIGN(const KeyRecord wanted, wanted_key(request.fields));
  const std::string_view name = request.param("name");
  api::FoundManagedKey managed;  // held until its version is stored
  std::optional<Material> given;
  if (wanted.type == KeyType::kManagedKey) {
    TRY(check_derivation(wanted));
    TRY_ASSIGN(const Key* present, find_key(name, context));
    if (present == nullptr) {
      TRY_ASSIGN(managed, find_managed(request.fields));
      given = ManagedMaterial{managed.id, managed.public_key};
    }
  }
  TRY_ASSIGN(const auto made,
             keys_.create(name, wanted, context.now, std::move(given)));
  TRY_ASSIGN(auto answer, key_body(*made.key));
  if (!made.created) {
    answer.warnings.push_back(fmt::format("key {} already existed", name));
  }
  return answer;
}

}  // namespace bulla::engine::transit
