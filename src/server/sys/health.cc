// sys/health: the server's state as a status code that load balancers read.

#include <fmt/format.h>

#include <charconv>

#include "base/json_writer.h"
#include "server/error_status.h"
#include "server/sys/handlers.h"
#include "server/sys/status_body.h"
#include "server/sys/sys_backend.h"

namespace bulla::server {
namespace {

struct Health {
  bool initialized = false;
  bool sealed = true;
};

// What each state answers unless its parameter says otherwise. The states of
// clusters and replicas are never met here, but their codes are checked.
struct Codes {
  int active = 200;
  int sealed = 503;
  int uninitialized = 501;
  bool well_formed = true;
};

bool override_code(const api::Fields& fields, std::string_view name,
                   int& code) {
  if (!fields.has(name)) return true;
  const std::string_view text = fields.text(name);
  const auto [end, status] =
      std::from_chars(text.data(), text.data() + text.size(), code);
  return status == std::errc{} && end == text.data() + text.size() &&
         code >= 100 && code <= 999;
}

Codes codes_of(const api::Fields& fields) {
  Codes codes;
  int other = 0;
  codes.well_formed = override_code(fields, "activecode", codes.active) &&
                      override_code(fields, "sealedcode", codes.sealed) &&
                      override_code(fields, "uninitcode", codes.uninitialized);
  for (const std::string_view name :
       {"standbycode", "drsecondarycode", "performancestandbycode",
        "haunhealthycode", "removedcode"}) {
    codes.well_formed &= override_code(fields, name, other);
  }
  return codes;
}

// Present without a value is false.
Result<void> check_flag(const api::Fields& fields, std::string_view name) {
  const std::string_view text = fields.text(name);
  if (text.empty() || api::text_to_bool(text)) return {};
  return fail(invalid_argument(fmt::format(
      "bad value for {} parameter: strconv.ParseBool: parsing \"{}\": invalid "
      "syntax",
      name, text.substr(0, 64))));
}

std::string body_of(Core& core, const Health& health) {
  std::string body;
  JsonWriter out(body);
  out.begin_object();
  out.member("initialized", health.initialized);
  out.member("sealed", health.sealed);
  out.member("standby", false);
  out.member("performance_standby", false);
  out.member("replication_performance_mode", "disabled");
  out.member("replication_dr_mode", "disabled");
  out.member("server_time_utc", unix_seconds(core.clock().now()));
  out.member("version", BULLA_VERSION);
  out.member("enterprise", false);
  write_cluster(out, core);
  out.member("echo_duration_ms", 0);
  out.member("clock_skew_ms", 0);
  out.member("replication_primary_canary_age_ms", 0);
  out.end_object();
  return body;
}

int code_of(const Health& health, const Codes& codes) {
  if (!health.initialized) return codes.uninitialized;
  return health.sealed ? codes.sealed : codes.active;
}

Result<api::Response> read_health(Core& core, const api::Request& request,
                                  api::Context&) {
  TRY(check_flag(request.fields, "standbyok"));
  TRY(check_flag(request.fields, "perfstandbyok"));
  const Codes codes = codes_of(request.fields);
  if (!codes.well_formed) {
    return api::Response::bare_body(plain_error_body({}), 400);
  }
  Health health;
  health.sealed = !core.serving();
  health.initialized = !health.sealed;
  if (health.sealed) {
    TRY_ASSIGN(health.initialized, core.custody().initialized());
  }
  return api::Response::bare_body(body_of(core, health),
                                  code_of(health, codes));
}

std::vector<api::Field> health_fields() {
  using api::FieldType;
  return {
      {"standbyok", FieldType::kString, "A standby answers as an active node."},
      {"perfstandbyok", FieldType::kString,
       "A performance standby answers as an active node."},
      {"activecode", FieldType::kString, "Status of an active node.", "200"},
      {"standbycode", FieldType::kString, "Status of a standby.", "429"},
      {"sealedcode", FieldType::kString, "Status of a sealed node.", "503"},
      {"uninitcode", FieldType::kString, "Status before initialisation.",
       "501"},
      {"drsecondarycode", FieldType::kString, "Status of a DR secondary.",
       "472"},
      {"performancestandbycode", FieldType::kString,
       "Status of a performance standby.", "473"},
      {"haunhealthycode", FieldType::kString,
       "Status of a standby without a leader.", "474"},
      {"removedcode", FieldType::kString, "Status of a removed node.", "530"},
  };
}

}  // namespace

void add_health_routes(Core& core, Routes& routes) {
  routes.push_back(
      {.pattern = "health",
       .fields = health_fields(),
       .methods = {method(core, api::Operation::kRead, read_health,
                          "Shows the server's state as a status code.")},
       .synopsis = "Shows the server's state as a status code.",
       .unauthenticated = true,
       .while_sealed = true,
       .audited = false});
}

}  // namespace bulla::server
