#include "server/snapshots.h"

#include <fmt/format.h>
#include <stdlib.h>

#include <cerrno>
#include <cstring>
#include <filesystem>
#include <system_error>

#include "snapshot/writer.h"
#include "storage/directory_lock.h"

namespace bulla::server {
namespace {

namespace fs = std::filesystem;

Error gone(std::string_view what) {
  return not_found(fmt::format(
                       "no such {}: it was dropped after {} minutes without a "
                       "request, or never there",
                       what, Snapshots::kIdleMax.count() / 60))
      .as_plain();
}

}  // namespace

Snapshots::Snapshots(std::string directory, crypto::Rng& rng,
                     const Clock& clock)
    : directory_(std::move(directory)), rng_(rng), clock_(clock) {}

Snapshots::~Snapshots() {
  if (!own_directory_) return;
  std::error_code ignored;
  fs::remove_all(directory_, ignored);
}

// Only under mutex_.
Result<std::string> Snapshots::directory() {
  if (!directory_.empty()) return directory_;
  std::error_code ignored;
  std::string made =
      (fs::temp_directory_path(ignored) / "bulla-snapshots-XXXXXX").string();
  if (::mkdtemp(made.data()) == nullptr) {
    return fail(unavailable(fmt::format("cannot make a directory {}: {}", made,
                                        std::strerror(errno))));
  }
  directory_ = made;
  own_directory_ = true;
  return directory_;
}

Result<void> Snapshots::reserve(bool upload) {
  std::size_t same = upload ? 0 : making_;
  for (const auto& [id, entry] : entries_) same += entry->upload == upload;
  if (same < kFilesMax) return {};
  return fail(ErrorCode::kConflict,
              fmt::format("{} others are under way; wait until they are done, "
                          "or {} minutes",
                          kFilesMax, kIdleMax.count() / 60));
}

std::string Snapshots::keep(EntryPtr entry, std::string id) {
  const std::lock_guard lock(mutex_);
  entry->touched = clock_.now();
  entries_.emplace(id, std::move(entry));
  return id;
}

Result<Snapshots::EntryPtr> Snapshots::find(std::string_view id, bool upload) {
  const std::lock_guard lock(mutex_);
  const auto found = entries_.find(id);
  if (found == entries_.end() || found->second->upload != upload) {
    return fail(gone(upload ? "upload" : "snapshot"));
  }
  found->second->touched = clock_.now();
  return found->second;
}

Result<snapshot::Summary> Snapshots::fill(storage::Storage& storage,
                                          File& file) {
  std::uint64_t at = 0;
  return snapshot::take(storage, BULLA_VERSION, clock_.now(),
                        [&](ByteView bytes) -> Result<void> {
                          TRY(file.write_at(at, bytes));
                          at += bytes.size();
                          return {};
                        });
}

Result<Snapshots::Made> Snapshots::make(storage::Storage& storage) {
  std::string place;
  {
    const std::lock_guard lock(mutex_);
    TRY(reserve(false));
    TRY_ASSIGN(place, directory());
    ++making_;
  }
  const auto take = [&]() -> Result<Made> {
    for (int tried = 1;; ++tried) {
      Made made{rng_.uuid(), {}};
      TRY_ASSIGN(auto file, File::create(fmt::format("{}/save-{}.snapshot",
                                                     place, made.id)));
      file.unlink();
      auto summary = fill(storage, file);
      const bool again = !summary &&
                         summary.error().code() == ErrorCode::kConflict &&
                         tried < kTries;
      if (again) continue;
      if (!summary) return fail(std::move(summary).error());
      made.summary = *summary;
      auto entry = std::make_shared<Entry>(std::move(file));
      entry->bytes = summary->bytes;
      keep(std::move(entry), made.id);
      return made;
    }
  };
  auto made = take();
  const std::lock_guard lock(mutex_);
  --making_;
  return made;
}

Result<std::string> Snapshots::part(std::string_view id, std::uint64_t offset) {
  TRY_ASSIGN(const auto entry, find(id, false));
  if (offset > entry->bytes) {
    return fail(invalid_argument(fmt::format(
        "the snapshot has {} bytes, none at {}", entry->bytes, offset)));
  }
  std::string out(std::min<std::uint64_t>(kPartBytes, entry->bytes - offset),
                  '\0');
  TRY_ASSIGN(
      const std::size_t got,
      entry->file.read_at(
          offset, {reinterpret_cast<std::uint8_t*>(out.data()), out.size()}));
  if (got != out.size()) return fail(internal_error("a file lost its end"));
  return out;
}

Result<std::string> Snapshots::begin_upload(std::uint64_t bytes,
                                            std::uint64_t bytes_max) {
  if (bytes > bytes_max) {
    return fail(ErrorCode::kTooLarge,
                fmt::format("a snapshot of {} bytes is over the limit of {}; "
                            "raise max_snapshot_size in the configuration",
                            bytes, bytes_max));
  }
  std::string id = rng_.uuid();
  const std::lock_guard lock(mutex_);
  TRY(reserve(true));
  TRY(directory());
  TRY_ASSIGN(auto file, File::create(path_of(id)));
  auto entry = std::make_shared<Entry>(std::move(file));
  entry->bytes = bytes;
  entry->upload = true;
  entry->touched = clock_.now();
  entries_.emplace(id, std::move(entry));
  return id;
}

Result<void> Snapshots::add(std::string_view id, std::uint64_t offset,
                            ByteView part) {
  TRY_ASSIGN(const auto entry, find(id, true));
  const std::lock_guard lock(entry->mutex);
  if (offset > entry->here || part.size() > entry->bytes - offset) {
    return fail(invalid_argument(
        fmt::format("a part of {} bytes at {} is out of place: {} of {} bytes "
                    "are here",
                    part.size(), offset, entry->here, entry->bytes)));
  }
  TRY(entry->file.write_at(offset, part));
  entry->here = std::max(entry->here, offset + part.size());
  return {};
}

Result<snapshot::Checked> Snapshots::check_upload(std::string_view id) {
  TRY_ASSIGN(const auto entry, find(id, true));
  const std::lock_guard lock(entry->mutex);
  if (entry->here != entry->bytes) {
    return fail(invalid_argument(fmt::format("only {} of {} bytes are here",
                                             entry->here, entry->bytes)));
  }
  auto checked = snapshot::check(snapshot::source_of(entry->file));
  if (!checked) {
    const auto code = checked.error().code();
    const bool callers =
        code == ErrorCode::kCorrupt || code == ErrorCode::kUnsupported;
    return callers ? fail(invalid_argument(checked.error().message()))
                   : fail(std::move(checked).error());
  }
  TRY(entry->file.sync());
  const std::lock_guard guard(mutex_);
  TRY(storage::sync_directory(directory_));
  return checked;
}

Result<void> Snapshots::drop(std::string_view id) {
  const std::lock_guard lock(mutex_);
  const auto found = entries_.find(id);
  if (found == entries_.end()) return fail(gone("snapshot or upload"));
  if (found->second->upload) found->second->file.unlink();
  entries_.erase(found);
  return {};
}

void Snapshots::tick() {
  const std::lock_guard lock(mutex_);
  std::erase_if(entries_, [&](const auto& item) {
    Entry& entry = *item.second;
    const bool idle = clock_.now() - entry.touched > kIdleMax;
    // Held by whoever is at it.
    if (!idle || item.second.use_count() > 1) return false;
    if (entry.upload) entry.file.unlink();
    return true;
  });
}

void Snapshots::hand_over(std::string_view id) {
  const std::lock_guard lock(mutex_);
  if (const auto found = entries_.find(id); found != entries_.end()) {
    entries_.erase(found);
  }
}

void Snapshots::remove_file(std::string_view id) const {
  std::error_code ignored;
  fs::remove(path_of(id), ignored);
}

std::string Snapshots::path_of(std::string_view id) const {
  return directory_ + "/" + snapshot::Marker::file_of(id);
}

void Snapshots::tidy(std::string_view keep) const {
  if (directory_.empty()) return;
  std::error_code ignored;
  for (const auto& file : fs::directory_iterator(directory_, ignored)) {
    const std::string name = file.path().filename().string();
    const bool ours =
        name.starts_with("restore-") && name.ends_with(".snapshot");
    if (!ours || (!keep.empty() && name == snapshot::Marker::file_of(keep))) {
      continue;
    }
    fs::remove(file.path(), ignored);
  }
}

}  // namespace bulla::server
