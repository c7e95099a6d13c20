#include "engine/kv/record_store.h"

#include <fmt/format.h>

#include <algorithm>
#include <functional>
#include <utility>

namespace bulla::engine::kv {
namespace {

using barrier::Change;
constexpr std::uint64_t kAbsent = storage::Change::kAbsent;

// Those of the versions that keep a body.
DekIds deks_after(const Draft& draft) {
  DekIds after;
  if (draft.removed) return after;
  for (const auto& [number, id] : draft.deks) {
    const Version* const version = draft.record.find(number);
    if (version != nullptr && !version->destroyed) after.emplace(number, id);
  }
  return after;
}

// Versions whose bodies `before` has and `after` has not.
std::vector<std::uint64_t> dropped_bodies(const DekIds& before,
                                          const DekIds& after) {
  std::vector<std::uint64_t> dropped;
  for (const auto& [number, id] : before) {
    if (!after.contains(number)) dropped.push_back(number);
  }
  return dropped;
}

bool has_bodies(const Record& record) {
  return std::ranges::any_of(record.versions, [](const auto& version) {
    return !version.second.destroyed;
  });
}

std::string version_of(std::string_view path, std::uint64_t number) {
  return fmt::format("version {} of the record at \"{}\"", number, path);
}

std::string folder_prefix(std::string_view folder) {
  std::string prefix = record_path(folder);
  if (!prefix.ends_with('/')) prefix += '/';
  return prefix;
}

// What is damaged is told with its place; other errors speak for themselves.
Error placed(Error error, const std::string& place) {
  if (error.code() != ErrorCode::kCorrupt) return error;
  return std::move(error).with_context(place);
}

std::string record_at(std::string_view path) {
  return fmt::format("the record at \"{}\"", path);
}

// What an entry of the index holds: that it is there says all.
SecretBytes use_mark() { return SecretBytes::copy_of(as_bytes("\x01")); }

}  // namespace

DekSet dek_set(const DekIds& ids) {
  DekSet set;
  for (const auto& [number, id] : ids) set.insert(id);
  return set;
}

RecordStore::RecordStore(barrier::View storage, dek::RecordCipher& cipher,
                         crypto::Rng& rng, std::string mount_uuid,
                         std::string scope)
    : storage_(std::move(storage)),
      cipher_(cipher),
      rng_(rng),
      uuid_(std::move(mount_uuid)),
      scope_(std::move(scope)),
      index_(storage_) {}

std::size_t RecordStore::path_bytes_max() const {
  return storage::Storage::kPathBytesMax - storage_.prefix().size() -
         kRecordsPrefix.size();
}

Result<RecordStore::Loaded> RecordStore::load(std::string_view path) const {
  // No record is there, and storage would refuse to look.
  if (path.empty() || path.size() > path_bytes_max()) return Loaded{};
  const auto entry = storage_.get(record_path(path));
  if (!entry) return fail(placed(entry.error(), record_at(path)));
  if (!*entry) return Loaded{};
  auto record = decode_record((*entry)->value.expose());
  if (record && record->path != path) {
    record = fail(corrupt("it is another one's"));
  }
  if (!record) return fail(placed(std::move(record).error(), record_at(path)));
  Loaded loaded;
  loaded.record = *std::move(record);
  loaded.at = (*entry)->version;
  return loaded;
}

Result<std::optional<RecordStore::LoadedDeks>> RecordStore::load_deks(
    std::string_view id) const {
  TRY_ASSIGN(const auto entry, storage_.get(deks_path(id)));
  if (!entry) return std::optional<LoadedDeks>();
  auto deks = decode_deks(entry->value.expose());
  if (!deks) {
    return fail(std::move(deks).error().with_context(
        fmt::format("the DEKs of record {}", id)));
  }
  return std::optional(LoadedDeks{*std::move(deks), entry->version});
}

// The two are two reads: what a writer did between them is read again.
Result<RecordStore::Loaded> RecordStore::load_with_deks(
    std::string_view path) const {
  std::uint64_t seen = kAbsent;
  while (true) {
    TRY_ASSIGN(Loaded loaded, load(path));
    if (!loaded.record) return loaded;
    auto deks = load_deks(loaded.record->id);
    if (!deks) return fail(placed(std::move(deks).error(), record_at(path)));
    if (*deks) {
      loaded.deks = std::move((*deks)->deks);
      loaded.deks_at = (*deks)->at;
      if (loaded.deks.path == path) return loaded;
      return fail(corrupt("its list of DEKs is another one's")
                      .with_context(record_at(path)));
    }
    if (!has_bodies(*loaded.record)) return loaded;
    if (loaded.at == seen) {
      return fail(
          corrupt("its list of DEKs is missing").with_context(record_at(path)));
    }
    seen = loaded.at;
  }
}

Result<std::optional<Record>> RecordStore::find(std::string_view path) const {
  TRY_ASSIGN(Loaded loaded, load(path));
  return std::move(loaded.record);
}

Result<std::optional<dek::SealedBody>> RecordStore::stored_body(
    const Place& place) const {
  const auto entry = storage_.get(body_path(place.record_id, place.number));
  if (!entry)
    return fail(placed(entry.error(), version_of(place.path, place.number)));
  if (!*entry) return std::optional<dek::SealedBody>();
  auto body = decode_body((*entry)->value.expose());
  if (!body)
    return fail(
        placed(std::move(body).error(), version_of(place.path, place.number)));
  return std::optional(*std::move(body));
}

Result<SecretBytes> RecordStore::open(const Place& place,
                                      const dek::SealedBody& body) const {
  auto data =
      cipher_.open(body.dek_id, body_place(uuid_, place.path, place.number),
                   as_bytes(body.bytes));
  if (data) return data;
  return fail(std::move(data).error().with_context(
      version_of(place.path, place.number)));
}

// Metadata and body are two reads: what a writer took away between them is
// looked up again, as is a body that a re-encryption moved from a DEK that has
// been retired since.
Result<std::optional<ReadVersion>> RecordStore::read(std::string_view path,
                                                     std::uint64_t number,
                                                     Time now) const {
  std::uint64_t seen = kAbsent;
  while (true) {
    TRY_ASSIGN(Loaded loaded, load(path));
    if (!loaded.record) return std::optional<ReadVersion>();
    ReadVersion found;
    found.record = *std::move(loaded.record);
    found.number = number;
    if (number == 0) found.number = found.record.current;
    const Version* const version = found.record.find(found.number);
    if (version == nullptr) return std::optional<ReadVersion>();
    if (!version->readable(now)) return std::optional(std::move(found));
    const Place place{path, found.record.id, found.number};
    TRY_ASSIGN(const auto body, stored_body(place));
    auto data = body ? open(place, *body)
                     : Result<SecretBytes>(fail(corrupt(
                           version_of(path, found.number) + " has no body")));
    if (data) {
      found.body = *std::move(data);
      return std::optional(std::move(found));
    }
    if (loaded.at == seen) return fail(std::move(data).error());
    seen = loaded.at;
  }
}

Result<void> RecordStore::change(std::string_view path, const Edit& edit) {
  if (path.size() > path_bytes_max()) {
    return fail(invalid_argument(
        fmt::format("the path is longer than {} bytes", path_bytes_max())));
  }
  const std::size_t stripe = std::hash<std::string_view>()(path) % kStripes;
  const std::lock_guard lock(stripes_[stripe]);
  for (int i = 0; i < kAttemptsMax; ++i) {
    auto done = attempt(path, edit);
    if (done || done.error().code() != ErrorCode::kConflict) return done;
  }
  return fail(
      ErrorCode::kConflict,
      fmt::format("the record at \"{}\" is being changed by others", path));
}

Result<void> RecordStore::attempt(std::string_view path, const Edit& edit) {
  const UsageIndex::Writing writing(index_);
  while (true) {
    TRY_ASSIGN(const Loaded old, load_with_deks(path));
    Draft draft;
    draft.exists = old.record.has_value();
    if (draft.exists) {
      draft.record = *old.record;
      draft.deks = old.deks.ids;
    } else {
      draft.record.path = path;
      draft.record.id = rng_.uuid();
    }
    TRY_ASSIGN(const bool changed, edit(draft));
    if (!changed) return {};
    TRY_ASSIGN(const Committed committed, commit(old, draft));
    if (committed == Committed::kAll) return {};
  }
}

Result<RecordStore::Committed> RecordStore::commit(const Loaded& old,
                                                   const Draft& draft) {
  const auto dropped = dropped_bodies(old.deks.ids, deks_after(draft));
  if (dropped.size() > kBodiesMax) {
    TRY(commit_part(old, draft, dropped));
    return Committed::kPart;
  }
  Batch batch;
  add_change(batch, old, draft);
  TRY(send(batch));
  return Committed::kAll;
}

// The first of many bodies go before the rest is done: a commit has a limit.
Result<void> RecordStore::commit_part(
    const Loaded& old, const Draft& draft,
    const std::vector<std::uint64_t>& dropped) {
  Draft part;
  part.record = *old.record;
  part.deks = old.deks.ids;
  for (std::size_t i = 0; i < kBodiesMax; ++i) {
    const std::uint64_t number = dropped[i];
    const Version* const kept =
        draft.removed ? nullptr : draft.record.find(number);
    if (kept == nullptr) {
      part.record.versions.erase(number);
    } else {
      part.record.versions[number] = *kept;
    }
  }
  Batch batch;
  add_change(batch, old, part);
  return send(batch);
}

void RecordStore::add_put(Batch& batch, std::string path, SecretBytes value) {
  batch.bytes += value.size();
  batch.values.push_back(std::move(value));
  batch.changes.push_back(
      Change::put(std::move(path), batch.values.back().expose()));
}

void RecordStore::add_change(Batch& batch, const Loaded& old,
                             const Draft& draft) {
  const DekIds deks = deks_after(draft);
  if (draft.removed) {
    batch.changes.push_back(Change::remove(record_path(draft.record.path)));
  } else {
    add_put(batch, record_path(draft.record.path), encode(draft.record));
  }
  batch.changes.back().expected = old.at;
  add_bodies(batch, old, draft, deks);
  add_uses(batch, draft.record.id, dek_set(old.deks.ids), dek_set(deks));
}

// The list of DEKs is written whenever a body is, be it under the same one: a
// re-encryption expects the list as it was when it read the body.
void RecordStore::add_bodies(Batch& batch, const Loaded& old,
                             const Draft& draft, const DekIds& deks) {
  const std::string& id = draft.record.id;
  const auto dropped = dropped_bodies(old.deks.ids, deks);
  if (draft.bodies.empty() && dropped.empty()) return;
  if (deks.empty()) {
    batch.changes.push_back(Change::remove(deks_path(id)));
  } else {
    add_put(batch, deks_path(id), encode(BodyDeks{draft.record.path, deks}));
  }
  batch.changes.back().expected = old.deks_at;
  for (const auto& [number, body] : draft.bodies) {
    add_put(batch, body_path(id, number), encode(body));
  }
  for (const std::uint64_t number : dropped) {
    batch.changes.push_back(Change::remove(body_path(id, number)));
  }
}

void RecordStore::add_uses(Batch& batch, std::string_view id, DekSet before,
                           DekSet after) {
  for (const std::string& dek : after) {
    if (!before.contains(dek)) add_put(batch, use_path(dek, id), use_mark());
  }
  for (const std::string& dek : before) {
    if (after.contains(dek)) continue;
    batch.changes.push_back(Change::remove(use_path(dek, id)));
  }
  batch.uses.emplace_back(std::move(before), std::move(after));
}

Result<void> RecordStore::send(const Batch& batch) {
  if (batch.changes.empty()) return {};
  auto done = storage_.commit(batch.changes);
  if (!done) {
    if (done.error().code() != ErrorCode::kConflict) index_.forget();
    return done;
  }
  for (const auto& [before, after] : batch.uses) index_.changed(before, after);
  return {};
}

Result<void> RecordStore::seal(Draft& draft, std::uint64_t number,
                               ByteView data) const {
  if (data.size() > kDataBytesMax) {
    return fail(ErrorCode::kTooLarge,
                fmt::format("the data of {} bytes is over the limit of {}",
                            data.size(), kDataBytesMax));
  }
  TRY_ASSIGN(auto sealed,
             seal_body({draft.record.path, draft.record.id, number}, data));
  draft.deks[number] = sealed.dek_id;
  draft.bodies.insert_or_assign(number, std::move(sealed));
  return {};
}

Result<dek::SealedBody> RecordStore::seal_body(const Place& place,
                                               ByteView data) const {
  return cipher_.seal(scope_, body_place(uuid_, place.path, place.number),
                      data);
}

Result<std::vector<std::string>> RecordStore::list(std::string_view folder,
                                                   std::string_view after,
                                                   std::size_t limit) const {
  return storage_.list(folder_prefix(folder), after, limit);
}

Result<std::vector<std::string>> RecordStore::scan(std::string_view folder,
                                                   std::string_view after,
                                                   std::size_t limit) const {
  const std::string prefix = folder_prefix(folder);
  const std::string from = after.empty() ? "" : prefix + std::string(after);
  TRY_ASSIGN(auto paths, storage_.scan(prefix, from, limit));
  for (std::string& path : paths) path.erase(0, prefix.size());
  return paths;
}

Result<Settings> RecordStore::settings() const {
  TRY_ASSIGN(const auto entry, storage_.get(kSettingsPath));
  if (!entry) return Settings();
  return decode_settings(entry->value.expose());
}

Result<void> RecordStore::change_settings(
    const std::function<void(Settings&)>& edit) {
  const std::lock_guard lock(settings_mutex_);
  TRY_ASSIGN(Settings changed, settings());
  edit(changed);
  return storage_.put(kSettingsPath, encode(changed).expose());
}

Result<std::vector<std::string>> RecordStore::use_ids(std::string_view dek_id,
                                                      std::string_view after,
                                                      std::size_t limit) const {
  const std::string prefix = uses_prefix(dek_id);
  const std::string from = after.empty() ? "" : use_path(dek_id, after);
  TRY_ASSIGN(auto entries, storage_.scan(prefix, from, limit));
  for (std::string& entry : entries) entry.erase(0, prefix.size());
  return entries;
}

Result<std::vector<RecordStore::Use>> RecordStore::uses(
    std::string_view dek_id, std::string_view after, std::size_t limit) const {
  TRY_ASSIGN(auto ids, use_ids(dek_id, after, limit));
  std::vector<Use> list;
  list.reserve(ids.size());
  for (std::string& id : ids) {
    TRY_ASSIGN(auto deks, load_deks(id));
    if (!deks) continue;  // gone since
    list.push_back({std::move(id), std::move(deks->deks.path)});
  }
  return list;
}

}  // namespace bulla::engine::kv
