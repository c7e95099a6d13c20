// auth/token/lookup, lookup-self, lookup-accessor.

#include <algorithm>

#include "auth/token/token_errors.h"
#include "auth/token_backend.h"
#include "base/json_writer.h"
#include "base/time_format.h"

namespace bulla::auth {
namespace {

using api::Cost;
using api::FieldType;
using api::Operation;

void write_meta(JsonWriter& out, const api::Token& token) {
  out.key("meta");
  if (token.meta.empty()) {
    out.null();
    return;
  }
  out.begin_object();
  for (const auto& [name, value] : token.meta) out.member(name, value);
  out.end_object();
}

void write_expiry(JsonWriter& out, const api::Token& token) {
  out.key("expire_time");
  if (token.expire_time) {
    out.value(format_rfc3339_nano(*token.expire_time));
  } else {
    out.null();
  }
}

void write_renewal(JsonWriter& out, const api::Token& token) {
  if (!token.last_renewal_time) return;
  out.member("last_renewal", format_rfc3339_nano(*token.last_renewal_time))
      .member("last_renewal_time", unix_seconds(*token.last_renewal_time));
}

// Against the nearest second, so that a fresh token of 100 s shows 100.
std::int64_t seconds_left(const api::Token& token, Time now) {
  if (!token.expire_time) return 0;
  const auto left = *token.expire_time - std::chrono::round<Seconds>(now);
  return std::max<std::int64_t>(std::chrono::floor<Seconds>(left).count(), 0);
}

}  // namespace

// Keys in alphabetical order, as an encoder of Go's maps writes them.
std::string TokenBackend::lookup_json(const api::Token& token,
                                      std::string_view id) const {
  std::string json;
  JsonWriter out(json);
  out.begin_object().member("accessor", token.accessor);
  if (!token.bound_cidrs.empty()) {
    out.key("bound_cidrs").strings(token.bound_cidrs);
  }
  out.member("creation_time", unix_seconds(token.creation_time))
      .member("creation_ttl", std::int64_t{token.creation_ttl.count()})
      .member("display_name", token.display_name)
      .member("entity_id", token.entity_id);
  write_expiry(out, token);
  out.member("explicit_max_ttl", std::int64_t{token.explicit_max_ttl.count()})
      .member("id", id);
  if (token.leased()) {
    out.member("issue_time", format_rfc3339_nano(token.issue_time));
  }
  write_renewal(out, token);
  write_meta(out, token);
  out.member("num_uses", token.num_uses)
      .member("orphan", token.orphan)
      .member("path", token.path);
  if (token.period > Seconds{0}) {
    out.member("period", std::int64_t{token.period.count()});
  }
  out.key("policies").strings(token.policies);
  if (token.leased()) out.member("renewable", token.renewable);
  if (!token.role.empty()) out.member("role", token.role);
  const bool batch = token.type == api::Token::Type::kBatch;
  out.member("ttl", seconds_left(token, clock_.now()))
      .member("type", batch ? "batch" : "service")
      .end_object();
  return json;
}

TokenBackend::Response TokenBackend::lookup(const Request& request,
                                            Context& context) {
  std::string_view id = request.fields.text("token");
  if (id.empty()) id = context.client_token;
  if (id.empty()) return fail(invalid_argument("missing token ID"));
  const auto token = tokens_.lookup(id, context.may_block);
  if (!token) {
    if (token.error().code() != ErrorCode::kPermissionDenied) {
      return fail(token.error());
    }
    return fail(Error(ErrorCode::kPermissionDenied, "bad token").as_plain());
  }
  return api::Response::with_data(lookup_json(**token, id));
}

TokenBackend::Response TokenBackend::lookup_self(const Request&,
                                                 Context& context) {
  if (!context.token) return fail(permission_denied());
  auto token = context.token;
  if (token->num_uses != 0) {
    // The use that this request took has not reached the copy at hand.
    if (!context.may_block) return fail(would_block());
    TRY_ASSIGN(token, tokens_.lookup_hash(token->hash));
  }
  return api::Response::with_data(lookup_json(*token, context.client_token));
}

TokenBackend::Response TokenBackend::lookup_accessor(const Request& request,
                                                     Context&) {
  const std::string_view accessor = request.fields.text("accessor");
  if (accessor.empty()) return fail(wrapped_argument("missing accessor"));
  TRY_ASSIGN(const auto token, token_by_accessor(tokens_, accessor));
  return api::Response::with_data(lookup_json(*token, {}));
}

void TokenBackend::add_lookup_routes() {
  const api::Handler by_token = [this](const Request& r, Context& c) {
    return lookup(r, c);
  };
  const api::Handler own = [this](const Request& r, Context& c) {
    return lookup_self(r, c);
  };
  routes_.push_back(
      {.pattern = "lookup",
       .fields = {{"token", FieldType::kString, "Token to look up"}},
       .methods = {{Operation::kUpdate, Cost::kPool, by_token, "Look it up"},
                   {Operation::kRead, Cost::kPool, by_token, "Look it up"}},
       .synopsis = "Look a token up"});
  routes_.push_back(
      {.pattern = "lookup-self",
       .fields = {{"token", FieldType::kString, "Not read"}},
       .methods = {{Operation::kRead, Cost::kInline, own, "Look it up"},
                   {Operation::kUpdate, Cost::kInline, own, "Look it up"}},
       .synopsis = "Look the calling token up"});
  routes_.push_back(
      {.pattern = "lookup-accessor",
       .fields = {{"accessor", FieldType::kString, "Accessor of the token"}},
       .methods = {{Operation::kUpdate, Cost::kPool,
                    [this](const Request& r, Context& c) {
                      return lookup_accessor(r, c);
                    },
                    "Look it up"}},
       .synopsis = "Look a token up by its accessor"});
}

}  // namespace bulla::auth
