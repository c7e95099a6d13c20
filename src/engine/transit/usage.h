#pragma once

#include <atomic>
#include <cstddef>
#include <cstdint>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "barrier/barrier.h"
#include "base/result.h"
#include "engine/transit/key_record.h"

namespace bulla::engine::transit {

/// Encryptions of a version that may go unwritten: a version of which nothing
/// is stored may have done as many, and counts as if it had.
constexpr std::uint64_t kUnwrittenOperations = 4096;
/// max_operations that is set is at least this: a batch or two.
constexpr std::int64_t kMaxOperationsLeast = 16;
/// What a version of AES-GCM with random nonces may encrypt, unless something
/// else is set: a sixteenth less than NIST SP 800-38D §8.3 allows.
constexpr std::uint64_t kRandomNonceOperations = 0xF0000000;
constexpr std::int64_t kRandomNonceOperationsMost = 0xFFFFFFFF;

/// The encryptions a version of `key` may do; kOperationsMax: any number.
std::uint64_t operations_limit(const KeyRecord& key);

/// How often one version encrypted. It may count to what was reserved for it
/// in storage, so that a crash makes the count too high and never too low.
class Usage {
 public:
  Usage(std::uint64_t count, std::uint64_t reserved)
      : count_(count), reserved_(reserved) {}

  /// Takes up to `wanted` encryptions; returns how many, 0 when the
  /// reservation is used up. Any thread, no lock.
  std::uint64_t take(std::uint64_t wanted);
  /// Gives back what was taken and not used.
  void give_back(std::uint64_t unused) { count_.fetch_sub(unused); }
  std::uint64_t count() const { return count_.load(); }

  // Below, the lock of the book is held.
  std::uint64_t reserved() const { return reserved_.load(); }
  void reserve(std::uint64_t ceiling) { reserved_.store(ceiling); }
  /// Ends the reservation. The count, which does not grow from then on.
  std::uint64_t close();

 private:
  // On a line of their own: the loops' readers of the version do not feel it.
  alignas(64) std::atomic<std::uint64_t> count_;
  std::atomic<std::uint64_t> reserved_;
};

/// The counts of the keys of one shard, in memory and in storage
/// (docs/formats/transit-key.md). The shard's writer mutex is held around every
/// call. Errors of storage come back as they are.
class UsageBook {
 public:
  /// A version that is made now: its count, and what its commit has to store
  /// besides, if anything. Counts once adopted.
  struct Fresh {
    std::shared_ptr<Usage> usage;
    std::optional<SecretBytes> entry;
  };
  static Fresh fresh(const KeyRecord& key);
  void adopt(const KeyRecord& key, std::uint32_t number, const Fresh& fresh);

  /// The count of a version, from memory or storage.
  Result<std::shared_ptr<Usage>> open(const barrier::View& storage,
                                      const KeyRecord& key,
                                      std::uint32_t number);
  /// Reserves room for `wanted` more and some. False: its limit is reached.
  Result<bool> extend(const barrier::View& storage, const KeyRecord& key,
                      std::uint32_t number, std::uint64_t wanted);
  /// Ends all reservations of a key whose limit is about to change; what is to
  /// be stored, for its latest version, with the change.
  Result<SecretBytes> settle(const barrier::View& storage,
                             const KeyRecord& key);

  /// Stores what versions counted that nobody holds any more, and reserves
  /// ahead for those in use.
  Result<void> tend(const barrier::View& storage);
  /// Ends reservations and stores the counts of at most `most` versions: at the
  /// seal. Returns how many more there may be.
  Result<std::size_t> close(const barrier::View& storage, std::size_t most);

  /// Upper bounds of what versions `first` to `last` did.
  Result<std::vector<std::uint64_t>> counts(const barrier::View& storage,
                                            const KeyRecord& key,
                                            std::uint32_t first,
                                            std::uint32_t last) const;
  /// The highest count of any version that encrypted since it was loaded.
  std::uint64_t highest() const;

  /// Forgets all versions of that name, or those below min_available_version.
  void drop(std::string_view name);
  void drop_trimmed(const KeyRecord& key);

 private:
  struct Line {
    std::shared_ptr<Usage> usage;
    std::optional<std::uint64_t> stored;  // the ceiling in storage
    std::uint64_t limit = 0;
    std::uint64_t step = 0;
    std::uint64_t seen = 0;  // the count at the last look
  };
  struct Write;

  Line line_of(const KeyRecord& key, std::shared_ptr<Usage> usage,
               std::optional<std::uint64_t> stored) const;
  static std::optional<Write> due(const std::string& path, Line& line);
  static Result<void> write(const barrier::View& storage,
                            std::vector<Write>& writes);

  std::map<std::string, Line, std::less<>> lines_;  // by usage_path()
};

}  // namespace bulla::engine::transit
