#include "server/sys/status_body.h"

namespace bulla::server {

std::string_view build_date() {
#ifdef BULLA_BUILD_DATE
  return BULLA_BUILD_DATE;
#else
  return "1970-01-01T00:00:00Z";
#endif
}

void write_cluster(JsonWriter& out, Core& core) {
  const std::string name = core.cluster_name();
  if (name.empty() || !core.serving()) return;
  out.member("cluster_name", name).member("cluster_id", core.cluster_id());
}

Result<std::string> seal_status_json(Core& core) {
  TRY_ASSIGN(const auto status, core.custody().status());
  std::string body;
  JsonWriter out(body);
  out.begin_object();
  out.member("type", status.type);
  out.member("initialized", status.initialized);
  // Unsealed is what can serve, not what merely has its keys.
  out.member("sealed", !core.serving());
  out.member("t", status.threshold);
  out.member("n", status.shares);
  out.member("progress", status.progress);
  out.member("nonce", status.nonce);
  out.member("version", BULLA_VERSION);
  out.member("build_date", build_date());
  out.member("commit_date", build_date());
  out.member("migration", false);
  write_cluster(out, core);
  out.member("recovery_seal", status.recovery_seal);
  if (status.recovery_seal) out.member("recovery_seal_type", "shamir");
  out.member("storage_type", core.storage().kind());
  out.member("removed_from_cluster", false);
  out.end_object();
  return body;
}

}  // namespace bulla::server
