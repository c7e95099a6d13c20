#include "api/field_convert.h"
#include "base/encoding.h"
#include "base/json_writer.h"
#include "server/sys/handlers.h"
#include "server/sys/sys_backend.h"

namespace bulla::server {
namespace {

// One spelling a policy, whatever the caller's: " Root" is root.
std::string folded_name(const api::Request& request) {
  return api::lower_case(api::trimmed(request.param("name")));
}

Result<api::Response> list_old(Core& core, const api::Request& request,
                               api::Context&) {
  const auto keys = page(core.policies().list(), request.fields);
  std::string json;
  JsonWriter(json)
      .begin_object()
      .key("keys")
      .strings(keys)
      .key("policies")
      .strings(keys)
      .end_object();
  return duplicated(std::move(json));
}

Result<api::Response> list(Core& core, const api::Request& request,
                           api::Context&) {
  const auto keys = page(core.policies().list(), request.fields);
  std::string json;
  JsonWriter(json).begin_object().key("keys").strings(keys).end_object();
  return api::Response::with_data(std::move(json));
}

Result<std::string> policy_json(Core& core, const api::Request& request,
                                std::string_view text_member) {
  const std::string name = folded_name(request);
  const auto policy = core.policies().get(name);
  std::string json;
  if (!policy) return json;
  JsonWriter(json)
      .begin_object()
      .member("name", name)
      .member(text_member, policy->text)
      .end_object();
  return json;
}

Result<api::Response> read_old(Core& core, const api::Request& request,
                               api::Context&) {
  TRY_ASSIGN(std::string json, policy_json(core, request, "rules"));
  if (json.empty()) return api::Response::none();
  return duplicated(std::move(json));
}

Result<api::Response> read(Core& core, const api::Request& request,
                           api::Context&) {
  TRY_ASSIGN(std::string json, policy_json(core, request, "policy"));
  if (json.empty()) return api::Response::none();
  return api::Response::with_data(std::move(json));
}

// Policies may be sent as the base64 of their text.
std::string decoded(std::string_view text) {
  const auto bytes = base64_decode(text);
  return bytes && !bytes->empty() ? to_text(*bytes) : std::string(text);
}

Result<api::Response> write(Core& core, const api::Request& request,
                            bool takes_rules) {
  api::Response response;
  std::string_view text = request.fields.text("policy");
  if (text.empty() && takes_rules) {
    text = request.fields.text("rules");
    if (!text.empty()) {
      response.warnings.push_back(
          "'rules' is deprecated, please use 'policy' instead");
    }
  }
  const std::string name = folded_name(request);
  if (name.empty()) {
    return fail(invalid_argument("'name' parameter not supplied or empty"));
  }
  if (text.empty()) {
    return fail(invalid_argument("'policy' parameter not supplied or empty"));
  }
  TRY(core.policies().set(name, decoded(text)));
  if (name != request.param("name")) {
    response.warnings.push_back("policy name was converted to " + name);
  }
  // Without a warning there is nothing to say.
  response.present = !response.warnings.empty();
  return response;
}

Result<api::Response> write_old(Core& core, const api::Request& request,
                                api::Context&) {
  return write(core, request, true);
}

Result<api::Response> write_new(Core& core, const api::Request& request,
                                api::Context&) {
  return write(core, request, false);
}

Result<api::Response> remove(Core& core, const api::Request& request,
                             api::Context&) {
  TRY(core.policies().remove(folded_name(request)));
  return api::Response::none();
}

std::vector<api::Field> fields(bool takes_rules) {
  using api::FieldType;
  std::vector<api::Field> all{
      {"name", FieldType::kString, "The policy's name."},
      {"policy",
       FieldType::kString,
       "The rules: HCL or JSON, or the base64 of them.",
       {},
       true}};
  if (takes_rules) {
    all.push_back({"rules", FieldType::kString, "Older name of `policy`."});
  }
  return all;
}

}  // namespace

void add_policy_routes(Core& core, Routes& routes) {
  using api::Operation;
  constexpr std::string_view kList = "Lists the policies.";
  constexpr std::string_view kRead = "Reads a policy.";
  constexpr std::string_view kWrite = "Adds or replaces a policy.";
  constexpr std::string_view kRemove = "Deletes a policy.";
  routes.push_back(
      {.pattern = "policy",
       .fields = page_fields(),
       .methods = {method(core, Operation::kRead, list_old, kList),
                   method(core, Operation::kList, list_old, kList)},
       .synopsis = "The policies, as older clients ask."});
  routes.push_back(
      {.pattern = "policy/*name",
       .fields = fields(true),
       .methods = {method(core, Operation::kRead, read_old, kRead),
                   method(core, Operation::kUpdate, write_old, kWrite),
                   method(core, Operation::kDelete, remove, kRemove)},
       .synopsis = "One policy, as older clients ask."});
  routes.push_back({.pattern = "policies/acl",
                    .fields = page_fields(),
                    .methods = {method(core, Operation::kRead, list, kList),
                                method(core, Operation::kList, list, kList)},
                    .synopsis = "The access control policies."});
  routes.push_back(
      {.pattern = "policies/acl/*name",
       .fields = fields(false),
       .methods = {method(core, Operation::kRead, read, kRead),
                   method(core, Operation::kUpdate, write_new, kWrite),
                   method(core, Operation::kDelete, remove, kRemove)},
       .synopsis = "One access control policy."});
}

}  // namespace bulla::server
