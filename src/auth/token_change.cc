// Changes to a stored token: renewal and the taking of uses.

#include <algorithm>

#include "auth/token_store.h"
#include "auth/token_store_impl.h"
#include "auth/ttl.h"

namespace bulla::auth {
namespace {

using barrier::Change;

// Who else changed the entry was on another node; a handful of attempts is
// plenty.
constexpr int kAttemptsMax = 8;

Result<void> check_renewable(const api::Token& token, Time now) {
  if (token.type == api::Token::Type::kBatch) {
    return fail(invalid_argument("batch tokens cannot be renewed"));
  }
  if (!token.leased()) return fail(invalid_argument("invalid lease ID"));
  if (token.expired(now)) return fail(invalid_argument("lease expired"));
  if (!token.renewable || !token.expire_time) {
    return fail(invalid_argument("lease is not renewable"));
  }
  return {};
}

}  // namespace

Result<RenewedToken> TokenStore::renew(const api::Token& token,
                                       Seconds increment, Seconds max_ttl) {
  if (token.type == api::Token::Type::kBatch) {
    return fail(invalid_argument("batch tokens cannot be renewed"));
  }
  const std::unique_lock gate(impl_->shards.gate(token.hash));
  const Time now = impl_->clock.now();
  TRY_ASSIGN(const auto stored, impl_->read(token.hash));
  if (!stored || impl_->shards.refused(token.hash)) {
    return fail(invalid_argument("token not found"));
  }
  TRY(check_renewable(*stored->token, now));
  const Seconds granted = stored->token->granted_ttl();
  const TokenTtls limits{granted, max_ttl};
  TtlRequest request;
  request.increment = increment;
  request.ttl = granted;
  request.period = token.period;
  request.explicit_max_ttl = token.explicit_max_ttl;
  request.start = stored->token->issue_time;
  TRY_ASSIGN(TtlResult ttl, calculate_ttl(limits, request, now));

  auto renewed = std::make_shared<api::Token>(*stored->token);
  renewed->expire_time = expiry_after(now, ttl.ttl);
  renewed->last_renewal_time = now;
  const SecretBytes record = serialize_token(*renewed);
  const std::string old_expiry =
      token_paths::expiry(*stored->token->expire_time, token.hash);
  const std::string new_expiry =
      token_paths::expiry(*renewed->expire_time, token.hash);
  std::vector<Change> changes;
  changes.push_back(Change::put(token_paths::id(token.hash), record.expose())
                        .expecting(stored->version));
  if (old_expiry != new_expiry) {
    changes.push_back(Change::put(new_expiry, {}));
    changes.push_back(Change::remove(old_expiry));
  }
  TRY(impl_->view.commit(changes));
  impl_->shards.cache(renewed);
  impl_->raise_epoch();
  return RenewedToken{std::move(renewed), ttl.ttl, std::move(ttl.warnings)};
}

Result<std::int64_t> TokenStore::use(const api::Token& token) {
  const std::unique_lock gate(impl_->shards.gate(token.hash));
  for (int attempt = 0; attempt < kAttemptsMax; ++attempt) {
    if (impl_->shards.refused(token.hash)) return fail(permission_denied());
    TRY_ASSIGN(const auto stored, impl_->read(token.hash));
    if (!stored) return fail(permission_denied());
    TRY(impl_->check_live(stored->token));
    const std::int64_t left = stored->token->num_uses;
    if (left == kUsesExhausted) return fail(permission_denied());
    if (left == 0) return 0;  // unlimited

    auto used = std::make_shared<api::Token>(*stored->token);
    used->num_uses = left == 1 ? kUsesExhausted : left - 1;
    const SecretBytes record = serialize_token(*used);
    std::vector<Change> changes;
    changes.push_back(Change::put(token_paths::id(token.hash), record.expose())
                          .expecting(stored->version));
    if (left == 1) {
      // Should the server stop before it revokes the token, the sweep will.
      changes.push_back(
          Change::put(token_paths::expiry(impl_->clock.now(), token.hash), {}));
    }
    auto committed = impl_->view.commit(changes);
    if (!committed) {
      impl_->shards.forget(token.hash);
      impl_->raise_epoch();
      if (committed.error().code() == ErrorCode::kConflict) continue;
      return fail(std::move(committed).error());
    }
    impl_->shards.cache(used);
    impl_->raise_epoch();
    return left;
  }
  return fail(unavailable("the token is being changed elsewhere"));
}

}  // namespace bulla::auth
