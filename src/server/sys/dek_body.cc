#include "server/sys/dek_body.h"

#include "base/time_format.h"

namespace bulla::server {

Result<void> write_dek(Core& core, const dek::DekInfo& info, JsonWriter& out) {
  TRY_ASSIGN(const std::uint64_t usage, core.deks().uses(info.id));
  TRY_ASSIGN(const std::uint64_t encryptions, core.deks().encryptions(info.id));
  out.begin_object();
  out.member("algorithm", dek::algorithm_name(info.algorithm));
  out.member("created_at", format_rfc3339_nano(info.created_at));
  out.member("description", info.description);
  out.member("encryptions", encryptions);
  out.member("id", info.id);
  out.member("name", info.name);
  out.member("scope", info.scope);
  out.member("status", dek::status_name(info.status));
  out.member("updated_at", format_rfc3339_nano(info.updated_at));
  out.member("usage", usage);
  out.member("version", info.version);
  out.end_object();
  return {};
}

Result<api::Response> shown_dek(Core& core, const dek::DekInfo& info) {
  std::string json;
  JsonWriter out(json);
  TRY(write_dek(core, info, out));
  return api::Response::with_data(std::move(json));
}

}  // namespace bulla::server
