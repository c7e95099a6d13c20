// Putting a whole key in place, and clearing away what keys leave behind.

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <utility>

#include "engine/transit/key_store.h"

namespace bulla::engine::transit {
namespace {

using barrier::Change;

constexpr std::size_t kWriteBatch = 64;

constexpr std::array<std::uint8_t, 1> kPurgeFormat{1};

std::uint32_t lowest_version(const KeyRecord& record) {
  return std::max(record.min_available_version, 1U);
}

// That a record and versions from elsewhere make up a key, as far as the
// stored forms can tell.
Result<void> check_whole(const KeyRecord& record,
                         const std::vector<VersionRecord>& versions) {
  if (record.name.empty() || record.name.size() > KeyRecord::kNameBytesMax) {
    return fail(invalid_argument(fmt::format(
        "key names have at most {} characters", KeyRecord::kNameBytesMax)));
  }
  TRY(decode_key_record(encode(record).expose()));
  std::uint32_t number = lowest_version(record);
  for (const VersionRecord& version : versions) {
    if (version.number != number++) break;
    TRY(decode_version_record(encode(version).expose()));
    TRY(KeyVersion::make(record, clone(version)));
  }
  if (versions.empty() || number != record.latest_version + 1 ||
      versions.back().number != record.latest_version) {
    return fail(invalid_argument("versions of the key are missing"));
  }
  return {};
}

}  // namespace

Change KeyStore::purge_mark(std::string_view name) {
  return Change::put(purge_path(name), kPurgeFormat);
}

Result<KeyStore::KeyPtr> KeyStore::restore(KeyRecord record,
                                           std::vector<VersionRecord> versions,
                                           bool replace) {
  rng_.fill(record.id);
  for (VersionRecord& version : versions) version.key_id = record.id;
  if (!versions.empty()) record.latest_created = versions.back().created;
  TRY(check_type(record.type));
  TRY(check_whole(record, versions));
  Shard& shard = shard_of(record.name);
  const std::lock_guard lock(shard.writer);
  TRY_ASSIGN(const auto stored, read_record(record.name));
  if (stored && !replace) {
    return fail(
        internal_error(fmt::format("key \"{}\" already exists", record.name)));
  }
  // The mark comes first: until the record names the new id, its versions are
  // leftovers, and from then on those of the old one are.
  const std::array mark{purge_mark(record.name)};
  TRY(storage_.commit(mark));
  TRY(write_versions(record, versions));
  const SecretBytes bytes = encode(record);
  const std::array changes{Change::put(key_path(record.name), bytes.expose())
                               .expecting(stored ? stored->entry_version
                                                 : storage::Change::kAbsent)};
  const auto committed = storage_.commit(changes);
  forget(shard, record.name);
  TRY(committed);
  shard.usage.drop(record.name);
  TRY_ASSIGN(auto key, load(record));
  publish(shard, record.name, key);
  static_cast<void>(purge(record.name));
  return key;
}

Result<void> KeyStore::write_versions(
    const KeyRecord& record, const std::vector<VersionRecord>& versions) const {
  for (std::size_t at = 0; at < versions.size(); at += kWriteBatch) {
    const std::size_t end = std::min(at + kWriteBatch, versions.size());
    std::vector<SecretBytes> bytes;
    std::vector<Change> changes;
    for (std::size_t i = at; i < end; ++i) {
      bytes.push_back(encode(versions[i]));
      changes.push_back(
          Change::put(version_path(record.name, record.id, versions[i].number),
                      bytes.back().expose()));
    }
    TRY(storage_.commit(changes));
  }
  return {};
}

// Whatever is below `prefix` and not at or behind `kept_from` within `kept`
// goes.
Result<void> KeyStore::sweep(const std::string& prefix, const std::string& kept,
                             const std::string& kept_from) const {
  constexpr std::size_t kBatch = storage::Storage::kChangesMax;
  std::string after;
  while (true) {
    TRY_ASSIGN(const auto paths, storage_.scan(prefix, after, kBatch));
    bool passes = false;
    std::vector<Change> changes;
    for (const std::string& path : paths) {
      passes = !kept.empty() && path.starts_with(kept) && path >= kept_from;
      if (passes) break;
      changes.push_back(Change::remove(path));
    }
    if (!changes.empty()) TRY(storage_.commit(changes));
    // What is kept is passed over in one go.
    if (passes) after = kept + '~';
    if (!passes && paths.size() < kBatch) return {};
  }
}

Result<void> KeyStore::purge(std::string_view name) const {
  TRY_ASSIGN(const auto mark, storage_.get(purge_path(name)));
  if (!mark) return {};
  TRY_ASSIGN(const auto stored, read_record(name));
  if (!stored) {
    TRY(sweep(versions_prefix(name), {}, {}));
    TRY(sweep(usage_prefix(name), {}, {}));
  } else {
    const KeyId& id = stored->record.id;
    const std::uint32_t lowest = lowest_version(stored->record);
    TRY(sweep(versions_prefix(name), versions_prefix(name, id),
              version_path(name, id, lowest)));
    TRY(sweep(usage_prefix(name), usage_prefix(name, id),
              usage_path(name, id, lowest)));
  }
  return storage_.remove(purge_path(name));
}

Result<void> KeyStore::finish_purges() {
  TRY_ASSIGN(const auto names, storage_.list("purge/"));
  for (const std::string& name : names) {
    const std::lock_guard lock(shard_of(name).writer);
    TRY(purge(name));
  }
  return {};
}

}  // namespace bulla::engine::transit
