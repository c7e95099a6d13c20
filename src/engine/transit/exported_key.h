#pragma once

#include <cstdint>
#include <map>
#include <string>
#include <string_view>

#include "api/response.h"
#include "base/result.h"
#include "base/secret_bytes.h"
#include "engine/transit/key.h"

namespace bulla::engine::transit {

/// What leaves by export, and in which form (reference/transit.md §9).
enum class ExportType : std::uint8_t {
  kEncryptionKey,
  kSigningKey,
  kHmacKey,
  kCmacKey,
  kPublicKey,
  kCertificateChain,
};
enum class ExportFormat : std::uint8_t { kDefault, kRaw, kDer, kPem };

/// kInvalidArgument  "invalid export type: …" and "invalid format: …".
Result<ExportType> export_type_named(std::string_view name);
Result<ExportFormat> export_format_named(std::string_view name);

/// Whether keys like `key` may be exported so.
///   kInvalidArgument  with the reference's texts.
///   kInternal         it is soft-deleted.
Result<void> check_exportable(const Key& key, ExportType type);

/// One version as text; "" for the private half of a public key.
///   kInternal  a format that its material has not, or no such material.
Result<SecretBytes> exported_version(const Key& key, const KeyVersion& version,
                                     ExportType type, ExportFormat format);

/// {"keys":{"1":…},"name":…,"type":…}
api::Response exported_answer(
    const Key& key, const std::map<std::string, SecretBytes>& versions);

}  // namespace bulla::engine::transit
