// What another server shows and exports of a key: {"key":…, "keys":…,
// "hmac_keys":…}. A backup that is made of it is JSON that parses to itself.

#include <cstddef>
#include <cstdint>

#include "base/assert.h"
#include "base/bytes.h"
#include "base/clock.h"
#include "cli/exported_key.h"

namespace cli = bulla::cli;

namespace {

cli::Value member(const cli::Value& root, std::string_view name) {
  const cli::Value* const found = root.find(name);
  return found == nullptr ? cli::Value() : *found;
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data,
                                      std::size_t size) {
  const auto root = cli::parse_value(bulla::as_text({data, size}));
  if (!root) return 0;
  const cli::Value key = member(*root, "key");
  const cli::TransitType* const type =
      cli::find_transit_type(key.text_of("type"));
  if (type == nullptr) return 0;
  static_cast<void>(cli::export_obstacle(key));
  const auto backup = cli::backup_of_export(
      key, *type, {member(*root, "keys"), member(*root, "hmac_keys")},
      bulla::from_unix_nanos(0));
  if (!backup) return 0;
  const std::string text = cli::to_json(*backup);
  const auto again = cli::parse_value(text);
  BULLA_ASSERT(again && cli::to_json(*again) == text);
  return 0;
}
