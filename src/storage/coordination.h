#pragma once

#include <chrono>
#include <cstdint>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <vector>

#include "base/bytes.h"
#include "base/result.h"
#include "storage/storage.h"

namespace bulla::storage {

/// Who wants to lead.
struct Candidate {
  std::string name;  ///< Of this process alone.
  Bytes data;        ///< For the others to read, such as an address; 4 KiB.
  /// How long leadership lasts without a renewal; at least 1 s, whole seconds.
  std::chrono::seconds lease{10};
};

/// Who leads. `epoch` grows with each leadership and is never used again.
struct Leader {
  std::string name;
  Bytes data;
  std::uint64_t epoch = 0;
};

/// The outcome of an attempt to lead.
struct Attempt {
  bool won = false;
  Leader leader;  ///< The candidate itself when it has won.
  /// The epoch before this one, of whoever led; 0: none. Who finds its own here
  /// knows that nobody led in between. Only when won.
  std::uint64_t previous = 0;
};

/// Hands out what is committed, to one thread. Ends with its object, which must
/// not outlive the storage.
class ChangeFeed {
 public:
  struct Batch {
    /// Everything up to this revision has been handed out.
    std::uint64_t revision = 0;
    /// Paths put or deleted since the batch before; some may be unchanged.
    std::vector<std::string> paths;
    /// What was committed since the batch before is not known any more: any
    /// path may have changed. `paths` is then empty.
    bool lost = false;
  };

  virtual ~ChangeFeed() = default;

  /// Waits for a commit, `wait` at most. No paths and nothing lost says that
  /// storage was asked meanwhile, and had nothing newer.
  ///   kUnavailable  the feed is down, or behind what it knows to be
  ///                 committed. Call again: it goes on where it was.
  virtual Result<Batch> next(std::chrono::milliseconds wait) = 0;
};

/// What several processes on one storage need to have one of them write.
///
/// A lease is measured by the storage's clock. A leader must take itself for
/// deposed once its lease has passed, by its own monotonic clock, since it
/// began the last renewal that succeeded. Whoever does not is held off by
/// commit_fenced(). Any method, any thread.
class Coordination {
 public:
  static constexpr std::size_t kNameBytesMax = 256;
  static constexpr std::size_t kDataBytesMax = std::size_t{4} << 10;

  virtual ~Coordination() = default;

  /// Leads, when nobody does; whoever leads already does not win again. Not
  /// won, and a leader without a name: its leadership ended just now.
  ///   kInvalidArgument  a limit of Candidate is passed.
  ///   kUnavailable      the outcome is unknown; when it was won, it lapses.
  virtual Result<Attempt> try_lead(const Candidate& candidate) = 0;
  /// The lease begins anew.
  ///   kPermissionDenied  `epoch` does not lead any more.
  ///   kUnavailable       unknown; the lease may run on.
  virtual Result<void> renew(std::uint64_t epoch) = 0;
  /// Ends the leadership of `epoch`, if it leads.
  ///   kUnavailable  unknown; the lease runs out by itself.
  virtual Result<void> release(std::uint64_t epoch) = 0;
  /// Who leads now; none when nobody does.
  virtual Result<std::optional<Leader>> leader() = 0;

  /// Storage::commit, and in the same transaction a check that nobody leads
  /// after `epoch`. Whether a lease that ran out and that nobody took is still
  /// led is the engine's matter: try_lead() tells who led since.
  ///   kPermissionDenied  it does not lead; nothing changed.
  virtual Result<void> commit_fenced(std::span<const Change> changes,
                                     std::uint64_t epoch) = 0;

  /// The newest revision. Revisions grow with each commit.
  virtual Result<std::uint64_t> revision() = 0;
  /// What is committed after revision `after`. Nothing is asked of storage
  /// before the first next().
  virtual std::unique_ptr<ChangeFeed> watch(std::uint64_t after) = 0;
};

/// What every engine checks of a candidate.
Result<void> check_candidate(const Candidate& candidate);

}  // namespace bulla::storage
