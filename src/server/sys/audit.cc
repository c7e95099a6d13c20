#include "base/json_writer.h"
#include "server/sys/handlers.h"
#include "server/sys/sys_backend.h"

namespace bulla::server {
namespace {

void write_device(JsonWriter& out, const audit::DeviceConfig& device) {
  out.begin_object()
      .member("description", device.description)
      .member("local", device.local)
      .key("options")
      .begin_object();
  for (const auto& [name, value] : device.options) out.member(name, value);
  out.end_object()
      .member("path", device.path)
      .member("type", device.type)
      .end_object();
}

Result<api::Response> list(Core& core, const api::Request&, api::Context&) {
  std::map<std::string, audit::DeviceConfig> sorted;
  for (auto& device : core.audit().list()) sorted[device.path] = device;
  std::string json;
  JsonWriter out(json);
  out.begin_object();
  for (const auto& [path, device] : sorted) {
    out.key(path);
    write_device(out, device);
  }
  out.end_object();
  return duplicated(std::move(json));
}

Result<api::Response> enable(Core& core, const api::Request& request,
                             api::Context&) {
  if (!core.config().unsafe_allow_api_audit_creation) {
    return fail(invalid_argument(
        "cannot enable audit device via API; use declarative, config-based "
        "audit device management instead"));
  }
  audit::DeviceConfig config;
  config.path = request.param("path");
  config.type = request.fields.text("type");
  config.description = request.fields.text("description");
  config.local = request.fields.boolean("local");
  for (auto& [name, value] : request.fields.pairs("options")) {
    config.options[name] = std::move(value);
  }
  TRY(core.audit().enable(std::move(config)));
  return api::Response::none();
}

Result<api::Response> disable(Core& core, const api::Request& request,
                              api::Context&) {
  TRY(core.audit().disable(request.param("path")));
  return api::Response::none();
}

Result<api::Response> hash(Core& core, const api::Request& request,
                           api::Context&) {
  const std::string_view input = request.fields.text("input");
  if (input.empty()) {
    return fail(invalid_argument("the \"input\" parameter is empty"));
  }
  TRY_ASSIGN(const std::string hashed,
             core.audit().hash(request.param("path"), input));
  std::string json;
  JsonWriter(json).begin_object().member("hash", hashed).end_object();
  return duplicated(std::move(json));
}

}  // namespace

void add_audit_routes(Core& core, Routes& routes) {
  using api::FieldType;
  using api::Operation;
  routes.push_back({.pattern = "audit",
                    .fields = {},
                    .methods = {method(core, Operation::kRead, list,
                                       "Lists the audit devices.")},
                    .synopsis = "The enabled audit devices.",
                    .sudo = true});
  routes.push_back(
      {.pattern = "audit/*path",
       .fields = {{"path", FieldType::kString, "The device's name."},
                  {"type", FieldType::kString, "\"file\".", {}, true},
                  {"description", FieldType::kString, "For people."},
                  {"options", FieldType::kKvPairs,
                   "file_path, mode, hmac_accessor, log_raw, …."},
                  {"local", FieldType::kBool, "Not replicated.", "false"}},
       .methods = {method(core, Operation::kUpdate, enable,
                          "Enables an audit device."),
                   method(core, Operation::kDelete, disable,
                          "Disables an audit device.")},
       .synopsis = "Enables and disables audit devices.",
       .sudo = true});
  routes.push_back(
      {.pattern = "audit-hash/*path",
       .fields = {{"path", FieldType::kString, "The device's name."},
                  {"input", FieldType::kString, "What to hash.", {}, true}},
       .methods = {method(core, Operation::kUpdate, hash,
                          "Hashes a value as the device's lines show it.")},
       .synopsis = "The hash to look for in audit lines."});
}

}  // namespace bulla::server
