#include "api/field_convert.h"
#include "auth/ttl.h"
#include "base/encoding.h"
#include "base/json_writer.h"
#include "base/time_format.h"
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

// Members in the order of their names, as Go prints maps; `text_member` is
// "policy" or, for older clients, "rules".
void write_policy(JsonWriter& out, const auth::Policy& policy,
                  std::string_view text_member) {
  const auth::PolicyMeta& meta = policy.meta;
  out.begin_object()
      .member("allow_slashes_in_identity_templates", false)
      .member("allow_wildcards_in_identity_templates", false)
      .member("cas_required", meta.cas_required);
  if (meta.expiration) {
    out.member("expiration", format_rfc3339_nano(*meta.expiration));
  }
  if (meta.modified)
    out.member("modified", format_rfc3339_nano(*meta.modified));
  out.member("name", policy.name)
      .member(text_member, policy.text)
      .member("version", meta.version)
      .end_object();
}

Result<api::Response> list_detailed(Core& core, const api::Request& request,
                                    api::Context&) {
  std::vector<std::string> keys;
  std::string json;
  JsonWriter out(json);
  out.begin_object().key("key_info").begin_object();
  for (std::string& name : page(core.policies().list(), request.fields)) {
    const auto policy = core.policies().get(name);
    if (!policy) continue;  // deleted meanwhile
    out.key(name);
    write_policy(out, *policy, "policy");
    keys.push_back(std::move(name));
  }
  out.end_object().key("keys").strings(keys).end_object();
  return api::Response::with_data(std::move(json));
}

std::string policy_json(Core& core, const api::Request& request,
                        std::string_view text_member) {
  const auto policy = core.policies().get(folded_name(request));
  std::string json;
  if (!policy) return json;
  JsonWriter out(json);
  write_policy(out, *policy, text_member);
  return json;
}

Result<api::Response> read_old(Core& core, const api::Request& request,
                               api::Context&) {
  std::string json = policy_json(core, request, "rules");
  if (json.empty()) return api::Response::none();
  return duplicated(std::move(json));
}

Result<api::Response> read(Core& core, const api::Request& request,
                           api::Context&) {
  std::string json = policy_json(core, request, "policy");
  if (json.empty()) return api::Response::none();
  return api::Response::with_data(std::move(json));
}

// Policies may be sent as the base64 of their text.
std::string decoded(std::string_view text) {
  const auto bytes = base64_decode(text);
  return bytes && !bytes->empty() ? to_text(*bytes) : std::string(text);
}

// What a write says besides the text.
Result<auth::PolicyUpdate> update_of(Core& core, const api::Fields& fields) {
  auth::PolicyUpdate update;
  if (fields.has("ttl") && fields.has("expiration")) {
    return fail(invalid_argument(
        "cannot supply both 'expiration' and 'ttl' for policies"));
  }
  if (fields.has("ttl")) {
    const Time now = core.clock().now();
    update.expiration = auth::expiry_after(now, fields.duration("ttl"));
  }
  if (fields.has("expiration")) update.expiration = fields.time("expiration");
  if (fields.has("cas")) update.cas = fields.integer("cas");
  if (fields.has("cas_required")) {
    update.cas_required = fields.boolean("cas_required");
  }
  return update;
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
  TRY_ASSIGN(auth::PolicyUpdate update, update_of(core, request.fields));
  update.text = decoded(text);
  TRY(core.policies().set(name, std::move(update)));
  // Without a warning there is nothing to say.
  response.present = !response.warnings.empty();
  return response;
}

Result<api::Response> patch(Core& core, const api::Request& request,
                            api::Context&) {
  TRY_ASSIGN(auth::PolicyUpdate update, update_of(core, request.fields));
  update.patch = true;
  const std::string_view text = request.fields.text("policy");
  if (!text.empty()) update.text = decoded(text);
  TRY(core.policies().set(folded_name(request), std::move(update)));
  api::Response response;
  response.present = true;
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
       true},
      {"expiration", FieldType::kTime, "From then on it grants nothing."},
      {"ttl", FieldType::kDuration, "How long from now it grants something."},
      {"cas", FieldType::kInt,
       "The version to replace; -1: there must be none."},
      {"cas_required", FieldType::kBool, "Later writes must give `cas`.",
       "false"}};
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
      {.pattern = "policies/detailed/acl",
       .fields = page_fields(),
       .methods = {method(core, Operation::kList, list_detailed,
                          "Lists the policies and their texts.")},
       .synopsis = "The policies with all that is known of them."});
  routes.push_back(
      {.pattern = "policies/acl/*name",
       .fields = fields(false),
       .methods = {method(core, Operation::kRead, read, kRead),
                   method(core, Operation::kUpdate, write_new, kWrite),
                   method(core, Operation::kPatch, patch,
                          "Changes what is named of a policy."),
                   method(core, Operation::kDelete, remove, kRemove)},
       .synopsis = "One access control policy."});
}

}  // namespace bulla::server
