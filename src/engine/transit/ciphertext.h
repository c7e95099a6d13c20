#pragma once

#include <cstdint>
#include <optional>
#include <string_view>

namespace bulla::engine::transit {

constexpr std::string_view kCiphertextPrefix = "vault:v";

/// "vault:v<version>:<payload>", as ciphertexts, HMACs and signatures carry
/// it. The payload is a view into the text, not yet decoded.
struct VersionedText {
  std::int64_t version = 0;
  std::string_view payload;
};

enum class VersionedTextFault : std::uint8_t {
  kNone,
  kNoPrefix,
  kWrongFields,  ///< No ':' after the version.
  kBadVersion,   ///< Not a decimal number of 64 bits.
};

/// Input is hostile. The version may be negative or zero: what those mean is
/// the caller's to say.
VersionedTextFault parse_versioned_text(std::string_view text,
                                        VersionedText& parsed);

/// A decimal number as Go's strconv.Atoi takes it: an optional sign, then
/// digits, within 64 bits.
std::optional<std::int64_t> parse_decimal(std::string_view text);

}  // namespace bulla::engine::transit
