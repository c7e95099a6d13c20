// Creating, changing and deleting keys. Each is one commit; what is left to
// clean up afterwards is written down in it.

#include <fmt/format.h>

#include <array>
#include <optional>
#include <utility>

#include "engine/transit/key_material.h"
#include "engine/transit/key_store.h"

namespace bulla::engine::transit {
namespace {

using barrier::Change;

constexpr std::uint32_t kConvergentVersion = 3;

tl::unexpected<Error> no_such_key(std::string_view name) {
  return fail(not_found(fmt::format("no such key: {}", name)));
}
tl::unexpected<Error> contended(std::string_view name) {
  return fail(unavailable(fmt::format("key {} is being changed", name)));
}
bool conflict(const Error& error) {
  return error.code() == ErrorCode::kConflict;
}

// A key pair made ahead, without the lock; good for keys of that type.
struct MadeAhead {
  KeyType type{};
  Material material;
};

// What the commit of a new version stores of its count.
void add_usage(std::vector<Change>& changes, const KeyRecord& record,
               const UsageBook::Fresh& usage) {
  if (!usage.entry || !key_type_info(record.type).encrypts) return;
  changes.push_back(
      Change::put(usage_path(record.name, record.id, record.latest_version),
                  usage.entry->expose()));
}

}  // namespace

void KeyStore::start_counting(Shard& shard, const KeyRecord& record,
                              const KeyVersion& version,
                              const UsageBook::Fresh& usage) {
  if (!key_type_info(record.type).encrypts) return;
  version.count_with(usage.usage);
  shard.usage.adopt(record, version.number(), usage);
}

VersionRecord KeyStore::new_version(const KeyRecord& record,
                                    Material material) const {
  VersionRecord version;
  version.key_id = record.id;
  version.number = record.latest_version;
  version.created = record.latest_created;
  version.convergent_version = record.convergent ? kConvergentVersion : 0;
  if (key_type_info(record.type).has_hmac_key()) {
    version.hmac_key = rng_.secret(kHmacKeyBytesMin);
  }
  version.material = std::move(material);
  return version;
}

Result<KeyStore::Created> KeyStore::create(std::string_view name,
                                           const KeyRecord& wanted, Time now,
                                           std::optional<Material> given) {
  if (name.empty() || name.size() > KeyRecord::kNameBytesMax) {
    return fail(invalid_argument(fmt::format(
        "key names have at most {} characters", KeyRecord::kNameBytesMax)));
  }
  TRY_ASSIGN(const auto slot, find(name, true));
  if (slot != nullptr) {
    if (auto key = slot->load()) return Created{std::move(key), false};
  }
  TRY(check_type(wanted.type));
  TRY(check_derivation(wanted));
  if (!given) {
    TRY_ASSIGN(given, make_material(wanted, rng_));
  }
  Shard& shard = shard_of(name);
  const std::lock_guard lock(shard.writer);
  for (int attempt = 0; attempt < kAttemptsMax; ++attempt) {
    auto created = create_locked(shard, name, wanted, now, *given);
    if (created || !conflict(created.error())) return created;
  }
  return contended(name);
}

Result<KeyStore::Created> KeyStore::create_locked(Shard& shard,
                                                  std::string_view name,
                                                  const KeyRecord& wanted,
                                                  Time now,
                                                  const Material& material) {
  TRY_ASSIGN(const auto stored, read_record(name));
  if (stored) {
    const auto slot = lookup(shard, name);
    auto key = slot == nullptr ? nullptr : slot->load();
    if (key == nullptr) {
      TRY_ASSIGN(key, load(stored->record));
      publish(shard, name, key);
    }
    return Created{std::move(key), false};
  }
  // What a namesake left behind goes first.
  TRY(purge(name));
  KeyRecord record = wanted;
  record.name = std::string(name);
  rng_.fill(record.id);
  record.latest_version = 1;
  record.latest_created = now;
  VersionRecord first = new_version(record, clone(material));
  const UsageBook::Fresh usage = UsageBook::fresh(record);
  const SecretBytes record_bytes = encode(record);
  const SecretBytes version_bytes = encode(first);
  TRY_ASSIGN(auto version, KeyVersion::make(record, std::move(first)));
  std::vector<Change> changes;
  changes.push_back(Change::put(key_path(name), record_bytes.expose())
                        .expecting(storage::Change::kAbsent));
  changes.push_back(
      Change::put(version_path(name, record.id, 1), version_bytes.expose()));
  add_usage(changes, record, usage);
  TRY(storage_.commit(changes));
  start_counting(shard, record, *version, usage);
  auto key = std::make_shared<const Key>(
      std::move(record), VersionTree().with(1, std::move(version)),
      std::make_shared<CreationTimes>());
  // A stale slot of a namesake deleted behind our back must not survive.
  forget(shard, name);
  publish(shard, name, key);
  return Created{std::move(key), true};
}

Result<KeyStore::KeyPtr> KeyStore::update(std::string_view name, Time now,
                                          const Editor& edit,
                                          std::optional<OwnRotation> own) {
  Shard& shard = shard_of(name);
  std::optional<MadeAhead> ahead;
  std::unique_lock lock(shard.writer);
  for (int attempt = 0; attempt < kAttemptsMax; ++attempt) {
    TRY_ASSIGN(auto stored, read_record(name));
    if (!stored) {
      forget(shard, name);
      return no_such_key(name);
    }
    KeyRecord& record = stored->record;
    const std::uint64_t limit = operations_limit(record);
    TRY_ASSIGN(const KeyEdit asked, edit(record));
    Result<KeyPtr> key;
    if (asked == KeyEdit::kRotate) {
      TRY(check_rotates(record));
      if (!ahead || ahead->type != record.type) {
        const bool slow = key_type_info(record.type).key_pair();
        if (slow) lock.unlock();
        TRY_ASSIGN(auto material, make_material(record, rng_));
        ahead = MadeAhead{record.type, std::move(material)};
        if (slow) {
          lock.lock();
          continue;
        }
      }
      if (own && rules_.announce) TRY(rules_.announce(record, *own));
      // From now on it is the server's own.
      record.imported = false;
      key =
          store_version(shard, *std::move(stored), now, clone(ahead->material));
    } else {
      key = store_edit(shard, *std::move(stored), asked, limit);
    }
    if (key) return key;
    if (conflict(key.error())) continue;
    // The outcome may be unknown: what is in memory is no longer trusted.
    forget(shard, name);
    return key;
  }
  return contended(name);
}

Result<KeyStore::KeyPtr> KeyStore::append_version(std::string_view name,
                                                  Time now, Material given,
                                                  const Check& check) {
  Shard& shard = shard_of(name);
  const std::lock_guard lock(shard.writer);
  for (int attempt = 0; attempt < kAttemptsMax; ++attempt) {
    TRY_ASSIGN(auto stored, read_record(name));
    if (!stored) return no_such_key(name);
    TRY(check(stored->record));
    auto key = store_version(shard, *std::move(stored), now, clone(given));
    if (key) return key;
    if (conflict(key.error())) continue;
    forget(shard, name);
    return key;
  }
  return contended(name);
}

Result<KeyStore::KeyPtr> KeyStore::update_version(std::string_view name,
                                                  std::uint32_t number,
                                                  const VersionEditor& edit) {
  Shard& shard = shard_of(name);
  const std::lock_guard lock(shard.writer);
  for (int attempt = 0; attempt < kAttemptsMax; ++attempt) {
    TRY_ASSIGN(const auto stored, read_record(name));
    if (!stored) return no_such_key(name);
    const KeyRecord& record = stored->record;
    if (number < 1 || number < record.min_available_version ||
        number > record.latest_version) {
      return fail(invalid_argument("no such key version"));
    }
    TRY_ASSIGN(auto version, read_version_record(record, number));
    TRY(edit(record, version.record));
    auto key = store_changed_version(shard, record, std::move(version));
    if (key) return key;
    if (conflict(key.error())) continue;
    forget(shard, name);
    return key;
  }
  return contended(name);
}

Result<KeyStore::KeyPtr> KeyStore::store_changed_version(
    Shard& shard, const KeyRecord& record, StoredVersion version) {
  const std::uint32_t number = version.record.number;
  const SecretBytes bytes = encode(version.record);
  // Limits of the stored form are checked where they are read.
  TRY(decode_version_record(bytes.expose()));
  TRY_ASSIGN(auto made, KeyVersion::make(record, std::move(version.record)));
  const std::array changes{
      Change::put(version_path(record.name, record.id, number), bytes.expose())
          .expecting(version.entry_version)};
  TRY(storage_.commit(changes));
  TRY_ASSIGN(auto key, next_snapshot(shard, record, number, std::move(made)));
  publish(shard, record.name, key);
  return key;
}

Result<KeyStore::KeyPtr> KeyStore::store_version(Shard& shard, Stored stored,
                                                 Time now, Material material) {
  KeyRecord& record = stored.record;
  if (record.latest_version >= KeyRecord::kVersionMax) {
    return fail(internal_error("the key has no version numbers left"));
  }
  ++record.latest_version;
  record.latest_created = now;
  VersionRecord version = new_version(record, std::move(material));
  const std::uint32_t number = version.number;
  const SecretBytes version_bytes = encode(version);
  const SecretBytes record_bytes = encode(record);
  TRY_ASSIGN(auto added, KeyVersion::make(record, std::move(version)));
  const UsageBook::Fresh usage = UsageBook::fresh(record);
  std::vector<Change> changes;
  changes.push_back(Change::put(version_path(record.name, record.id, number),
                                version_bytes.expose()));
  changes.push_back(Change::put(key_path(record.name), record_bytes.expose())
                        .expecting(stored.entry_version));
  add_usage(changes, record, usage);
  TRY(storage_.commit(changes));
  start_counting(shard, record, *added, usage);
  TRY_ASSIGN(auto key, next_snapshot(shard, record, number, std::move(added)));
  publish(shard, record.name, key);
  return key;
}

Result<KeyStore::KeyPtr> KeyStore::store_edit(Shard& shard, Stored stored,
                                              KeyEdit edit,
                                              std::uint64_t limit_before) {
  const KeyRecord& record = stored.record;
  const SecretBytes record_bytes = encode(record);
  SecretBytes usage_bytes;
  std::vector<Change> changes;
  if (operations_limit(record) != limit_before) {
    TRY_ASSIGN(usage_bytes, shard.usage.settle(storage_, record));
    changes.push_back(
        Change::put(usage_path(record.name, record.id, record.latest_version),
                    usage_bytes.expose()));
  }
  if (edit == KeyEdit::kTrim) changes.push_back(purge_mark(record.name));
  if (edit != KeyEdit::kNone) {
    changes.push_back(Change::put(key_path(record.name), record_bytes.expose())
                          .expecting(stored.entry_version));
    TRY(storage_.commit(changes));
  }
  TRY_ASSIGN(auto key, next_snapshot(shard, record, 0, nullptr));
  publish(shard, record.name, key);
  if (edit == KeyEdit::kTrim) shard.usage.drop_trimmed(record);
  // The trim holds already; entries left over go at the next tick.
  if (edit == KeyEdit::kTrim) static_cast<void>(purge(record.name));
  return key;
}

Result<KeyStore::KeyPtr> KeyStore::next_snapshot(Shard& shard,
                                                 const KeyRecord& record,
                                                 std::uint32_t changed,
                                                 VersionPtr version) const {
  const auto slot = lookup(shard, record.name);
  const auto before = slot == nullptr ? nullptr : slot->load();
  if (before == nullptr || before->record().id != record.id) {
    return load(record);
  }
  VersionTree tree = before->versions();
  if (version != nullptr && changed >= record.min_decryption_version) {
    if (tree.size() >= kLoadedMax && record.latest_version > kLoadedKept) {
      tree = tree.from(record.latest_version - kLoadedKept);
    }
    tree = tree.with(changed, std::move(version));
  }
  if (record.min_decryption_version > before->record().min_decryption_version) {
    tree = tree.from(record.min_decryption_version);
  }
  if (tree.find(record.latest_version) == nullptr) {
    TRY_ASSIGN(auto latest, read_version(record, record.latest_version));
    tree = tree.with(record.latest_version, std::move(latest));
  }
  return std::make_shared<const Key>(record, std::move(tree), before->times());
}

Result<void> KeyStore::remove(std::string_view name) {
  Shard& shard = shard_of(name);
  const std::lock_guard lock(shard.writer);
  for (int attempt = 0; attempt < kAttemptsMax; ++attempt) {
    TRY_ASSIGN(const auto stored, read_record(name));
    if (!stored) {
      return fail(not_found("could not delete key; not found"));
    }
    if (!stored->record.deletion_allowed) {
      return fail(invalid_argument("deletion is not allowed for this key"));
    }
    const std::array changes{
        Change::remove(key_path(name)).expecting(stored->entry_version),
        purge_mark(name)};
    const auto committed = storage_.commit(changes);
    if (!committed && conflict(committed.error())) continue;
    forget(shard, name);
    TRY(committed);
    shard.usage.drop(name);
    // The key is gone already; entries left over go at the next tick.
    static_cast<void>(purge(name));
    return {};
  }
  return contended(name);
}

Result<std::size_t> KeyStore::rotate_due(Time now) {
  // A version from further ahead than a period is from a clock that was wrong.
  const auto due = [this, now](const KeyRecord& record) {
    const auto age = std::chrono::floor<Seconds>(now - record.latest_created);
    return record.auto_rotate_period.count() > 0 &&
           check_rotates(record).has_value() &&
           std::chrono::abs(age) > record.auto_rotate_period;
  };
  TRY_ASSIGN(const auto names, list({}, 0));
  std::size_t rotated = 0;
  for (const std::string& name : names) {
    const auto stored = read_record(name);
    if (!stored || !*stored || !due((*stored)->record)) continue;
    bool rotates = false;
    const auto done = update(
        name, now,
        [&](KeyRecord& record) {
          rotates = due(record);
          return Result<KeyEdit>(rotates ? KeyEdit::kRotate : KeyEdit::kNone);
        },
        OwnRotation::kPeriod);
    if (done && rotates) ++rotated;
  }
  return rotated;
}

}  // namespace bulla::engine::transit
