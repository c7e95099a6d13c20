#pragma once

#include <cstdint>
#include <map>
#include <mutex>
#include <optional>
#include <set>
#include <shared_mutex>
#include <string>
#include <string_view>

#include "barrier/barrier.h"

namespace bulla::engine::kv {

/// The DEKs that seal a record's bodies.
using DekSet = std::set<std::string, std::less<>>;

/// How many records each DEK seals. The truth is the entries `use/…`, written
/// in one commit with the records; the counts are read off them when first
/// asked for, and kept in step from then on. Any thread.
class UsageIndex {
 public:
  explicit UsageIndex(barrier::View storage) : storage_(std::move(storage)) {}

  /// Held from before a body is sealed until its commit is told to changed():
  /// count() waits for it, so that a DEK that is no longer the active one has
  /// no use that is still on its way.
  class Writing {
   public:
    explicit Writing(UsageIndex& index);

   private:
    std::shared_lock<std::shared_mutex> lock_;
  };
  /// Held while no record may change.
  class Still {
   public:
    explicit Still(UsageIndex& index);

   private:
    std::unique_lock<std::mutex> gate_;
    std::unique_lock<std::shared_mutex> lock_;
  };

  /// A commit went through that took a record from `before` to `after`.
  void changed(const DekSet& before, const DekSet& after);
  /// A commit's outcome is not known.
  void forget();
  /// Not while this thread is Writing. Errors of storage and the barrier.
  Result<std::uint64_t> count(std::string_view dek_id);

 private:
  using Counts = std::map<std::string, std::uint64_t, std::less<>>;
  Result<Counts> read_counts() const;

  barrier::View storage_;
  // Who wants all writers gone holds this, so that no new ones come.
  std::mutex gate_;
  std::shared_mutex writing_;
  std::mutex counts_mutex_;
  std::optional<Counts> counts_;
};

}  // namespace bulla::engine::kv
