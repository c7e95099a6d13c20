#pragma once

#include <cstdint>
#include <string>
#include <string_view>

#include "base/bytes.h"
#include "base/clock.h"
#include "base/result.h"
#include "base/secret_bytes.h"

namespace bulla::dek {

enum class JobState : std::uint8_t {
  kRunning = 1,
  kPaused = 2,
  kComplete = 3,
  kCancelled = 4,
  kFailed = 5,
};
std::string_view job_state_name(JobState state);
constexpr bool is_over(JobState state) { return state >= JobState::kComplete; }

/// A re-encryption that somebody asked for: docs/formats/dek.md.
struct Job {
  static constexpr std::string_view kPrefix = "core/dek/job/";
  static constexpr std::size_t kErrorBytesMax = 1024;

  std::string id;      ///< UUID.
  std::string dek_id;  ///< Of one DEK; "" for all deprecated ones of scope.
  std::string scope;   ///< "" for every scope.
  std::uint64_t limit = 0;  ///< Records to re-encrypt at most; 0: all.
  std::uint64_t rate = 0;   ///< Records a second at most; 0: any.
  JobState state = JobState::kRunning;
  Time created_at;
  Time updated_at;
  Duration running{0};      ///< For so long it has worked.
  std::uint64_t total = 0;  ///< Records that it had before it when it began.
  std::uint64_t visited = 0;
  std::uint64_t reencrypted = 0;
  std::string error;  ///< Why it failed, or does not get on.

  // Where it goes on: behind this DEK, with that holder, at that record.
  std::string done_dek;
  std::uint64_t holder = 0;
  std::string cursor;
  /// Re-encrypted since it last began with the first DEK.
  std::uint64_t in_pass = 0;

  std::string path() const { return std::string(kPrefix) + id; }
  /// Records a second so far.
  double speed() const;
  /// Until it is through, at its speed so far; 0 when that is unknown.
  Seconds eta() const;
  SecretBytes serialise() const;
  ///   kCorrupt  not what serialise() writes.
  static Result<Job> parse(ByteView bytes);
};

}  // namespace bulla::dek
