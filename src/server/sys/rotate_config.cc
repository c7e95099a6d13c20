// sys/rotate/config: when the keyring rotates by itself.

#include "base/json_writer.h"
#include "base/time_format.h"
#include "server/sys/handlers.h"
#include "server/sys/sys_backend.h"

namespace bulla::server {
namespace {

Result<api::Response> read_config(Core& core, const api::Request&,
                                  api::Context&) {
  TRY_ASSIGN(const auto config, core.keyring_rotation().config());
  std::string data;
  JsonWriter out(data);
  out.begin_object().member("enabled", config.enabled).key("interval");
  if (config.interval.count() == 0) {
    out.value(0);
  } else {
    out.value(format_go_duration(config.interval));
  }
  out.member("max_operations", config.max_operations).end_object();
  return api::Response::with_data(std::move(data));
}

// What is not sent stays as it is.
Result<api::Response> write_config(Core& core, const api::Request& request,
                                   api::Context&) {
  TRY_ASSIGN(auto config, core.keyring_rotation().config());
  const api::Fields& fields = request.fields;
  config.enabled = fields.boolean("enabled", config.enabled);
  config.max_operations =
      fields.integer("max_operations", config.max_operations);
  config.interval = fields.duration("interval", config.interval);
  TRY(core.keyring_rotation().configure(config));
  return api::Response::none();
}

}  // namespace

void add_rotate_config_routes(Core& core, Routes& routes) {
  using api::FieldType;
  using api::Operation;
  for (const std::string_view pattern :
       {"rotate/config", "rotate/keyring/config"}) {
    routes.push_back(
        {.pattern = pattern,
         .fields = {{"enabled", FieldType::kBool,
                     "Whether the keyring rotates by itself.", "true"},
                    {"max_operations", FieldType::kInt,
                     "Encryptions after which a key is followed by another.",
                     "3865470566"},
                    {"interval", FieldType::kDuration,
                     "Age after which a key is followed by another; 0: none.",
                     "0"}},
         .methods = {method(core, Operation::kRead, read_config,
                            "Shows when the keyring rotates by itself."),
                     method(core, Operation::kUpdate, write_config,
                            "Says when the keyring rotates by itself.")},
         .synopsis = "When the keyring rotates by itself."});
  }
}

}  // namespace bulla::server
