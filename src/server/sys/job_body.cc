#include "server/sys/job_body.h"

#include "base/time_format.h"

namespace bulla::server {

void write_job(const dek::Job& job, JsonWriter& out) {
  out.begin_object();
  out.member("created_at", format_rfc3339_nano(job.created_at));
  out.member("dek_id", job.dek_id);
  out.member("error", job.error);
  out.member("eta_seconds", static_cast<std::int64_t>(job.eta().count()));
  out.member("id", job.id);
  out.member("kind", "reencrypt");
  out.member("limit", job.limit);
  out.member("rate", job.rate);
  out.member("records_per_second", job.speed());
  out.member("reencrypted", job.reencrypted);
  out.member("scope", job.scope);
  out.member("state", dek::job_state_name(job.state));
  out.member("total", job.total);
  out.member("updated_at", format_rfc3339_nano(job.updated_at));
  out.member("visited", job.visited);
  out.end_object();
}

api::Response shown_job(const dek::Job& job) {
  std::string json;
  JsonWriter out(json);
  write_job(job, out);
  return api::Response::with_data(std::move(json));
}

}  // namespace bulla::server
