#pragma once

#include <cstddef>
#include <cstdint>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "base/bytes.h"
#include "base/result.h"

namespace bulla::storage {

/// What is stored at a path. `version` changes at every put of that path and
/// is never reused for it; it is what a Change can expect.
struct Entry {
  Bytes value;
  std::uint64_t version = 0;
};

/// One put (value set) or delete (value absent) of a commit.
struct Change {
  static constexpr std::uint64_t kAbsent = 0;

  std::string path;
  std::optional<Bytes> value;
  /// When set, the entry must be at this version (kAbsent: must not exist).
  std::optional<std::uint64_t> expected;
};

/// Everything as it was at one moment, path by path in bytewise order, while
/// others read and write on. Of one thread: the one that took it. It costs
/// while it lives: an engine may keep what is deleted meanwhile, or a copy.
class Snapshot {
 public:
  struct Item {
    std::string path;
    Bytes value;
  };

  virtual ~Snapshot() = default;

  /// next() goes on with the first path that is not before `at_least`.
  virtual void seek(std::string_view at_least) = 0;
  /// The entry here, and one step on; absent behind the last one. Begins with
  /// the first.
  ///   kConflict     the engine needed the snapshot gone: take another one.
  ///   kUnavailable  storage does not answer.
  ///   kCorrupt      the engine found its own data damaged.
  virtual Result<std::optional<Item>> next() = 0;
};

/// An ordered, durable map from path to bytes.
///
/// Storage is untrusted: the barrier seals every value before it gets here, so
/// an implementation may lose, reorder or forge entries without learning one,
/// and callers treat what they read as hostile. Any method, any thread.
class Storage {
 public:
  static constexpr std::size_t kPathBytesMax = 511;  // LMDB's default
  static constexpr std::size_t kValueBytesMax =
      (std::size_t{1} << 20) + 128;  // 1 MiB and the barrier's overhead
  /// etcd's default of 128, less what its engine adds to each commit.
  static constexpr std::size_t kChangesMax = 120;
  /// Paths and values of a commit that every engine takes. Engines on a local
  /// disk take more; etcd, whose requests end at 1.5 MiB, does not.
  static constexpr std::size_t kCommitBytesMax =
      kValueBytesMax + (std::size_t{256} << 10);
  static constexpr std::size_t kListMax = 100'000;

  virtual ~Storage() = default;

  /// The entry at `path`. Absence is not an error.
  ///   kInvalidArgument  path empty or over kPathBytesMax.
  ///   kUnavailable      storage does not answer.
  ///   kCorrupt          the engine found its own data damaged.
  virtual Result<std::optional<Entry>> get(std::string_view path) = 0;

  /// Applies every change or none, and is durable once it returns ok. A path
  /// stands at most once in `changes`. What is over kCommitBytesMax may be
  /// refused with kInvalidArgument.
  ///   kConflict         an expected version did not hold; nothing changed.
  ///   kInvalidArgument  a limit above is passed; nothing changed.
  ///   kExhausted        no space left; nothing changed.
  ///   kUnavailable      the outcome is unknown: read again before you retry.
  virtual Result<void> commit(std::span<const Change> changes) = 0;

  /// The next path segments below `prefix` (empty, or ending in '/'), sorted
  /// bytewise, each once: "a" for an entry prefix+"a", "b/" for anything below
  /// prefix+"b/". Only those greater than `after` (empty: from the start), at
  /// most `limit` (0: kListMax).
  virtual Result<std::vector<std::string>> list(std::string_view prefix,
                                                std::string_view after = {},
                                                std::size_t limit = 0) = 0;

  /// Whole paths that start with `prefix` (any text), sorted bytewise, greater
  /// than `after` (a whole path), at most `limit` (0: kListMax).
  virtual Result<std::vector<std::string>> scan(std::string_view prefix,
                                                std::string_view after = {},
                                                std::size_t limit = 0) = 0;

  /// A snapshot of now. Must not outlive the storage.
  ///   kUnavailable  storage does not answer, or too many are read at once.
  virtual Result<std::unique_ptr<Snapshot>> snapshot() = 0;

  /// A word for seal-status and metrics: "inmem", "lmdb", ….
  virtual std::string_view kind() const = 0;
};

}  // namespace bulla::storage
