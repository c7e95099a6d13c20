#include "snapshot/migrate.h"

#include <vector>

#include "crypto/sha256_stream.h"
#include "seal/seal_config.h"
#include "snapshot/marker.h"

namespace bulla::snapshot {
namespace {

using storage::Change;
using storage::Storage;
using Item = storage::Snapshot::Item;

constexpr std::string_view kStateHead = "bulla migration 1\n";
constexpr int kPassesMax = 3;
constexpr std::uint64_t kTellEach = 100'000;

Bytes encode_state(std::string_view cursor) {
  return to_bytes(std::string(kStateHead) + std::string(cursor));
}

/// The path behind which nothing is copied yet; none when no migration is under
/// way.
Result<std::optional<std::string>> read_state(Storage& storage) {
  TRY_ASSIGN(const auto entry, storage.get(kMigrationPath));
  if (!entry) return std::nullopt;
  const std::string_view text = as_text(entry->value);
  if (!text.starts_with(kStateHead)) {
    return fail(corrupt("the record of the migration is damaged"));
  }
  return std::string(text.substr(kStateHead.size()));
}

/// The entries that are copied and compared, one after the other. The seal
/// configuration comes by itself at the end.
class Walk {
 public:
  static Result<Walk> open(Storage& storage, std::string_view from) {
    TRY_ASSIGN(auto snapshot, storage.snapshot());
    snapshot->seek(from);
    Walk walk(std::move(snapshot));
    TRY(walk.step());
    return walk;
  }

  const std::optional<Item>& here() const { return item_; }
  Result<void> step() {
    do {
      TRY_ASSIGN(item_, snapshot_->next());
    } while (item_ && (item_->path == kMigrationPath ||
                       item_->path == seal::SealConfig::kPath));
    return {};
  }

 private:
  explicit Walk(std::unique_ptr<storage::Snapshot> snapshot)
      : snapshot_(std::move(snapshot)) {}

  std::unique_ptr<storage::Snapshot> snapshot_;
  std::optional<Item> item_;
};

class Digest {
 public:
  void add(const Item& item) {
    add_field(as_bytes(item.path));
    add_field(item.value);
    ++entries;
    bytes += item.path.size() + item.value.size();
  }
  auto sha256() const { return stream_.digest(); }

  std::uint64_t entries = 0;
  std::uint64_t bytes = 0;

 private:
  void add_field(ByteView field) {
    std::array<std::uint8_t, 4> size{};
    put_be32(size.data(), static_cast<std::uint32_t>(field.size()));
    stream_.update(size);
    stream_.update(field);
  }
  crypto::Sha256Stream stream_;
};

/// Changes of the destination, a commit at a time; each keeps how far it came.
class Writer {
 public:
  explicit Writer(Storage& storage) : storage_(storage) {}

  Result<void> add(std::string path, std::optional<Bytes> value) {
    const std::size_t bytes = path.size() + (value ? value->size() : 0);
    constexpr std::size_t kState = Storage::kPathBytesMax * 2;
    const bool full = changes_.size() + 1 == Storage::kChangesMax ||
                      (!changes_.empty() &&
                       bytes_ + bytes + kState > Storage::kCommitBytesMax);
    if (full) TRY(flush());
    bytes_ += bytes;
    changes_.push_back({std::move(path), std::move(value), std::nullopt});
    return {};
  }
  Result<void> flush() {
    if (changes_.empty()) return {};
    written += changes_.size();
    changes_.push_back({std::string(kMigrationPath),
                        encode_state(changes_.back().path), std::nullopt});
    TRY(storage_.commit(changes_));
    changes_.clear();
    bytes_ = 0;
    return {};
  }

  std::uint64_t written = 0;

 private:
  Storage& storage_;
  std::vector<Change> changes_;
  std::size_t bytes_ = 0;
};

class Migration {
 public:
  Migration(Storage& source, Storage& destination,
            const MigrationOptions& options)
      : source_(source),
        destination_(destination),
        options_(options),
        writer_(destination) {}

