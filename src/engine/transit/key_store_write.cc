// Creating, changing and deleting keys. Each is one commit; what is left to
// clean up afterwards is written down in it.

#include <fmt/format.h>

#include <utility>

#include "engine/transit/key_store.h"

namespace bulla::engine::transit {
namespace {

using barrier::Change;

// Room for the removal of the purge record itself.
constexpr std::size_t kPurgeBatch = storage::Storage::kChangesMax - 1;

Result<void> check_derivation(const KeyRecord& wanted) {
  const KeyTypeInfo& type = key_type_info(wanted.type);
  if (wanted.derived && !type.derives) {
    return fail(internal_error(
        fmt::format("key derivation and convergent encryption not supported "
                    "for keys of type {}",
                    type.name)));
  }
  if (wanted.convergent && !type.convergent) {
    return fail(internal_error(fmt::format(
        "convergent encryption not supported for keys of type {}", type.name)));
  }
  return {};
}

}  // namespace

VersionRecord KeyStore::fresh_version(const KeyRecord& record, Time now) const {
  const KeyTypeInfo& type = key_type_info(record.type);
  VersionRecord version;
  version.key_id = record.id;
  version.number = record.latest_version;
  version.created = now;
  version.convergent_version = record.convergent ? 3 : 0;
  if (!type.aead) {
    version.material = HmacMaterial{rng_.secret(record.key_size)};
    return version;
  }
  version.material = SymmetricMaterial{rng_.secret(type.key_bytes)};
  version.hmac_key = rng_.secret(kHmacKeyBytesMin);
  return version;
}

Result<KeyStore::Created> KeyStore::create(std::string_view name,
                                           const KeyRecord& wanted, Time now) {
  if (name.empty() || name.size() > KeyRecord::kNameBytesMax) {
    return fail(invalid_argument(fmt::format(
        "key names have at most {} characters", KeyRecord::kNameBytesMax)));
  }
  Shard& shard = shard_of(name);
  const std::lock_guard lock(shard.writer);
  for (int attempt = 0; attempt < kAttemptsMax; ++attempt) {
    auto created = create_locked(shard, name, wanted, now);
    if (created || created.error().code() != ErrorCode::kConflict) {
      return created;
    }
  }
  return fail(unavailable(fmt::format("key {} is being changed", name)));
}

Result<KeyStore::Created> KeyStore::create_locked(Shard& shard,
                                                  std::string_view name,
                                                  const KeyRecord& wanted,
                                                  Time now) {
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
  TRY(check_derivation(wanted));
  // What a namesake left behind goes first, lest it be taken for ours.
  TRY(purge(name));
  KeyRecord record = wanted;
  record.name = std::string(name);
  rng_.fill(record.id);
  record.latest_version = 1;
  record.latest_created = now;
  const VersionRecord first = fresh_version(record, now);
  const SecretBytes record_bytes = encode(record);
  const SecretBytes version_bytes = encode(first);
  const std::array changes{
      Change::put(key_path(name), record_bytes.expose())
          .expecting(storage::Change::kAbsent),
      Change::put(version_path(name, 1), version_bytes.expose())};
  TRY(storage_.commit(changes));
  TRY_ASSIGN(auto decoded, decode_version_record(version_bytes.expose()));
  TRY_ASSIGN(auto version, KeyVersion::make(record, std::move(decoded)));
  auto key = std::make_shared<const Key>(
      std::move(record), VersionTree().with(1, std::move(version)),
      std::make_shared<CreationTimes>());
  // A stale slot of a namesake deleted behind our back must not survive.
  forget(shard, name);
  publish(shard, name, key);
  return Created{std::move(key), true};
}

Result<std::shared_ptr<const Key>> KeyStore::update(std::string_view name,
                                                    Time now,
                                                    const Editor& edit) {
  Shard& shard = shard_of(name);
  const std::lock_guard lock(shard.writer);
  for (int attempt = 0; attempt < kAttemptsMax; ++attempt) {
    TRY_ASSIGN(auto stored, read_record(name));
    if (!stored) {
      forget(shard, name);
      return fail(not_found(fmt::format("no such key: {}", name)));
    }
    TRY_ASSIGN(const KeyEdit asked, edit(stored->record));
    auto key = store_edit(shard, *std::move(stored), asked, now);
    if (key) return key;
    if (key.error().code() == ErrorCode::kConflict) continue;
    // The outcome may be unknown: what is in memory is no longer trusted.
    forget(shard, name);
    return key;
  }
  return fail(unavailable(fmt::format("key {} is being changed", name)));
}

Result<std::shared_ptr<const Key>> KeyStore::store_edit(Shard& shard,
                                                        Stored stored,
                                                        KeyEdit edit,
                                                        Time now) {
  KeyRecord& record = stored.record;
  std::vector<Change> changes;
  SecretBytes version_bytes;
  SecretBytes purge_bytes;
  std::shared_ptr<const KeyVersion> added;
  if (edit == KeyEdit::kRotate) {
    if (record.latest_version >= KeyRecord::kVersionMax) {
      return fail(internal_error("the key has no version numbers left"));
    }
    ++record.latest_version;
    record.latest_created = now;
    VersionRecord version = fresh_version(record, now);
    version_bytes = encode(version);
    changes.push_back(Change::put(version_path(record.name, version.number),
                                  version_bytes.expose()));
    TRY_ASSIGN(added, KeyVersion::make(record, std::move(version)));
  }
  if (edit == KeyEdit::kTrim) {
    purge_bytes = encode(PurgeRecord{.below = record.min_available_version});
    changes.push_back(
        Change::put(purge_path(record.name), purge_bytes.expose()));
  }
  const SecretBytes record_bytes = encode(record);
  if (edit != KeyEdit::kNone) {
    changes.push_back(Change::put(key_path(record.name), record_bytes.expose())
                          .expecting(stored.entry_version));
    TRY(storage_.commit(changes));
  }
  TRY_ASSIGN(auto key, next_snapshot(shard, record, std::move(added)));
  publish(shard, record.name, key);
  // The trim holds already; entries left over go at the next tick.
  if (edit == KeyEdit::kTrim) static_cast<void>(purge(record.name));
  return key;
}

Result<std::shared_ptr<const Key>> KeyStore::next_snapshot(
    Shard& shard, const KeyRecord& record,
    std::shared_ptr<const KeyVersion> added) const {
  const auto slot = lookup(shard, record.name);
  const auto before = slot == nullptr ? nullptr : slot->load();
  if (before == nullptr || before->record().id != record.id) {
    return load(record);
  }
  VersionTree tree = before->versions();
  if (added != nullptr) {
    if (tree.size() >= kLoadedMax && record.latest_version > kLoadedKept) {
      tree = tree.from(record.latest_version - kLoadedKept);
    }
    tree = tree.with(record.latest_version, std::move(added));
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
    const SecretBytes purge_bytes = encode(PurgeRecord{});
    const std::array changes{
        Change::remove(key_path(name)).expecting(stored->entry_version),
        Change::put(purge_path(name), purge_bytes.expose())};
    const auto committed = storage_.commit(changes);
    if (!committed && committed.error().code() == ErrorCode::kConflict) {
      continue;
    }
    forget(shard, name);
    TRY(committed);
    // The key is gone already; entries left over go at the next tick.
    static_cast<void>(purge(name));
    return {};
  }
  return fail(unavailable(fmt::format("key {} is being changed", name)));
}

Result<void> KeyStore::purge(std::string_view name) const {
  TRY_ASSIGN(const auto entry, storage_.get(purge_path(name)));
  if (!entry) return {};
  TRY_ASSIGN(const auto wanted, decode_purge_record(entry->value.expose()));
  const std::string bound = wanted.below == PurgeRecord::kAll
                                ? versions_prefix(name) + '~'
                                : version_path(name, wanted.below);
  while (true) {
    TRY_ASSIGN(const auto paths,
               storage_.scan(versions_prefix(name), {}, kPurgeBatch));
    std::vector<Change> changes;
    for (const std::string& path : paths) {
      if (path < bound) changes.push_back(Change::remove(path));
    }
    const bool last = changes.size() < kPurgeBatch;
    if (last) changes.push_back(Change::remove(purge_path(name)));
    TRY(storage_.commit(changes));
    if (last) return {};
  }
}

Result<void> KeyStore::finish_purges() {
  TRY_ASSIGN(const auto names, storage_.list("purge/"));
  for (const std::string& name : names) {
    const std::lock_guard lock(shard_of(name).writer);
    TRY(purge(name));
  }
  return {};
}

Result<std::size_t> KeyStore::rotate_due(Time now) {
  // A version from further ahead than a period is from a clock that was wrong.
  const auto due = [now](const KeyRecord& record) {
    const auto age = std::chrono::floor<Seconds>(now - record.latest_created);
    return record.auto_rotate_period.count() > 0 &&
           std::chrono::abs(age) > record.auto_rotate_period;
  };
  TRY_ASSIGN(const auto names, list({}, 0));
  std::size_t rotated = 0;
  for (const std::string& name : names) {
    const auto stored = read_record(name);
    if (!stored || !*stored || !due((*stored)->record)) continue;
    const auto done = update(name, now, [&](KeyRecord& record) {
      return Result<KeyEdit>(due(record) ? KeyEdit::kRotate : KeyEdit::kNone);
    });
    if (done) ++rotated;
  }
  return rotated;
}

}  // namespace bulla::engine::transit
