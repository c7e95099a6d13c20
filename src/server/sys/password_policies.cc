// sys/policies/password, …/:name, …/:name/generate.

#include "server/sys/password_policies.h"

#include "base/encoding.h"
#include "base/json_writer.h"
#include "server/password_policy.h"
#include "server/sys/handlers.h"

namespace bulla::server {
namespace {

constexpr std::size_t kTextBytesMax = std::size_t{64} << 10;

barrier::View stored(Core& core) {
  return {core.barrier(), "sys/password_policy/"};
}

Result<api::Response> list(Core& core, const api::Request& request,
                           api::Context&) {
  TRY_ASSIGN(const auto all, stored(core).list({}));
  const auto names = page(all, request.fields);
  if (names.empty()) return api::Response::none();
  std::string json;
  JsonWriter(json).begin_object().key("keys").strings(names).end_object();
  return api::Response::with_data(std::move(json));
}

Result<api::Response> read(Core& core, const api::Request& request,
                           api::Context&) {
  TRY_ASSIGN(const auto entry, stored(core).get(request.param("name")));
  if (!entry) return api::Response::none();
  std::string json;
  JsonWriter(json)
      .begin_object()
      .member("policy", as_text(entry->value.expose()))
      .end_object();
  return api::Response::with_data(std::move(json));
}

Result<api::Response> write(Core& core, const api::Request& request,
                            api::Context& context) {
  std::string text(request.fields.text("policy"));
  if (text.empty()) {
    return fail(invalid_argument("missing policy"));
  }
  // As with access policies, base64 is taken for what it holds.
  if (const auto decoded = base64_decode(text)) text = to_text(*decoded);
  if (text.size() > kTextBytesMax) {
    return fail(invalid_argument("the policy is longer than 64 KiB"));
  }
  auto policy = parse_password_policy(text);
  if (!policy) {
    return fail(
        std::move(policy).error().with_context("invalid password policy"));
  }
  // One that makes none is refused now, not when a password is wanted.
  if (const auto made = make_password(*policy, *context.rng); !made) {
    return fail(
        invalid_argument("invalid password policy: " + made.error().message()));
  }
  TRY(stored(core).put(request.param("name"), as_bytes(text)));
  return api::Response::none();
}

Result<api::Response> remove(Core& core, const api::Request& request,
                             api::Context&) {
  TRY(stored(core).remove(request.param("name")));
  return api::Response::none();
}

Result<api::Response> generate(Core& core, const api::Request& request,
                               api::Context& context) {
  TRY_ASSIGN(const auto entry, stored(core).get(request.param("name")));
  if (!entry) return api::Response::none();
  TRY_ASSIGN(const auto policy,
             parse_password_policy(as_text(entry->value.expose())));
  TRY_ASSIGN(const std::string password, make_password(policy, *context.rng));
  std::string json;
  JsonWriter(json).begin_object().member("password", password).end_object();
  return api::Response::with_data(std::move(json));
}

}  // namespace

void add_password_policy_routes(Core& core, Routes& routes) {
  using api::FieldType;
  using api::Operation;
  const api::Field name{"name", FieldType::kString, "The policy's name."};
  routes.push_back({.pattern = "policies/password",
                    .fields = page_fields(),
                    .methods = {method(core, Operation::kList, list,
                                       "Lists the password policies.")},
                    .synopsis = "The password policies."});
  routes.push_back(
      {.pattern = "policies/password/:name",
       .fields = {name,
                  {"policy", FieldType::kString,
                   "Length and rules: HCL or JSON, or the base64 of them."}},
       .methods = {method(core, Operation::kRead, read,
                          "Reads a password policy."),
                   method(core, Operation::kUpdate, write,
                          "Adds or replaces a password policy."),
                   method(core, Operation::kDelete, remove,
                          "Deletes a password policy.")},
       .synopsis = "One password policy."});
  routes.push_back({.pattern = "policies/password/:name/generate",
                    .fields = {name},
                    .methods = {method(core, Operation::kRead, generate,
                                       "Makes a password.")},
                    .synopsis = "A password as a policy says."});
}

}  // namespace bulla::server
