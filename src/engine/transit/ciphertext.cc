#include "engine/transit/ciphertext.h"

#include <charconv>

namespace bulla::engine::transit {

std::optional<std::int64_t> parse_decimal(std::string_view text) {
  if (text.starts_with('+')) {
    text.remove_prefix(1);
    if (text.starts_with('-')) return std::nullopt;
  }
  std::int64_t value = 0;
  const char* const end = text.data() + text.size();
  const auto [at, error] = std::from_chars(text.data(), end, value);
  if (error != std::errc() || at != end) return std::nullopt;
  return value;
}

VersionedTextFault parse_versioned_text(std::string_view text,
                                        VersionedText& parsed) {
  if (!text.starts_with(kCiphertextPrefix)) {
    return VersionedTextFault::kNoPrefix;
  }
  text.remove_prefix(kCiphertextPrefix.size());
  const std::size_t colon = text.find(':');
  if (colon == std::string_view::npos) return VersionedTextFault::kWrongFields;
  const auto version = parse_decimal(text.substr(0, colon));
  if (!version) return VersionedTextFault::kBadVersion;
  parsed.version = *version;
  parsed.payload = text.substr(colon + 1);
  return VersionedTextFault::kNone;
}

}  // namespace bulla::engine::transit
