#pragma once

#include <cstdint>
#include <mutex>
#include <string_view>

#include "barrier/barrier.h"
#include "base/clock.h"
#include "base/result.h"
#include "seal/custody.h"

namespace bulla::seal {

/// When the keyring gets a new term by itself (sys/rotate/config). Stored in
/// the barrier at kPath, once it was set. docs/formats/keyring.md.
struct RotationConfig {
  static constexpr std::string_view kPath = "core/keyring-rotation";
  /// Of 2^32 encryptions that random nonces allow a key, nine tenths.
  static constexpr std::int64_t kOperationsMax = 3'865'470'566;
  static constexpr std::int64_t kOperationsMin = 1'000'000;
  static constexpr Seconds kIntervalMin{86'400};

  bool enabled = true;
  std::int64_t max_operations = kOperationsMax;
  Seconds interval{0};  ///< 0: time alone rotates nothing.

  Bytes serialise() const;
  ///   kCorrupt  not what serialise() writes.
  static Result<RotationConfig> parse(ByteView bytes);
  ///   kInvalidArgument  the texts of reference/sys.md §4.
  Result<void> check() const;
  /// Whether a key of that age and use is due to be followed by another.
  bool due(const barrier::KeyStatus& key, Time now) const;
  bool operator==(const RotationConfig&) const = default;
};

/// The keyring's automatic rotation. Any thread.
class KeyringRotation {
 public:
  KeyringRotation(barrier::Barrier& barrier, Custody& custody,
                  const Clock& clock)
      : barrier_(barrier), custody_(custody), clock_(clock) {}

  /// What is stored, or the defaults. kSealed while sealed.
  Result<RotationConfig> config();
  ///   kInvalidArgument  RotationConfig::check()'s.
  Result<void> configure(const RotationConfig& config);
  /// Rotates when it is due; true when it did. Cheap when it is not: one look
  /// at counters, and at storage where the configuration was not read yet.
  Result<bool> run();
  /// Forgets the configuration, at seal.
  void clear();

 private:
  barrier::Barrier& barrier_;
  Custody& custody_;
  const Clock& clock_;
  std::mutex mutex_;
  std::optional<RotationConfig> known_;
};

}  // namespace bulla::seal
