#include "dek/job_record.h"

#include <algorithm>

#include "base/wire.h"
#include "dek/dek_record.h"

namespace bulla::dek {
namespace {

constexpr std::uint8_t kFormat = 1;
constexpr std::size_t kCursorBytesMax = 1024;

bool is_possible(const Job& job) {
  return is_uuid(job.id) && !job_state_name(job.state).empty() &&
         (job.dek_id.empty() || is_uuid(job.dek_id)) &&
         (job.done_dek.empty() || is_uuid(job.done_dek)) &&
         job.scope.size() <= DekInfo::kScopeBytesMax &&
         job.running >= Duration{0} &&
         job.error.size() <= Job::kErrorBytesMax &&
         job.cursor.size() <= kCursorBytesMax;
}

}  // namespace

std::string_view job_state_name(JobState state) {
  switch (state) {
    case JobState::kRunning:
      return "running";
    case JobState::kPaused:
      return "paused";
    case JobState::kComplete:
      return "complete";
    case JobState::kCancelled:
      return "cancelled";
    case JobState::kFailed:
      return "failed";
  }
  return {};
}

double Job::speed() const {
  const double seconds = std::chrono::duration<double>(running).count();
  return seconds <= 0 ? 0 : static_cast<double>(reencrypted) / seconds;
}

Seconds Job::eta() const {
  const double now = speed();
  if (is_over(state) || now <= 0) return Seconds{0};
  const std::uint64_t left = total - std::min(total, reencrypted);
  // At most a year, lest a double leaves what a count of seconds can hold.
  const double seconds = std::min(static_cast<double>(left) / now, 3.2e7);
  return Seconds{static_cast<std::int64_t>(seconds + 0.5)};
}

SecretBytes Job::serialise() const {
  WireWriter out;
  out.u8(kFormat).text(id).text(dek_id).text(scope).u64(limit).u64(rate);
  out.u8(static_cast<std::uint8_t>(state));
  out.i64(unix_nanos(created_at)).i64(unix_nanos(updated_at));
  out.i64(running.count()).u64(total).u64(visited).u64(reencrypted);
  out.text(error).text(done_dek).u64(holder).text(cursor).u64(in_pass);
  return std::move(out).finish();
}

Result<Job> Job::parse(ByteView bytes) {
  WireReader in(bytes);
  if (in.u8() != kFormat) {
    return fail(corrupt("job record: not of a format that this knows"));
  }
  Job job;
  job.id = in.text();
  job.dek_id = in.text();
  job.scope = in.text();
  job.limit = in.u64();
  job.rate = in.u64();
  job.state = static_cast<JobState>(in.u8());
  job.created_at = from_unix_nanos(in.i64());
  job.updated_at = from_unix_nanos(in.i64());
  job.running = Duration{in.i64()};
  job.total = in.u64();
  job.visited = in.u64();
  job.reencrypted = in.u64();
  job.error = in.text();
  job.done_dek = in.text();
  job.holder = in.u64();
  job.cursor = in.text();
  job.in_pass = in.u64();
  TRY(in.finish("job record"));
  if (is_possible(job)) return job;
  return fail(corrupt("job record: impossible values"));
}

}  // namespace bulla::dek
