#include "server/lockout.h"

#include "base/wire.h"

namespace bulla::server {
namespace {

constexpr std::uint8_t kFormat = 1;

std::pair<std::string, std::string> key_of(std::string_view accessor,
                                           std::string_view name) {
  return {std::string(accessor), std::string(name)};
}

}  // namespace

bool Lockouts::is_locked(const Count& count, const LockoutConfig& config,
                         Time now) {
  // A clock that stepped back does not open it early.
  return !config.disabled && count.failures >= config.threshold &&
         now < count.last + config.duration;
}

bool Lockouts::locked(std::string_view accessor, std::string_view name,
                      Time now) const {
  const std::lock_guard lock(mutex_);
  const auto found = counts_.find(key_of(accessor, name));
  return found != counts_.end() &&
         is_locked(found->second, config_here(accessor), now);
}

void Lockouts::failed(std::string_view accessor, std::string_view name,
                      Time now) {
  const std::lock_guard lock(mutex_);
  const LockoutConfig config = config_here(accessor);
  if (config.disabled) return;
  Key key = key_of(accessor, name);
  auto found = counts_.find(key);
  if (found == counts_.end()) {
    make_room();
    found = counts_.try_emplace(key).first;
  }
  Count& count = found->second;
  by_time_.erase({count.last, key});
  const bool locked_before = count.failures >= config.threshold;
  const bool over = locked_before ? now >= count.last + config.duration
                                  : now >= count.last + config.counter_reset;
  count.failures = over ? 1 : count.failures + 1;
  count.last = now;
  by_time_.insert({now, std::move(key)});
}

void Lockouts::make_room() {
  while (counts_.size() >= kNamesMax) {
    counts_.erase(by_time_.begin()->second);
    by_time_.erase(by_time_.begin());
  }
}

void Lockouts::forget(std::string_view accessor, std::string_view name) {
  const std::lock_guard lock(mutex_);
  const auto found = counts_.find(key_of(accessor, name));
  if (found == counts_.end()) return;
  by_time_.erase({found->second.last, found->first});
  counts_.erase(found);
}

void Lockouts::clear() {
  const std::lock_guard lock(mutex_);
  configs_.clear();
  counts_.clear();
  by_time_.clear();
}

std::vector<std::pair<std::string, std::string>> Lockouts::all(Time now) const {
  const std::lock_guard lock(mutex_);
  std::vector<Key> locked;
  for (const auto& [key, count] : counts_) {
    if (is_locked(count, config_here(key.first), now)) locked.push_back(key);
  }
  return locked;
}

LockoutConfig Lockouts::config_here(std::string_view accessor) const {
  const auto found = configs_.find(accessor);
  return found == configs_.end() ? LockoutConfig() : found->second;
}

LockoutConfig Lockouts::config(std::string_view accessor) const {
  const std::lock_guard lock(mutex_);
  return config_here(accessor);
}

Result<void> Lockouts::load() {
  TRY_ASSIGN(const auto accessors, view_.list({}));
  std::map<std::string, LockoutConfig, std::less<>> configs;
  for (const std::string& accessor : accessors) {
    TRY_ASSIGN(const auto entry, view_.get(accessor));
    if (!entry) continue;
    TRY_ASSIGN(configs[accessor], parse_lockout(entry->value.expose()));
  }
  const std::lock_guard lock(mutex_);
  configs_ = std::move(configs);
  return {};
}

Result<void> Lockouts::configure(std::string_view accessor,
                                 const LockoutConfig& config) {
  TRY(view_.put(accessor, serialize_lockout(config).expose()));
  const std::lock_guard lock(mutex_);
  configs_.insert_or_assign(std::string(accessor), config);
  return {};
}

Result<void> Lockouts::drop(std::string_view accessor) {
  TRY(view_.remove(accessor));
  const std::lock_guard lock(mutex_);
  configs_.erase(std::string(accessor));
  for (auto it = counts_.lower_bound(key_of(accessor, {}));
       it != counts_.end() && it->first.first == accessor;) {
    by_time_.erase({it->second.last, it->first});
    it = counts_.erase(it);
  }
  return {};
}

SecretBytes serialize_lockout(const LockoutConfig& config) {
  WireWriter out;
  out.u8(kFormat)
      .u64(config.threshold)
      .i64(config.duration.count())
      .i64(config.counter_reset.count())
      .boolean(config.disabled);
  return std::move(out).finish();
}

Result<LockoutConfig> parse_lockout(ByteView record) {
  WireReader in(record);
  LockoutConfig config;
  const std::uint8_t format = in.u8();
  config.threshold = in.u64();
  config.duration = Seconds(in.i64());
  config.counter_reset = Seconds(in.i64());
  config.disabled = in.boolean();
  TRY(in.finish("lockout settings"));
  if (format == kFormat) return config;
  return fail(corrupt("lockout settings: unknown format"));
}

}  // namespace bulla::server
