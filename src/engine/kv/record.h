#pragma once

#include <cstdint>
#include <map>
#include <optional>
#include <string>
#include <string_view>

#include "base/clock.h"
#include "base/result.h"
#include "base/secret_bytes.h"
#include "dek/records.h"

namespace bulla::engine::kv {

/// One version of a record. Its body is an entry of its own.
struct Version {
  Time created;
  /// Deleted from then on; may lie ahead.
  std::optional<Time> deletion;
  bool destroyed = false;

  bool deleted(Time now) const { return deletion && *deletion <= now; }
  bool readable(Time now) const { return !destroyed && !deleted(now); }
};

/// A record's metadata: all of it but the bodies and what those are under
/// (docs/formats/kv.md).
struct Record {
  static constexpr std::uint64_t kVersionMax = std::uint64_t{1} << 62;
  /// As many versions as a record keeps, whatever max_versions says.
  static constexpr std::uint64_t kVersionsKeptMax = 10'000;

  std::string path;  ///< Inside the mount.
  std::string id;    ///< UUID, for this life of the path.
  Time created;
  Time updated;
  std::uint64_t current = 0;  ///< 0: there was no version yet.
  std::uint64_t oldest = 0;
  std::uint64_t metadata_version = 0;
  std::uint32_t max_versions = 0;  ///< 0: the mount's.
  bool cas_required = false;
  bool metadata_cas_required = false;
  Seconds delete_version_after{0};  ///< 0: the mount's.
  std::map<std::string, std::string> custom;
  std::map<std::uint64_t, Version> versions;

  const Version* find(std::uint64_t number) const {
    const auto at = versions.find(number);
    return at == versions.end() ? nullptr : &at->second;
  }
};

/// Which DEK seals the body of each version that has one. An entry of its own
/// beside the bodies, so that a re-encryption leaves the record's alone.
struct BodyDeks {
  std::string path;  ///< The record's.
  std::map<std::uint64_t, std::string> ids;
};

/// What holds for all records of a mount.
struct Settings {
  std::uint32_t max_versions = 0;
  bool cas_required = false;
  bool metadata_cas_required = false;
  /// Negative: versions are never deleted by time.
  Seconds delete_version_after{0};
};

// The stored forms. Decoding refuses whatever would not encode to the same
// bytes.
//   kCorrupt  not such a record.
SecretBytes encode(const Record& record);
Result<Record> decode_record(ByteView bytes);
SecretBytes encode(const BodyDeks& deks);
Result<BodyDeks> decode_deks(ByteView bytes);
SecretBytes encode(const Settings& settings);
Result<Settings> decode_settings(ByteView bytes);
SecretBytes encode(const dek::SealedBody& body);
Result<dek::SealedBody> decode_body(ByteView bytes);

inline constexpr std::string_view kSettingsPath = "config";
inline constexpr std::string_view kRecordsPrefix = "meta/";
inline constexpr std::string_view kBodiesPrefix = "body/";
inline constexpr std::string_view kUsesPrefix = "use/";

std::string record_path(std::string_view path);
std::string body_path(std::string_view record_id, std::uint64_t version);
std::string deks_path(std::string_view record_id);
std::string uses_prefix(std::string_view dek_id);
std::string use_path(std::string_view dek_id, std::string_view record_id);

/// Where a body belongs, for dek::RecordCipher: "<mount>/<version>/<path>", of
/// which only the path may have a '/'.
std::string body_place(std::string_view mount_uuid, std::string_view path,
                       std::uint64_t version);

}  // namespace bulla::engine::kv
