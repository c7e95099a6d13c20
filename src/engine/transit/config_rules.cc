#include "engine/transit/config_rules.h"

#include <fmt/format.h>

#include "engine/transit/usage.h"

namespace bulla::engine::transit {
namespace {

constexpr Seconds kAutoRotateLeast{3600};

tl::unexpected<Error> invalid(std::string text) {
  return fail(invalid_argument(std::move(text)));
}

// A minimum version as asked for; `word` is "decryption" or "encryption".
Result<std::uint32_t> checked_minimum(std::int64_t asked, std::string_view word,
                                      const KeyRecord& record) {
  if (asked < 0) {
    return invalid(fmt::format("min {} version cannot be negative", word));
  }
  if (asked > record.latest_version) {
    return invalid(
        fmt::format("cannot set min {} version of {}, latest key version is {}",
                    word, asked, record.latest_version));
  }
  return static_cast<std::uint32_t>(asked);
}

Result<void> apply_minimums(const api::Fields& fields, KeyRecord& record,
                            std::vector<std::string>& warnings) {
  if (fields.has("min_decryption_version")) {
    TRY_ASSIGN(std::uint32_t minimum,
               checked_minimum(fields.integer("min_decryption_version"),
                               "decryption", record));
    if (minimum == 0) {
      minimum = 1;
      warnings.emplace_back(
          "since Vault 0.3 (prior to the OpenBao fork), transit key numbering "
          "starts at 1; forcing minimum to 1");
    }
    record.min_decryption_version = minimum;
  }
  if (fields.has("min_encryption_version")) {
    TRY_ASSIGN(record.min_encryption_version,
               checked_minimum(fields.integer("min_encryption_version"),
                               "encryption", record));
  }
  if (record.min_encryption_version > 0 &&
      record.min_encryption_version < record.min_decryption_version) {
    return invalid(fmt::format(
        "cannot set min encryption/decryption values; min encryption version "
        "of {} must be greater than or equal to min decryption version of {}",
        record.min_encryption_version, record.min_decryption_version));
  }
  return {};
}

// The spelling of the second text is the reference's.
Result<void> check_available(const KeyRecord& record) {
  if (record.min_encryption_version < record.min_available_version) {
    return invalid(
        "min encryption version should not be less than min available version");
  }
  if (record.min_decryption_version < record.min_available_version) {
    return invalid(
        "min decryption version should not be less then min available version");
  }
  return {};
}

bool same_parameters(const KeyRecord& a, const KeyRecord& b) {
  return a.min_decryption_version == b.min_decryption_version &&
         a.min_encryption_version == b.min_encryption_version &&
         a.deletion_allowed == b.deletion_allowed &&
         a.exportable == b.exportable &&
         a.allow_plaintext_backup == b.allow_plaintext_backup &&
         a.auto_rotate_period == b.auto_rotate_period &&
         a.max_operations == b.max_operations;
}

}  // namespace

Result<void> check_auto_rotate_period(Seconds period) {
  if (period.count() == 0 || period >= kAutoRotateLeast) return {};
  return invalid("auto rotate period must be 0 to disable or at least an hour");
}

Result<std::uint64_t> check_max_operations(std::int64_t asked,
                                           const KeyRecord& record) {
  if (asked == 0) return 0U;
  const KeyTypeInfo& type = key_type_info(record.type);
  if (!type.encrypts) {
    return invalid(
        fmt::format("max_operations is not valid for algorithm {}", type.name));
  }
  if (asked < std::int64_t{kMaxOperationsLeast}) {
    return invalid(fmt::format("max_operations must be 0 or at least {}",
                               kMaxOperationsLeast));
  }
  if (type.counts_nonces && !record.convergent &&
      asked > kRandomNonceOperationsMost) {
    return invalid(
        fmt::format("max_operations of keys of type {} must be at most {}",
                    type.name, kRandomNonceOperationsMost));
  }
  return static_cast<std::uint64_t>(asked);
}

Result<void> check_managed(const KeyRecord& record) {
  if (record.type != KeyType::kManagedKey) return {};
  const auto impossible = [](std::string_view field) {
    return invalid(fmt::format(
        "{} is not possible for keys of type managed_key: an HSM has them",
        field));
  };
  if (record.exportable) return impossible("exportable");
  if (record.allow_plaintext_backup) {
    return impossible("allow_plaintext_backup");
  }
  if (record.auto_rotate_period.count() == 0) return {};
  return impossible("auto_rotate_period");
}

Result<bool> apply_config(const api::Fields& fields, KeyRecord& record,
                          std::vector<std::string>& warnings) {
  const KeyRecord before = record;
  warnings.clear();
  TRY(apply_minimums(fields, record, warnings));
  record.deletion_allowed =
      fields.boolean("deletion_allowed", record.deletion_allowed);
  // One way only: what may have left once cannot be taken back.
  record.exportable = record.exportable || fields.boolean("exportable");
  record.allow_plaintext_backup =
      record.allow_plaintext_backup || fields.boolean("allow_plaintext_backup");
  if (fields.has("auto_rotate_period")) {
    record.auto_rotate_period = fields.duration("auto_rotate_period");
    TRY(check_auto_rotate_period(record.auto_rotate_period));
  }
  if (fields.has("max_operations")) {
    TRY_ASSIGN(record.max_operations,
               check_max_operations(fields.integer("max_operations"), record));
  }
  TRY(check_managed(record));
  if (same_parameters(before, record)) return false;
  TRY(check_available(record));
  return true;
}

Result<std::uint32_t> check_trim(const api::Fields& fields,
                                 const KeyRecord& record) {
  const std::string_view field = "min_available_version";
  if (!fields.has(field)) return invalid("missing min_available_version");
  const std::int64_t asked = fields.integer(field);
  if (asked < record.min_available_version) {
    return invalid("minimum available version cannot be decremented");
  }
  if (record.min_encryption_version == 0) {
    return invalid(
        "minimum available version cannot be set when minimum encryption "
        "version is not set");
  }
  if (asked > record.min_encryption_version) {
    return invalid(
        "minimum available version cannot be greater than minmum encryption "
        "version");
  }
  if (asked > record.min_decryption_version) {
    return invalid(
        "minimum available version cannot be greater than minimum decryption "
        "version");
  }
  if (asked == 0) {
    return invalid("minimum available version should be positive");
  }
  return static_cast<std::uint32_t>(asked);
}

}  // namespace bulla::engine::transit
