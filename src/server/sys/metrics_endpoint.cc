#include <fmt/format.h>

#include <algorithm>

#include "base/time_format.h"
#include "server/sys/handlers.h"
#include "server/sys/sys_backend.h"

namespace bulla::server {
namespace {

bool is_open(const ServerConfig& config) {
  return std::any_of(config.listeners.begin(), config.listeners.end(),
                     [](const ListenerConfig& listener) {
                       return listener.unauthenticated_metrics_access;
                     });
}

bool prometheus_enabled(const ServerConfig& config) {
  return !config.prometheus_retention_time ||
         config.prometheus_retention_time->count() > 0;
}

Result<api::Response> read(Core& core, const api::Request& request,
                           api::Context& context) {
  const std::string_view format = request.fields.text("format");
  if (format.empty()) {
    return api::Response::opaque_body(
        core.metrics().json(format_rfc3339_nano(context.now)),
        "application/json");
  }
  if (format != "prometheus") {
    return fail(invalid_argument(
        fmt::format("metric response format \"{}\" unknown", format)));
  }
  if (!prometheus_enabled(core.config())) {
    return fail(invalid_argument("prometheus is not enabled"));
  }
  return api::Response::opaque_body(core.metrics().prometheus(),
                                    "text/plain; version=0.0.4");
}

}  // namespace

void add_metrics_routes(Core& core, Routes& routes) {
  const bool open = is_open(core.config());
  routes.push_back({.pattern = "metrics",
                    .fields = {{"format", api::FieldType::kString,
                                "\"prometheus\", or JSON."}},
                    .methods = {method(core, api::Operation::kRead, read,
                                       "Reads the server's metrics.")},
                    .synopsis = "The server's metrics.",
                    .unauthenticated = open,
                    .metrics = true,
                    .while_sealed = open,
                    .audited = !open});
}

}  // namespace bulla::server
