#include "snapshot/restore.h"

#include <vector>

#include "seal/seal_config.h"

namespace bulla::snapshot {
namespace {

using storage::Change;
using storage::Storage;

// A commit of the bulk: so many changes, or so many bytes.
constexpr std::size_t kBatchChanges = Storage::kChangesMax;
constexpr std::size_t kBatchBytes = Storage::kCommitBytesMax;

Change removal(std::string_view path) {
  return {std::string(path), std::nullopt, std::nullopt};
}

Result<void> remove_all(Storage& storage) {
  std::string after;
  while (true) {
    TRY_ASSIGN(const auto paths, storage.scan({}, after, kBatchChanges));
    if (paths.empty()) return {};
    std::vector<Change> changes;
    for (const std::string& path : paths) {
      if (path != Marker::kPath) changes.push_back(removal(path));
    }
    TRY(storage.commit(changes));
    after = paths.back();
  }
}

/// Puts entries, a batch at a time.
class Filler {
 public:
  explicit Filler(Storage& storage) : storage_(storage) {}

  Result<void> put(const Reader::Item& item) {
    const std::size_t bytes = item.path.size() + item.value.size();
    const bool full = changes_.size() == kBatchChanges ||
                      (!changes_.empty() && bytes_ + bytes > kBatchBytes);
    if (full) TRY(flush());
    bytes_ += bytes;
    changes_.push_back(
        {std::string(item.path), to_bytes(item.value), std::nullopt});
    return {};
  }
  Result<void> flush() {
    TRY(storage_.commit(changes_));
    changes_.clear();
    bytes_ = 0;
    return {};
  }

 private:
  Storage& storage_;
  std::vector<Change> changes_;
  std::size_t bytes_ = 0;
};

/// All but the seal configuration, which is returned.
Result<Bytes> fill(Storage& storage, Source source) {
  TRY_ASSIGN(auto reader, Reader::open(std::move(source)));
  Filler filler(storage);
  Bytes config;
  while (true) {
    TRY_ASSIGN(const auto item, reader.next());
    if (!item) break;
    if (item->path == seal::SealConfig::kPath) {
      config = to_bytes(item->value);
      continue;
    }
    TRY(filler.put(*item));
  }
  TRY(filler.flush());
  return config;
}

}  // namespace

Result<void> begin(Storage& storage, const Marker& marker) {
  const std::string config(seal::SealConfig::kPath);
  TRY_ASSIGN(const auto stored, storage.get(config));
  TRY_ASSIGN(const auto before, storage.get(Marker::kPath));
  std::vector<Change> changes{{std::string(Marker::kPath), marker.serialise(),
                               before ? before->version : Change::kAbsent}};
  if (stored) changes.push_back({config, std::nullopt, stored->version});
  return storage.commit(changes);
}

Result<Summary> finish(Storage& storage, const Marker& marker,
                       const Reopen& reopen) {
  TRY_ASSIGN(const auto stored, Marker::read(storage));
  if (stored && *stored != marker) {
    return fail(ErrorCode::kConflict, "another restore is under way");
  }
  TRY_ASSIGN(const Checked checked, check(reopen()));
  if (checked.summary.sha256 != marker.sha256) {
    return fail(corrupt("this is not the snapshot whose restore was begun"));
  }
  // Its last commit was applied, though nobody could be told.
  if (!stored) return checked.summary;
  TRY(remove_all(storage));
  TRY_ASSIGN(Bytes config, fill(storage, reopen()));
  const std::vector<Change> last{{std::string(seal::SealConfig::kPath),
                                  std::move(config), Change::kAbsent},
                                 removal(Marker::kPath)};
  TRY(storage.commit(last));
  return checked.summary;
}

}  // namespace bulla::snapshot
