#include "engine/transit/certificate_rules.h"

#include <fmt/format.h>

namespace bulla::engine::transit {

Result<void> check_certifiable(const Key& key) {
  if (!key.type().signs) {
    return fail(invalid_argument(fmt::format(
        "key type '{}' does not support signing", key.type().name)));
  }
  if (key.type().managed()) {
    return fail(invalid_argument(fmt::format(
        "operation not supported for keys of type {}", key.type().name)));
  }
  if (key.record().derived) {
    return fail(invalid_argument(
        "operation not supported for keys with derivation enabled"));
  }
  return {};
}

Result<std::uint32_t> certified_version(const api::Fields& fields,
                                        const KeyRecord& record) {
  if (!fields.has("version")) return record.latest_version;
  const std::int64_t asked = fields.integer("version");
  if (asked < std::int64_t{record.min_decryption_version} ||
      asked > std::int64_t{record.latest_version}) {
    return fail(invalid_argument("no such key version"));
  }
  return static_cast<std::uint32_t>(asked);
}

}  // namespace bulla::engine::transit