  Result<Migrated> run() {
    TRY(check_source());
    TRY_ASSIGN(std::string from, begin());
    if (options_.start) from = *options_.start;
    TRY(pass(from));
    // The first pass over everything mends what changed since an earlier run.
    for (int i = 0; i < kPassesMax; ++i) {
      const std::uint64_t before = writer_.written;
      TRY(pass({}));
      if (writer_.written == before) return finish();
    }
    return fail(corrupt("source and destination differ after the copy"));
  }

 private:
  Result<void> check_source() {
    TRY_ASSIGN(const auto state, read_state(source_));
    TRY_ASSIGN(const auto marker, Marker::read(source_));
    if (state || marker) {
      return fail(ErrorCode::kConflict,
                  "the source is itself in the middle of a migration or a "
                  "restore: finish that first");
    }
    TRY_ASSIGN(const auto first, source_.scan({}, {}, 1));
    if (first.empty()) return fail(not_found("the source is empty"));
    return {};
  }

  Result<std::string> begin() {
    TRY_ASSIGN(const auto state, read_state(destination_));
    result_.resumed = state.has_value();
    if (state) return *state;
    TRY_ASSIGN(const auto first, destination_.scan({}, {}, 1));
    if (!first.empty()) {
      return fail(ErrorCode::kConflict,
                  "the destination is not empty: name one that is");
    }
    const Change mark{std::string(kMigrationPath), encode_state({}),
                      Change::kAbsent};
    TRY(destination_.commit({&mark, 1}));
    return std::string();
  }

  /// Makes the destination what the source is, from `from` on; digests of both
  /// as they were found.
  Result<void> pass(const std::string& from) {
    TRY_ASSIGN(auto left, Walk::open(source_, from));
    TRY_ASSIGN(auto right, Walk::open(destination_, from));
    source_digest_ = Digest();
    destination_digest_ = Digest();
    while (left.here() || right.here()) {
      const std::uint64_t before = source_digest_.entries;
      TRY(compare(left, right));
      const std::uint64_t seen = source_digest_.entries;
      const bool tells = seen != before && seen % kTellEach == 0;
      if (options_.progress && tells) options_.progress(seen);
    }
    return writer_.flush();
  }

  Result<void> compare(Walk& left, Walk& right) {
    const auto& ours = left.here();
    const auto& theirs = right.here();
    const bool only_theirs = theirs && (!ours || theirs->path < ours->path);
    const bool only_ours = ours && (!theirs || ours->path < theirs->path);
    if (!only_ours) destination_digest_.add(*theirs);
    if (!only_theirs) source_digest_.add(*ours);
    if (only_theirs) {
      TRY(writer_.add(theirs->path, std::nullopt));
      return right.step();
    }
    if (only_ours || ours->value != theirs->value) {
      TRY(writer_.add(ours->path, ours->value));
    }
    if (!only_ours) TRY(right.step());
    return left.step();
  }

  Result<Migrated> finish() {
    if (source_digest_.entries != destination_digest_.entries ||
        source_digest_.sha256() != destination_digest_.sha256()) {
      return fail(corrupt("source and destination differ after the copy"));
    }
    TRY_ASSIGN(const auto config, source_.get(seal::SealConfig::kPath));
    std::vector<Change> last = {
        {std::string(kMigrationPath), std::nullopt, std::nullopt}};
    if (config) {
      last.push_back(
          {std::string(seal::SealConfig::kPath), config->value, std::nullopt});
    }
    TRY(destination_.commit(last));
    result_.entries = source_digest_.entries + (config ? 1 : 0);
    result_.bytes = source_digest_.bytes;
    result_.sha256 = source_digest_.sha256();
    result_.written = writer_.written;
    return result_;
  }

  Storage& source_;
  Storage& destination_;
  const MigrationOptions& options_;
  Writer writer_;
  Digest source_digest_;
  Digest destination_digest_;
  Migrated result_;
};

}  // namespace

Result<void> check_not_migrating(Storage& storage) {
  TRY_ASSIGN(const auto state, read_state(storage));
  if (!state) return {};
  return fail(ErrorCode::kConflict,
              "a migration into this storage was begun and is not finished: "
              "run `bulla operator migrate` again");
}

Result<Migrated> migrate(Storage& source, Storage& destination,
                         const MigrationOptions& options) {
  Migration migration(source, destination, options);
  return migration.run();
}

}  // namespace bulla::snapshot
