#pragma once

#include <cstdint>
#include <optional>
#include <string_view>

#include "base/clock.h"
#include "base/result.h"
#include "cli/value.h"

namespace bulla::cli {

/// What a type of transit keys is made of.
enum class KeyShape : std::uint8_t { kSymmetric, kHmac, kEd25519, kEc, kRsa };

/// A type of transit keys that Bulla has, for what is moved between servers.
struct TransitType {
  std::string_view name;
  int number;  ///< As Bulla and OpenBao have it in backups; Vault's 10 and 11
               ///< are others.
  KeyShape shape;
  std::string_view export_type;  ///< Under which export shows the key itself.
  bool has_hmac_key;             ///< export/hmac-key shows another one.
};

/// Null where Bulla has no such type.
const TransitType* find_transit_type(std::string_view name);

/// Why a key that is not backed up but exported would not be the same key
/// afterwards; nothing where it would. `key` is what keys/:name shows.
std::optional<std::string_view> export_obstacle(const Value& key);

/// What export/…/:name answered: {"1":"…","2":"…"}.
struct ExportedKeys {
  Value keys;       ///< Of the type's export_type, in the default format.
  Value hmac_keys;  ///< Of hmac-key; null for types that have none.
};

/// A backup such as backup/:name would have given of the key `key` shows, made
/// of its exported versions; secret, to be wiped. Versions before the first
/// exported one are left out as if trimmed. Input is another server's.
///   kInvalidArgument  versions are missing, or do not parse as that type.
Result<Value> backup_of_export(const Value& key, const TransitType& type,
                               const ExportedKeys& exported, Time now);

/// The first version in `exported`; 0 where there is none.
std::int64_t first_version(const ExportedKeys& exported);

}  // namespace bulla::cli
