#include <sys/sysinfo.h>
#include <sys/utsname.h>
#include <unistd.h>

#include <array>

#include "base/json_writer.h"
#include "base/time_format.h"
#include "server/sys/handlers.h"
#include "server/sys/sys_backend.h"

namespace bulla::server {
namespace {

std::string host_name() {
  std::array<char, 256> name{};
  if (::gethostname(name.data(), name.size() - 1) != 0) return "unknown";
  return name.data();
}

void write_memory(JsonWriter& out) {
  struct sysinfo info {};
  if (::sysinfo(&info) != 0) return;
  const std::uint64_t unit = info.mem_unit;
  out.key("memory")
      .begin_object()
      .member("free", std::uint64_t{info.freeram} * unit)
      .member("total", std::uint64_t{info.totalram} * unit)
      .end_object();
}

Result<api::Response> host_info(Core&, const api::Request&,
                                api::Context& context) {
  struct utsname names {};
  ::uname(&names);
  std::string json;
  JsonWriter out(json);
  out.begin_object().key("cpu").begin_array();
  const long cpus = ::sysconf(_SC_NPROCESSORS_ONLN);
  for (long cpu = 0; cpu < cpus; ++cpu) {
    out.begin_object().member("cpu", std::int64_t{cpu}).end_object();
  }
  out.end_array()
      .key("host")
      .begin_object()
      .member("hostname", host_name())
      .member("kernelArch", std::string_view(names.machine))
      .member("kernelVersion", std::string_view(names.release))
      .member("os", "linux")
      .end_object();
  write_memory(out);
  out.member("timestamp", format_rfc3339_nano(context.now)).end_object();
  return api::Response::with_data(std::move(json));
}

Result<api::Response> sanitized(Core& core, const api::Request&,
                                api::Context&) {
  return api::Response::with_data(sanitized_json(core.config()));
}

Result<api::Response> ha_status(Core& core, const api::Request&,
                                api::Context&) {
  std::string json;
  JsonWriter out(json);
  out.begin_object().key("nodes").begin_array().begin_object();
  out.member("active_node", true)
      .member("api_address", core.config().api_addr)
      .member("cluster_address", core.config().cluster_addr)
      .member("hostname", host_name())
      .key("last_echo")
      .null()
      .member("version", BULLA_VERSION)
      .end_object()
      .end_array()
      .end_object();
  return duplicated(std::move(json));
}

Result<api::Response> in_flight(Core&, const api::Request&, api::Context&) {
  return api::Response::bare_body("{}");
}

Result<api::Response> version_history(Core& core, const api::Request&,
                                      api::Context&) {
  std::string json;
  JsonWriter out(json);
  out.begin_object().key("key_info").begin_object().key(BULLA_VERSION);
  out.begin_object()
      .key("previous_version")
      .null()
      .member("timestamp_installed", format_rfc3339_nano(core.started()))
      .end_object()
      .end_object();
  out.key("keys").begin_array().value(BULLA_VERSION).end_array().end_object();
  return api::Response::with_data(std::move(json));
}

}  // namespace

void add_misc_routes(Core& core, Routes& routes) {
  using api::Operation;
  struct Row {
    std::string_view pattern;
    SysHandler handler;
    std::string_view synopsis;
    Operation operation = Operation::kRead;
  };
  const std::array<Row, 5> rows{{
      {"host-info", host_info, "The machine the server runs on."},
      {"config/state/sanitized", sanitized,
       "The configuration, without anything secret."},
      {"ha-status", ha_status, "The nodes of the cluster."},
      {"in-flight-req", in_flight, "Requests being answered: none are kept."},
      {"version-history", version_history, "The versions that ran here.",
       Operation::kList},
  }};
  for (const Row& row : rows) {
    routes.push_back(
        {.pattern = row.pattern,
         .fields = {},
         .methods = {method(core, row.operation, row.handler, row.synopsis)},
         .synopsis = row.synopsis});
  }
}

}  // namespace bulla::server
