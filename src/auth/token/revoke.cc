// auth/token/revoke, revoke-self, revoke-accessor, revoke-orphan.

#include "auth/token/token_errors.h"
#include "auth/token_backend.h"

namespace bulla::auth {
namespace {

using api::Cost;
using api::FieldType;
using api::Operation;

Error batch_error() {
  return invalid_argument("batch tokens cannot be revoked");
}

}  // namespace

// An expired token can still be revoked, so only its hash is looked at.
TokenBackend::Response TokenBackend::revoke(const Request& request, Context&) {
  const std::string_view id = request.fields.text("token");
  if (id.empty()) return fail(invalid_argument("missing token ID"));
  if (id.starts_with("b.") && tokens_.lookup(id, true)) {
    return fail(batch_error());
  }
  TRY(tokens_.revoke(tokens_.hash_of(id)));
  return api::Response::none();
}

TokenBackend::Response TokenBackend::revoke_self(const Request&,
                                                 Context& context) {
  if (!context.token) return fail(permission_denied());
  if (context.token->type == api::Token::Type::kBatch) {
    return fail(batch_error());
  }
  TRY(tokens_.revoke(context.token->hash));
  return api::Response::none();
}

TokenBackend::Response TokenBackend::revoke_accessor(const Request& request,
                                                     Context&) {
  const std::string_view accessor = request.fields.text("accessor");
  if (accessor.empty()) return fail(wrapped_argument("missing accessor"));
  const auto token = tokens_.lookup_accessor(accessor);
  if (!token) {
    if (token.error().code() != ErrorCode::kInvalidArgument) {
      return fail(token.error());
    }
    return api::Response().warn("No token found with this accessor");
  }
  TRY(tokens_.revoke((*token)->hash));
  return api::Response::none();
}

TokenBackend::Response TokenBackend::revoke_orphan(const Request& request,
                                                   Context& context) {
  const std::string_view id = request.fields.text("token");
  if (id.empty()) return fail(invalid_argument("missing token ID"));
  if (!context.sudo) {
    return fail(invalid_argument(
        "root or sudo privileges required to revoke and orphan"));
  }
  if (id.starts_with("b.") && tokens_.lookup(id, true)) {
    return fail(batch_error());
  }
  TRY(tokens_.revoke_orphan(tokens_.hash_of(id)));
  return api::Response::none();
}

void TokenBackend::add_revoke_routes() {
  const api::Field token{"token", FieldType::kString, "Token to revoke"};
  const api::Field accessor{"accessor", FieldType::kString,
                            "Accessor of the token"};
  const auto add = [this](std::string_view pattern,
                          std::vector<api::Field> fields, api::Handler handler,
                          std::string_view synopsis) {
    routes_.push_back({.pattern = pattern,
                       .fields = std::move(fields),
                       .methods = {{Operation::kUpdate, Cost::kPool,
                                    std::move(handler), synopsis}},
                       .synopsis = synopsis});
  };
  add(
      "revoke", {token},
      [this](const Request& r, Context& c) { return revoke(r, c); },
      "Revoke a token and its children");
  add(
      "revoke-self", {},
      [this](const Request& r, Context& c) { return revoke_self(r, c); },
      "Revoke the calling token and its children");
  add(
      "revoke-accessor", {accessor},
      [this](const Request& r, Context& c) { return revoke_accessor(r, c); },
      "Revoke a token by its accessor");
  add(
      "revoke-orphan", {token},
      [this](const Request& r, Context& c) { return revoke_orphan(r, c); },
      "Revoke a token and leave its children as orphans");
}

}  // namespace bulla::auth
