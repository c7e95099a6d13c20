#include "engine/kv/record_store.h"

#include <fmt/format.h>

#include <functional>
#include <utility>

namespace bulla::engine::kv {
namespace {

using barrier::Change;
constexpr std::uint64_t kAbsent = storage::Change::kAbsent;

// Versions whose bodies `before` has and `after` has not.
std::vector<std::uint64_t> dropped_bodies(const Record& before,
                                          const Draft& after) {
  std::vector<std::uint64_t> dropped;
  for (const auto& [number, version] : before.versions) {
    if (version.dek_id.empty()) continue;
    const Version* const kept =
        after.removed ? nullptr : after.record.find(number);
    if (kept == nullptr || kept->dek_id.empty()) dropped.push_back(number);
  }
  return dropped;
}

Error no_body(const Record& record, std::uint64_t number) {
  return corrupt(fmt::format("version {} of the record at \"{}\" has no body",
                             number, record.path));
}

}  // namespace

DekSet deks_of(const Record& record) {
  DekSet ids;
  for (const auto& [number, version] : record.versions) {
    if (!version.dek_id.empty()) ids.insert(version.dek_id);
  }
  return ids;
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
  TRY_ASSIGN(const auto entry, storage_.get(record_path(path)));
  if (!entry) return Loaded{};
  auto record = decode_record(entry->value.expose());
  if (record && record->path != path) {
    record = fail(corrupt("it is another one's"));
  }
  if (!record) {
    return fail(std::move(record).error().with_context(
        fmt::format("the record at \"{}\"", path)));
  }
  return Loaded{*std::move(record), entry->version};
}

Result<std::optional<Record>> RecordStore::find(std::string_view path) const {
  TRY_ASSIGN(Loaded loaded, load(path));
  return std::move(loaded.record);
}

Result<std::optional<dek::SealedBody>> RecordStore::stored_body(
    const Record& record, std::uint64_t number) const {
  TRY_ASSIGN(const auto entry, storage_.get(body_path(record.id, number)));
  if (!entry) return std::optional<dek::SealedBody>();
  auto body = decode_body(entry->value.expose());
  if (!body) {
    return fail(std::move(body).error().with_context(fmt::format(
        "version {} of the record at \"{}\"", number, record.path)));
  }
  return std::optional(*std::move(body));
}

Result<SecretBytes> RecordStore::open(const Record& record,
                                      std::uint64_t number,
                                      const dek::SealedBody& body) const {
  auto data = cipher_.open(body.dek_id, body_place(uuid_, record.path, number),
                           as_bytes(body.bytes));
  if (data) return data;
  return fail(std::move(data).error().with_context(
      fmt::format("version {} of the record at \"{}\"", number, record.path)));
}

// Metadata and body are two reads: what a writer took away between them is
// looked up again.
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
    TRY_ASSIGN(const auto body, stored_body(found.record, found.number));
    if (body) {
      TRY_ASSIGN(found.body, open(found.record, found.number, *body));
      return std::optional(std::move(found));
    }
    if (loaded.at == seen) return fail(no_body(found.record, found.number));
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
    TRY_ASSIGN(const Loaded old, load(path));
    Draft draft;
    draft.exists = old.record.has_value();
    if (draft.exists) {
      draft.record = *old.record;
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
  if (old.record) {
    const auto dropped = dropped_bodies(*old.record, draft);
    if (dropped.size() > kBodiesMax) {
      TRY(commit_part(old, draft, dropped));
      return Committed::kPart;
    }
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
                             const Draft& draft) const {
  const std::string& id = draft.record.id;
  if (draft.removed) {
    batch.changes.push_back(Change::remove(record_path(draft.record.path)));
  } else {
    add_put(batch, record_path(draft.record.path), encode(draft.record));
  }
  batch.changes.back().expected = old.at;
  for (const auto& [number, body] : draft.bodies) {
    add_put(batch, body_path(id, number), encode(body));
  }
  if (old.record) {
    for (const std::uint64_t number : dropped_bodies(*old.record, draft)) {
      batch.changes.push_back(Change::remove(body_path(id, number)));
    }
  }
  DekSet before = old.record ? deks_of(*old.record) : DekSet();
  DekSet after = draft.removed ? DekSet() : deks_of(draft.record);
  for (const std::string& dek : after) {
    if (before.contains(dek)) continue;
    add_put(batch, use_path(dek, id),
            SecretBytes::copy_of(as_bytes(draft.record.path)));
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
  const std::string place = body_place(uuid_, draft.record.path, number);
  TRY_ASSIGN(auto sealed, cipher_.seal(scope_, place, data));
  draft.record.versions[number].dek_id = sealed.dek_id;
  draft.bodies.insert_or_assign(number, std::move(sealed));
  return {};
}

Result<std::vector<std::string>> RecordStore::list(std::string_view folder,
                                                   std::string_view after,
                                                   std::size_t limit) const {
  std::string prefix = record_path(folder);
  if (!prefix.ends_with('/')) prefix += '/';
  return storage_.list(prefix, after, limit);
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

Result<std::vector<RecordStore::Use>> RecordStore::uses(
    std::string_view dek_id, std::string_view after, std::size_t limit) const {
  const std::string prefix = uses_prefix(dek_id);
  const std::string from = after.empty() ? "" : use_path(dek_id, after);
  TRY_ASSIGN(const auto entries, storage_.scan(prefix, from, limit));
  std::vector<Use> list;
  list.reserve(entries.size());
  for (const std::string& entry : entries) {
    TRY_ASSIGN(const auto path, storage_.get(entry));
    if (!path) continue;  // gone since
    list.push_back(
        {entry.substr(prefix.size()), to_text(path->value.expose())});
  }
  return list;
}

}  // namespace bulla::engine::kv
