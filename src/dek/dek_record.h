#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "base/bytes.h"
#include "base/clock.h"
#include "base/result.h"
#include "base/secret_bytes.h"
#include "crypto/aead.h"

namespace bulla::dek {

// What is stored of DEKs: docs/formats/dek.md. What is read is hostile.

enum class Algorithm : std::uint8_t { kAesGcm256 = 1, kAesGcm128 = 2 };
enum class Status : std::uint8_t {
  kActive = 1,
  kDeprecated = 2,
  kInactive = 3
};

std::string_view algorithm_name(Algorithm algorithm);  ///< "AES-GCM-256", ….
std::string_view status_name(Status status);           ///< "active", ….
std::optional<Algorithm> algorithm_named(std::string_view name);
std::optional<Status> status_named(std::string_view name);
crypto::AeadAlgorithm aead_of(Algorithm algorithm);

/// All of a DEK but its key.
struct DekInfo {
  static constexpr std::string_view kPrefix = "core/dek/info/";
  static constexpr std::size_t kIdBytes = 36;
  static constexpr std::size_t kNameBytesMax = 256;
  static constexpr std::size_t kDescriptionBytesMax = 4096;
  static constexpr std::size_t kScopeBytesMax = 128;

  std::string id;  ///< UUID.
  std::string name;
  std::string description;
  Algorithm algorithm = Algorithm::kAesGcm256;
  std::string scope;
  Status status = Status::kActive;
  Time created_at;
  Time updated_at;
  std::uint64_t version = 1;  ///< One more with each change.

  static std::string path_of(std::string_view id);
  std::string path() const { return path_of(id); }
  SecretBytes serialise() const;
  ///   kCorrupt  not what serialise() writes.
  static Result<DekInfo> parse(ByteView bytes);
  bool operator==(const DekInfo&) const = default;
};

/// A name, a scope: not empty, not too long, no control characters.
///   kInvalidArgument  says which field is wrong.
Result<void> check_text(std::string_view what, std::string_view text,
                        std::size_t most);
/// Whether it is written as a UUID is, in lower case.
bool is_uuid(std::string_view text);

/// The keys of all DEKs: one entry, sealed under the root key inside the
/// barrier, so that a rekey seals every DEK anew in its one commit.
struct KeyRing {
  static constexpr std::string_view kPath = "core/dek/keys";
  static constexpr std::size_t kCountMax = 4096;

  struct Key {
    std::string id;
    Algorithm algorithm = Algorithm::kAesGcm256;
    SecretBytes key;
  };
  std::vector<Key> keys;  ///< In the order of their ids.

  const Key* find(std::string_view id) const;
  void add(Key key);
  SecretBytes serialise() const;
  ///   kCorrupt  not what serialise() writes.
  static Result<KeyRing> parse(ByteView bytes);
};

/// How far a DEK may count its encryptions before it has to write again.
struct CountRecord {
  static constexpr std::string_view kPrefix = "core/dek/count/";

  std::uint64_t ceiling = 0;

  static std::string path_of(std::string_view id);
  SecretBytes serialise() const;
  ///   kCorrupt  not what serialise() writes.
  static Result<CountRecord> parse(ByteView bytes);
};

}  // namespace bulla::dek
