#pragma once

#include <cstdint>
#include <map>
#include <mutex>
#include <set>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "barrier/barrier.h"
#include "base/clock.h"

namespace bulla::server {

/// When an auth method stops listening to a name that fails to log in.
struct LockoutConfig {
  std::uint64_t threshold = 5;  ///< Failures in a row.
  Seconds duration{900};        ///< From the last failure on.
  Seconds counter_reset{900};   ///< So long without one, and all is forgotten.
  bool disabled = false;

  bool operator==(const LockoutConfig&) const = default;
};

/// The record at core/lockout/<accessor> (docs/formats/mount.md).
SecretBytes serialize_lockout(const LockoutConfig& config);
///   kCorrupt  not such a record.
Result<LockoutConfig> parse_lockout(ByteView record);

/// Who has failed to log in too often, by mount and canonical name. Names that
/// are nobody's are counted as well, so that being locked tells nothing. In
/// memory only: a restart forgets it. Any thread.
class Lockouts {
 public:
  /// Names that are remembered; beyond, the one that failed longest ago goes.
  static constexpr std::size_t kNamesMax = 65'536;

  explicit Lockouts(barrier::View view) : view_(std::move(view)) {}

  /// After unseal: reads the settings.
  Result<void> load();
  LockoutConfig config(std::string_view accessor) const;
  /// Stores it.
  Result<void> configure(std::string_view accessor,
                         const LockoutConfig& config);
  /// The mount is gone.
  Result<void> drop(std::string_view accessor);

  bool locked(std::string_view accessor, std::string_view name, Time now) const;
  void failed(std::string_view accessor, std::string_view name, Time now);
  /// A login that worked, or an operator's word.
  void forget(std::string_view accessor, std::string_view name);
  void clear();

  /// Those locked now: accessor and name, sorted.
  std::vector<std::pair<std::string, std::string>> all(Time now) const;

 private:
  using Key = std::pair<std::string, std::string>;
  struct Count {
    std::uint64_t failures = 0;
    Time last;
  };
  static bool is_locked(const Count& count, const LockoutConfig& config,
                        Time now);
  LockoutConfig config_here(std::string_view accessor) const;
  void make_room();

  barrier::View view_;
  mutable std::mutex mutex_;
  std::map<std::string, LockoutConfig, std::less<>> configs_;
  std::map<Key, Count> counts_;
  std::set<std::pair<Time, Key>> by_time_;
};

}  // namespace bulla::server
