#include "seal/keyring_rotation.h"

#include <fmt/format.h>

#include "base/time_format.h"
#include "base/wire.h"

namespace bulla::seal {
namespace {

constexpr std::uint8_t kFormat = 1;

}  // namespace

Bytes RotationConfig::serialise() const {
  WireWriter out;
  out.u8(kFormat).boolean(enabled).i64(max_operations).i64(interval.count());
  return to_bytes(out.view());
}

Result<RotationConfig> RotationConfig::parse(ByteView bytes) {
  WireReader in(bytes);
  if (in.u8() != kFormat) {
    return fail(
        corrupt("core/keyring-rotation: not of a format that this knows"));
  }
  RotationConfig config;
  config.enabled = in.boolean();
  config.max_operations = in.i64();
  config.interval = Seconds(in.i64());
  TRY(in.finish(kPath));
  if (config.check()) return config;
  return fail(corrupt("core/keyring-rotation: impossible numbers"));
}

Result<void> RotationConfig::check() const {
  if (interval.count() != 0 && interval < kIntervalMin) {
    return fail(
        invalid_argument(fmt::format("interval must be greater or equal to {}",
                                     format_go_duration(kIntervalMin))));
  }
  if (max_operations < kOperationsMin || max_operations > kOperationsMax) {
    return fail(invalid_argument(
        fmt::format("max_operations must be in the range [{},{}]",
                    kOperationsMin, kOperationsMax)));
  }
  return {};
}

bool RotationConfig::due(const barrier::KeyStatus& key, Time now) const {
  if (!enabled) return false;
  if (key.encryptions > static_cast<std::uint64_t>(max_operations)) return true;
  if (interval.count() == 0) return false;
  // By whole seconds, which no interval can make overflow.
  return unix_seconds(now) - unix_seconds(key.install_time) >= interval.count();
}

Result<RotationConfig> KeyringRotation::config() {
  const std::lock_guard lock(mutex_);
  if (known_) return *known_;
  TRY_ASSIGN(const auto entry, barrier_.get(RotationConfig::kPath));
  RotationConfig config;
  if (entry) {
    TRY_ASSIGN(config, RotationConfig::parse(entry->value.expose()));
  }
  known_ = config;
  return config;
}

Result<void> KeyringRotation::configure(const RotationConfig& config) {
  TRY(config.check());
  const std::lock_guard lock(mutex_);
  known_.reset();
  TRY(barrier_.put(std::string(RotationConfig::kPath), config.serialise()));
  known_ = config;
  return {};
}

Result<bool> KeyringRotation::run() {
  TRY_ASSIGN(const auto wanted, config());
  TRY_ASSIGN(const auto key, barrier_.key_status());
  if (!wanted.due(key, clock_.now())) return false;
  TRY(custody_.rotate_keyring());
  return true;
}

void KeyringRotation::clear() {
  const std::lock_guard lock(mutex_);
  known_.reset();
}

}  // namespace bulla::seal
