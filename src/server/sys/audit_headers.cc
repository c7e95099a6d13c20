// sys/config/auditing/request-headers: which request headers audit lines show.

#include "api/field_convert.h"
#include "base/json_writer.h"
#include "server/sys/handlers.h"
#include "server/sys/sys_backend.h"

namespace bulla::server {
namespace {

void write_header(JsonWriter& out, const audit::AuditedHeader& header) {
  out.begin_object().member("hmac", header.hmac).end_object();
}

Result<api::Response> list(Core& core, const api::Request&, api::Context&) {
  std::string json;
  JsonWriter out(json);
  out.begin_object().key("headers").begin_object();
  for (const auto& header : *core.audit().headers().load()) {
    out.key(header.name);
    write_header(out, header);
  }
  out.end_object().end_object();
  return duplicated(std::move(json));
}

Result<api::Response> read(Core& core, const api::Request& request,
                           api::Context&) {
  const std::string name = api::lower_case(request.param("header"));
  for (const auto& header : *core.audit().headers().load()) {
    if (header.name != name) continue;
    std::string json;
    JsonWriter out(json);
    out.begin_object().key(request.param("header"));
    write_header(out, header);
    out.end_object();
    return duplicated(std::move(json));
  }
  return fail(invalid_argument("Could not find header in config"));
}

Result<api::Response> write(Core& core, const api::Request& request,
                            api::Context&) {
  TRY(core.audit().set_header(request.param("header"),
                              request.fields.boolean("hmac")));
  return api::Response::none();
}

Result<api::Response> remove(Core& core, const api::Request& request,
                             api::Context&) {
  TRY(core.audit().remove_header(request.param("header")));
  return api::Response::none();
}

}  // namespace

void add_audit_header_routes(Core& core, Routes& routes) {
  using api::FieldType;
  using api::Operation;
  routes.push_back({.pattern = "config/auditing/request-headers",
                    .fields = {},
                    .methods = {method(core, Operation::kRead, list,
                                       "Lists the headers that lines show.")},
                    .synopsis = "The request headers that audit lines show.",
                    .sudo = true});
  routes.push_back(
      {.pattern = "config/auditing/request-headers/:header~",
       .fields = {{"header", FieldType::kString, "The header's name."},
                  {"hmac", FieldType::kBool, "Its values are hashed.",
                   "false"}},
       .methods = {method(core, Operation::kRead, read,
                          "Tells whether lines show a header."),
                   method(core, Operation::kUpdate, write,
                          "Has lines show a header."),
                   method(core, Operation::kDelete, remove,
                          "Has lines leave a header out.")},
       .synopsis = "One request header that audit lines show.",
       .sudo = true});
}

}  // namespace bulla::server
