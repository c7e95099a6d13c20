#pragma once

#include <atomic>
#include <cstdint>
#include <functional>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "api/token.h"
#include "auth/policy_store.h"
#include "barrier/barrier.h"
#include "base/clock.h"
#include "crypto/hash.h"

namespace bulla::auth {

/// What a new token is to be; the store makes id and accessor.
struct TokenSpec {
  api::Token::Type type = api::Token::Type::kService;
  std::vector<std::string> policies;  ///< Final: lower-case, sorted, unique.
  std::map<std::string, std::string> meta;
  std::string display_name;
  std::string path;
  std::string role;
  std::string entity_id;
  std::string parent;  ///< The parent's hash; "" makes an orphan.
  std::vector<std::string> bound_cidrs;
  Seconds ttl{0};  ///< 0: never expires (root only; callers see to that).
  Seconds explicit_max_ttl{0};
  Seconds period{0};
  std::int64_t num_uses = 0;
  bool renewable = true;
  std::string id;  ///< Custom id (root only), else "".
};

struct CreatedToken {
  std::string client_token;  ///< The secret; shown once.
  std::shared_ptr<const api::Token> token;
};

struct RenewedToken {
  std::shared_ptr<const api::Token> token;
  Seconds ttl{0};  ///< From now.
  std::vector<std::string> warnings;
};

/// Tokens: only HMAC-SHA256(key, id) is stored, and entries are found by it.
/// Service ids are "s." + 24 base62 characters; batch tokens "b." + base64url
/// of their barrier-sealed entry, stored nowhere. Expiry is checked at every
/// use. A revocation reaches children, accessor and cubbyhole in bounded
/// commits, deepest first, so that a crash leaves no usable orphan.
/// Any thread.
class TokenStore {
 public:
  TokenStore(barrier::Barrier& barrier, barrier::View view, crypto::Rng& rng,
             const Clock& clock);
  ~TokenStore();

  /// After unseal: reads the hash key, makes one on the very first load.
  Result<void> load();
  /// Forgets everything, at seal.
  void clear();
  /// Called (outside locks) with the hash of each revoked token, before its
  /// entry goes: cubbyholes and leases are dropped there.
  void on_revoke(std::function<Result<void>(const api::Token&)> hook);

  /// The live token behind `client_token`.
  ///   kPermissionDenied  unknown, expired, revoked, malformed.
  ///   kWouldBlock        !may_block and it must be read from storage.
  Result<std::shared_ptr<const api::Token>> lookup(
      std::string_view client_token, bool may_block);
  Result<std::shared_ptr<const api::Token>> lookup_hash(std::string_view hash);
  /// kInvalidArgument "invalid accessor" when unknown.
  Result<std::shared_ptr<const api::Token>> lookup_accessor(
      std::string_view accessor);

  /// Stores it with its indexes in one commit; batch tokens are only sealed.
  ///   kInvalidArgument  "cannot create a token with a duplicate ID", a custom
  ///                     id that starts with "b.", "parent token lookup failed:
  ///                     no parent found".
  Result<CreatedToken> create(TokenSpec spec);
  /// Extends per `increment` (0: its period, or what its last issue or renewal
  /// gave), capped by `max_ttl` since issue and by its explicit maximum.
  /// Period and explicit maximum are read from `token`, so that a role's
  /// present values can be given.
  ///   kInvalidArgument  "lease is not renewable", "batch tokens cannot be
  ///                     renewed", "invalid lease ID" (the first root token),
  ///                     "lease expired", "token not found".
  ///   kInternal         "past the max TTL, cannot renew".
  Result<RenewedToken> renew(const api::Token& token, Seconds increment,
                             Seconds max_ttl);
  /// With all children; unknown hashes are fine. From the first moment the
  /// token is refused; when storage fails half-way it stays refused in memory,
  /// and revoking it again goes on.
  Result<void> revoke(std::string_view hash);
  /// Those that were made at a path that starts with `prefix`. Walks all.
  Result<void> revoke_made_at(std::string_view prefix);
  /// Children become orphans. kInvalidArgument "token to revoke not found".
  Result<void> revoke_orphan(std::string_view hash);
  /// Takes one use off a token with num_uses > 0 and returns how many were
  /// left before (so 1 means that this is the last). Durable before it returns.
  ///   kPermissionDenied  no use left.
  Result<std::int64_t> use(const api::Token& token);
  /// Accessors, paged in storage's order: at most `limit` (0: all) of those
  /// that come after the accessor `after`.
  Result<std::vector<std::string>> accessors(std::string_view after,
                                             std::size_t limit);
  /// Number of stored service tokens (walks an index; for metrics and tests).
  Result<std::uint64_t> count();
  /// Revokes what has expired, at most `limit` tokens; from the minute's tick.
  Result<std::size_t> sweep_expired(std::size_t limit);
  /// Walks the indexes and drops what points at no token; then sweeps.
  /// Returns how many entries went.
  Result<std::size_t> tidy();

  /// Raised by any revocation, renewal or use: what loops cached is then
  /// looked up again.
  std::uint64_t epoch() const { return epoch_.load(std::memory_order_acquire); }

  /// Lower-case hex of the keyed hash of an id.
  std::string hash_of(std::string_view client_token) const;

 private:
  struct Impl;
  std::unique_ptr<Impl> impl_;
  std::atomic<std::uint64_t> epoch_{1};
};

}  // namespace bulla::auth
