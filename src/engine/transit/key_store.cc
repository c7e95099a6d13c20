#include "engine/transit/key_store.h"

#include <fmt/format.h>

#include <utility>

namespace bulla::engine::transit {

KeyStore::KeyStore(barrier::View storage, crypto::Rng& rng, KeyStoreRules rules)
    : storage_(std::move(storage)), rng_(rng), rules_(std::move(rules)) {}

KeyStore::Shard& KeyStore::shard_of(std::string_view name) {
  return shards_[TextHash{}(name) % kShards];
}

std::shared_ptr<KeySlot> KeyStore::lookup(Shard& shard, std::string_view name) {
  const std::lock_guard lock(shard.map);
  const auto found = shard.slots.find(name);
  return found == shard.slots.end() ? nullptr : found->second;
}

std::shared_ptr<KeySlot> KeyStore::publish(Shard& shard, std::string_view name,
                                           std::shared_ptr<const Key> key) {
  std::shared_ptr<KeySlot> slot = lookup(shard, name);
  if (slot != nullptr) {
    slot->publish(std::move(key));
    return slot;
  }
  slot = std::make_shared<KeySlot>(std::move(key));
  {
    const std::lock_guard lock(shard.map);
    shard.slots.emplace(std::string(name), slot);
  }
  count_.fetch_add(1);
  evict(shard, name);
  return slot;
}

void KeyStore::forget(Shard& shard, std::string_view name) {
  std::shared_ptr<KeySlot> slot;
  {
    const std::lock_guard lock(shard.map);
    const auto found = shard.slots.find(name);
    if (found == shard.slots.end()) return;
    slot = std::move(found->second);
    shard.slots.erase(found);
  }
  count_.fetch_sub(1);
  // Whoever still holds the slot sees that it has to look the name up anew.
  slot->publish(nullptr);
}

bool KeyStore::evict_from(Shard& shard, std::string_view spared) {
  std::string victim;
  {
    const std::lock_guard lock(shard.map);
    for (const auto& [name, slot] : shard.slots) {
      if (name == spared) continue;
      victim = name;
      break;
    }
  }
  if (victim.empty()) return false;
  forget(shard, victim);
  return true;
}

void KeyStore::evict(Shard& own, std::string_view spared) {
  const std::size_t capacity = capacity_.load();
  if (capacity == 0) return;
  while (count_.load() > capacity && evict_from(own, spared)) {
  }
  for (Shard& other : shards_) {
    if (count_.load() <= capacity) return;
    if (&other == &own) continue;
    // A shard that is being written is left alone: the next load evicts.
    const std::unique_lock lock(other.writer, std::try_to_lock);
    while (lock.owns_lock() && count_.load() > capacity &&
           evict_from(other, {})) {
    }
  }
}

void KeyStore::set_capacity(std::size_t keys) {
  capacity_.store(keys);
  Shard& own = shards_.front();
  const std::lock_guard lock(own.writer);
  evict(own, {});
}

Result<std::shared_ptr<KeySlot>> KeyStore::find(std::string_view name,
                                                bool may_block) {
  Shard& shard = shard_of(name);
  if (auto slot = lookup(shard, name)) return slot;
  if (!may_block) return fail(would_block());
  const std::lock_guard lock(shard.writer);
  if (auto slot = lookup(shard, name)) return slot;
  TRY_ASSIGN(const auto stored, read_record(name));
  if (!stored) return std::shared_ptr<KeySlot>();
  TRY_ASSIGN(auto key, load(stored->record));
  return publish(shard, name, std::move(key));
}

Result<std::optional<KeyStore::Stored>> KeyStore::read_record(
    std::string_view name) const {
  std::optional<Stored> none;
  if (name.size() > KeyRecord::kNameBytesMax) return none;
  TRY_ASSIGN(const auto entry, storage_.get(key_path(name)));
  if (!entry) return none;
  TRY_ASSIGN(auto record, decode_key_record(entry->value.expose()));
  if (record.name != name) {
    return fail(corrupt(
        fmt::format("the record of key {} is that of another key", name)));
  }
  return Stored{std::move(record), entry->version};
}

Result<KeyStore::StoredVersion> KeyStore::read_version_record(
    const KeyRecord& record, std::uint32_t number) const {
  TRY_ASSIGN(const auto entry,
             storage_.get(version_path(record.name, record.id, number)));
  if (!entry) {
    return fail(corrupt(
        fmt::format("key {}: version {} is missing", record.name, number)));
  }
  TRY_ASSIGN(auto version, decode_version_record(entry->value.expose()));
  if (version.key_id != record.id || version.number != number) {
    return fail(
        corrupt(fmt::format("key {}: the entry of version {} is another key's",
                            record.name, number)));
  }
  return StoredVersion{std::move(version), entry->version};
}

Result<KeyStore::VersionPtr> KeyStore::read_version(
    const KeyRecord& record, std::uint32_t number) const {
  TRY_ASSIGN(auto stored, read_version_record(record, number));
  return KeyVersion::make(record, std::move(stored.record));
}

Result<KeyStore::KeyPtr> KeyStore::load(const KeyRecord& record) const {
  TRY_ASSIGN(auto latest, read_version(record, record.latest_version));
  return std::make_shared<const Key>(
      record, VersionTree().with(record.latest_version, std::move(latest)),
      std::make_shared<CreationTimes>());
}

Result<std::shared_ptr<const KeyVersion>> KeyStore::load_version(
    const Key& key, std::uint32_t number) {
  const KeyRecord& seen = key.record();
  Shard& shard = shard_of(seen.name);
  const std::lock_guard lock(shard.writer);
  const auto slot = lookup(shard, seen.name);
  const auto current = slot == nullptr ? nullptr : slot->load();
  const bool same = current != nullptr && current->record().id == seen.id;
  if (same) {
    if (auto version = current->versions().share(number)) return version;
    // Trimmed since the caller took its snapshot.
    if (number < current->record().min_available_version) {
      return fail(invalid_argument("no such key version"));
    }
  }
  TRY_ASSIGN(auto version, read_version(seen, number));
  if (same && number >= current->record().min_decryption_version) {
    VersionTree tree = current->versions();
    if (tree.size() >= kLoadedMax &&
        current->record().latest_version > kLoadedKept) {
      tree = tree.from(current->record().latest_version - kLoadedKept);
    }
    slot->publish(std::make_shared<const Key>(
        current->record(), tree.with(number, version), current->times()));
  }
  return version;
}

Result<Time> KeyStore::creation_time(const Key& key, std::uint32_t number) {
  if (const KeyVersion* version = key.loaded(number)) {
    return version->created();
  }
  if (const auto known = key.times()->get(number)) return *known;
  TRY_ASSIGN(const auto stored, read_version_record(key.record(), number));
  key.times()->set(number, stored.record.created);
  return stored.record.created;
}

Result<void> KeyStore::visit_versions(const Key& key, std::uint32_t first,
                                      std::uint32_t last,
                                      const Visitor& visit) const {
  for (std::uint32_t number = first; number <= last; ++number) {
    if (const KeyVersion* version = key.loaded(number)) {
      TRY(visit(*version));
      continue;
    }
    TRY_ASSIGN(const auto version, read_version(key.record(), number));
    TRY(visit(*version));
  }
  return {};
}

Result<bool> KeyStore::uses_managed_key(std::string_view id) const {
  TRY_ASSIGN(const auto names, list({}, 0));
  for (const std::string& name : names) {
    TRY_ASSIGN(const auto stored, read_record(name));
    if (!stored || stored->record.type != KeyType::kManagedKey) continue;
    const KeyRecord& record = stored->record;
    const std::uint32_t first = std::max(record.min_available_version, 1U);
    for (std::uint32_t n = first; n <= record.latest_version; ++n) {
      TRY_ASSIGN(const auto version, read_version_record(record, n));
      const auto* own = std::get_if<ManagedMaterial>(&version.record.material);
      if (own != nullptr && own->id == id) return true;
    }
  }
  return false;
}

Result<std::vector<std::string>> KeyStore::list(std::string_view after,
                                                std::size_t limit) const {
  std::vector<std::string> names;
  std::string last(after);
  while (limit == 0 || names.size() < limit) {
    const std::size_t more = limit == 0 ? 0 : limit - names.size();
    TRY_ASSIGN(auto page, storage_.list("key/", last, more));
    if (page.empty()) break;
    last = page.back();
    const bool full = page.size() >= storage::Storage::kListMax;
    names.insert(names.end(), std::make_move_iterator(page.begin()),
                 std::make_move_iterator(page.end()));
    if (!full) break;
  }
  return names;
}

}  // namespace bulla::engine::transit
