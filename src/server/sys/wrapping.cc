// sys/wrapping/…: answers that wait behind a token of one use.

#include "server/wrapping.h"

#include "base/json_writer.h"
#include "base/time_format.h"
#include "server/sys/handlers.h"
#include "server/sys/sys_backend.h"

namespace bulla::server {
namespace {

// The wrapping token of a request, and whether it is the caller's own.
struct Named {
  std::shared_ptr<const api::Token> token;
  bool is_caller = false;
};

Result<Named> named(Core& core, const api::Request& request,
                    const api::Context& context) {
  TRY_ASSIGN(const std::string_view text,
             named_wrapping_token(request.fields, context.client_token));
  if (context.token && text == context.client_token) {
    return Named{context.token, true};
  }
  TRY_ASSIGN(auto token, find_wrapping_token(core, text, true));
  return Named{std::move(token), false};
}

Result<api::Response> wrap(Core&, const api::Request& request, api::Context&) {
  if (!request.wrap_ttl) {
    return fail(
        invalid_argument("endpoint requires response wrapping to be used"));
  }
  const auto& body = request.fields.body();
  return api::Response::with_data(body ? json_text(*body) : "{}");
}

Result<api::Response> lookup(Core& core, const api::Request& request,
                             api::Context& context) {
  TRY_ASSIGN(const std::string_view text,
             named_wrapping_token(request.fields, context.client_token));
  TRY_ASSIGN(const auto token, find_wrapping_token(core, text, true));
  std::string data;
  JsonWriter(data)
      .begin_object()
      .member("creation_path", token->path)
      .member("creation_time", format_rfc3339_nano(token->creation_time))
      .member("creation_ttl", std::int64_t{token->creation_ttl.count()})
      .end_object();
  return api::Response::with_data(std::move(data));
}

Result<api::Response> unwrap(Core& core, const api::Request& request,
                             api::Context& context) {
  TRY_ASSIGN(const Named from, named(core, request, context));
  TRY_ASSIGN(auto answer, take_answer(core, *from.token, from.is_caller));
  return api::Response::bare_body(std::move(answer.json), answer.status);
}

Result<api::Response> rewrap(Core& core, const api::Request& request,
                             api::Context& context) {
  TRY_ASSIGN(const Named from, named(core, request, context));
  return rewrap_answer(core, *from.token, from.is_caller, request.wrap_ttl);
}

api::Field token_field() {
  return {"token", api::FieldType::kAny,
          "The wrapping token; the caller's own where it is left out."};
}

}  // namespace

void add_wrapping_routes(Core& core, Routes& routes) {
  using api::Operation;
  routes.push_back({.pattern = "wrapping/wrap",
                    .fields = {},
                    .methods = {method(core, Operation::kUpdate, wrap,
                                       "Wraps the body of the request.")},
                    .synopsis = "Keeps what is sent under a wrapping token.",
                    .any_members = true});
  routes.push_back(
      {.pattern = "wrapping/lookup",
       .fields = {token_field()},
       .methods = {method(core, Operation::kUpdate, lookup,
                          "Tells of a wrapping token."),
                   method(core, Operation::kRead, lookup,
                          "Tells of the caller's own wrapping token.")},
       .synopsis = "When and where a wrapping token was made.",
       .unauthenticated = true,
       .wrapping_token = true});
  routes.push_back({.pattern = "wrapping/unwrap",
                    .fields = {token_field()},
                    .methods = {method(core, Operation::kUpdate, unwrap,
                                       "Takes out what is wrapped.")},
                    .synopsis = "Takes out what a wrapping token keeps, once.",
                    .wrapping_token = true});
  routes.push_back({.pattern = "wrapping/rewrap",
                    .fields = {token_field()},
                    .methods = {method(core, Operation::kUpdate, rewrap,
                                       "Wraps what is wrapped anew.")},
                    .synopsis = "Changes a wrapping token for a new one.",
                    .wrapping_token = true});
}

}  // namespace bulla::server
