#pragma once

#include <chrono>
#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "base/bytes.h"
#include "base/result.h"
#include "base/secret_bytes.h"

namespace bulla::kek {

using Deadline = std::chrono::steady_clock::time_point;
using KekVersion = std::uint32_t;

/// A secret sealed under one version of a KEK. Hostile when read back.
struct WrappedKey {
  KekVersion version = 1;
  std::string key_id;  ///< The provider's own name of the KEK, for status.
  Bytes blob;
};

/// Seals a small secret under a key-encryption key (KEK) held elsewhere. Blocks
/// until `deadline` at most; retries transport faults within it. Any thread.
///   kUnavailable       unreachable or past `deadline`. Safe to repeat.
///   kPermissionDenied  the KEK refused our credentials. Do not repeat.
///   kNotFound          the KEK version is gone or disabled. Do not repeat.
///   kCorrupt           wrong KEK, wrong `aad` or altered bytes.
class KekProvider {
 public:
  static constexpr std::size_t kBlobBytesMax = 4096;
  virtual ~KekProvider() = default;

  /// "static", "config", "transit", ….
  virtual std::string_view kind() const = 0;
  virtual std::string_view name() const = 0;
  /// What a new installation is wrapped under. Once there is one, its install
  /// record says which version is active, and the caller names it to wrap().
  virtual KekVersion active_version() const = 0;
  /// The versions that this process can use, ascending, never empty. Asks
  /// nobody.
  virtual std::vector<KekVersion> versions() const {
    return {active_version()};
  }
  /// Says that the stored keys of this installation call the KEK `key_id`
  /// version `version`: for providers whose keys bear no numbers, before their
  /// versions are asked for. Others ignore it, and so does one without that
  /// KEK.
  virtual void adopt(KekVersion version, std::string_view key_id) {
    static_cast<void>(version);
    static_cast<void>(key_id);
  }

  /// A provider without native associated data seals SHA-256(aad) ‖ key.
  virtual Result<WrappedKey> wrap(const SecretBytes& key, ByteView aad,
                                  KekVersion version, Deadline deadline) = 0;
  virtual Result<SecretBytes> unwrap(const WrappedKey& wrapped, ByteView aad,
                                     Deadline deadline) = 0;

  /// Makes the KEK of a version, for providers whose KEKs are theirs to make.
  ///   kConflict     there is one.
  ///   kUnsupported  the KEKs of this provider are made elsewhere.
  virtual Result<void> create_version(KekVersion version, Deadline deadline);

  /// Whether the provider works now: a random value, wrapped under the active
  /// version, must open again. kCorrupt when it opens to something else, and
  /// the errors of wrap() and unwrap().
  virtual Result<void> probe(Deadline deadline);

  /// Whether wrap() under the version of `wrapped` would use the very KEK that
  /// sealed it; if not, it is due to be wrapped anew. Moving to another version
  /// is the caller's affair. Asks nobody. Default: for one version only.
  virtual bool is_current(const WrappedKey& wrapped) const {
    return wrapped.version == active_version();
  }
};

}  // namespace bulla::kek
