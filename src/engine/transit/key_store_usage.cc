// Whether and how often keys may be used.

#include <fmt/format.h>

#include <algorithm>
#include <utility>

#include "engine/transit/key_material.h"
#include "engine/transit/key_store.h"

namespace bulla::engine::transit {
namespace {

// Seconds of commits. What is left starts higher, as after a crash.
constexpr std::size_t kClosedMost = 65'536;

tl::unexpected<Error> no_such_version() {
  return fail(invalid_argument("no such key version"));
}

}  // namespace

Result<void> KeyStore::check_type(KeyType type) const {
  const KeyTypeInfo& info = key_type_info(type);
  if (!rules_.fips_mode || info.fips_allowed) return {};
  return fail(invalid_argument(
      fmt::format("key type {} is not allowed in FIPS mode", info.name)));
}

Result<void> KeyStore::check_rotates(const KeyRecord& record) const {
  TRY(check_rotation(record));
  return check_type(record.type);
}

Result<void> KeyStore::check_usable(const Key& key) const {
  if (key.record().soft_deleted) [[unlikely]] {
    return fail(invalid_argument("refusing to use soft-deleted key"));
  }
  return check_type(key.record().type);
}

Result<KeyRecord> KeyStore::current_record(Shard& shard, const Key& key) const {
  const KeyRecord& seen = key.record();
  const auto slot = lookup(shard, seen.name);
  const auto current = slot == nullptr ? nullptr : slot->load();
  if (current != nullptr && current->record().id == seen.id) {
    return current->record();
  }
  TRY_ASSIGN(auto stored, read_record(seen.name));
  if (!stored || stored->record.id != seen.id) return no_such_version();
  return std::move(stored->record);
}

Result<bool> KeyStore::reserve(const Key& key, const KeyVersion& version,
                               std::uint64_t wanted) {
  Shard& shard = shard_of(key.record().name);
  const std::lock_guard lock(shard.writer);
  TRY_ASSIGN(const KeyRecord record, current_record(shard, key));
  if (version.number() < record.min_available_version) {
    return no_such_version();
  }
  TRY_ASSIGN(auto usage, shard.usage.open(storage_, record, version.number()));
  version.count_with(std::move(usage));
  return shard.usage.extend(storage_, record, version.number(), wanted);
}

Result<std::shared_ptr<const Key>> KeyStore::rotate_used_up(const Key& key,
                                                            Time now) {
  const KeyRecord& seen = key.record();
  bool rotates = false;
  const auto edit = [&](KeyRecord& record) -> Result<KeyEdit> {
    rotates =
        record.id == seen.id && record.latest_version == seen.latest_version;
    if (!rotates) return KeyEdit::kNone;
    if (record.may_rotate()) return KeyEdit::kRotate;
    if (record.type == KeyType::kManagedKey) {
      return fail(invalid_argument(fmt::format(
          "version {} of key {} has done the {} encryptions that "
          "max_operations allows; rotate it to another managed key",
          record.latest_version, record.name, operations_limit(record))));
    }
    return fail(invalid_argument(fmt::format(
        "version {} of key {} has done the {} encryptions that max_operations "
        "allows, and the imported key does not allow rotation",
        record.latest_version, record.name, operations_limit(record))));
  };
  auto rotated = update(seen.name, now, edit, OwnRotation::kOperations);
  if (!rotated && rotated.error().code() == ErrorCode::kNotFound) {
    return no_such_version();
  }
  if (rotated && rotates) limit_rotations_.fetch_add(1);
  return rotated;
}

Result<std::vector<std::uint64_t>> KeyStore::operations(const Key& key,
                                                        std::uint32_t first,
                                                        std::uint32_t last) {
  Shard& shard = shard_of(key.record().name);
  const std::lock_guard lock(shard.writer);
  return shard.usage.counts(storage_, key.record(), first, last);
}

Result<void> KeyStore::tend_usage() {
  std::uint64_t highest = 0;
  for (Shard& shard : shards_) {
    const std::lock_guard lock(shard.writer);
    highest = std::max(highest, shard.usage.highest());
    TRY(shard.usage.tend(storage_));
  }
  highest_.store(highest);
  return {};
}

Result<void> KeyStore::close_usage() {
  std::size_t left = kClosedMost;
  for (Shard& shard : shards_) {
    const std::lock_guard lock(shard.writer);
    TRY_ASSIGN(left, shard.usage.close(storage_, left));
  }
  return {};
}

}  // namespace bulla::engine::transit
