#include "engine/transit/version_choice.h"

#include <string>

#include "engine/transit/ciphertext.h"

namespace bulla::engine::transit {

Result<void> visit_chosen(const KeyStore& store, const Key& key,
                          std::string_view text,
                          const KeyStore::Visitor& visit) {
  const KeyRecord& record = key.record();
  if (text.empty()) {
    return store.visit_versions(key, record.min_decryption_version,
                                record.latest_version, visit);
  }
  std::int64_t number = record.latest_version;
  if (text != "latest") {
    if (text.starts_with('v')) text.remove_prefix(1);
    const auto parsed = parse_decimal(text);
    if (!parsed) return fail(invalid_argument("invalid key version"));
    number = *parsed;
  }
  if (number < record.min_decryption_version) {
    return fail(invalid_argument(
        "version for export is below minimum decryption version"));
  }
  if (number > record.latest_version) {
    return fail(invalid_argument("version does not exist or cannot be found"));
  }
  const auto chosen = static_cast<std::uint32_t>(number);
  return store.visit_versions(key, chosen, chosen, visit);
}

}  // namespace bulla::engine::transit
