#pragma once

#include <memory>
#include <optional>
#include <string>
#include <string_view>

#include "api/field.h"
#include "api/response.h"
#include "api/token.h"
#include "server/core.h"
#include "server/kept_answer.h"

namespace bulla::server {

/// Response wrapping (reference/http.md §8): an answer is kept in the cubbyhole
/// of a token that has one use, and whoever has that token takes it out, once.
/// The token's own record says when, for how long and for which path it was
/// made. All of this blocks and may run on any thread.

struct WrapSpec {
  Seconds ttl{0};
  std::string creation_path;
  std::string display_name;      ///< Of whoever asked.
  std::string wrapped_accessor;  ///< Of a token inside; "" for none.
};

/// What X-Vault-Wrap-TTL asks for, absent where it asks for nothing ("0"). A
/// part of a second counts as a whole one where there is no other.
///   kInvalidArgument  "error parsing X-Vault-Wrap-TTL header: …".
Result<std::optional<Seconds>> parse_wrap_ttl(std::string_view text);

/// Keeps `answer` under a new token, and answers with that.
///   kTooLarge  it does not fit in one entry of the store.
///   errors of auth::TokenStore::create, storage and the barrier.
Result<api::Response> keep_answer(Core& core, const KeptAnswer& answer,
                                  WrapSpec spec);

/// The wrapping token that a request is about: its field `token`, or else the
/// caller's own.
///   kPermissionDenied  "error validating wrapping token: …".
Result<std::string_view> named_wrapping_token(const api::Fields& fields,
                                              std::string_view client_token);

/// The live wrapping token behind `client_token`.
///   kInvalidArgument  "wrapping token is not valid or does not exist".
///   kWouldBlock       !may_block and it must be read from storage.
Result<std::shared_ptr<const api::Token>> find_wrapping_token(
    Core& core, std::string_view client_token, bool may_block);

/// Takes out what `token` keeps, which is then no more. Of any number of
/// callers one gets it. `is_caller`: the token came as the caller's own, and
/// its one use was taken with that.
///   kInvalidArgument  as find_wrapping_token().
Result<KeptAnswer> take_answer(Core& core, const api::Token& token,
                               bool is_caller);

/// Puts what `token` keeps under a new token, which lives as long as that was
/// to, or for `ttl` where that is shorter.
///   as take_answer() and keep_answer().
Result<api::Response> rewrap_answer(Core& core, const api::Token& token,
                                    bool is_caller, std::optional<Seconds> ttl);

}  // namespace bulla::server
