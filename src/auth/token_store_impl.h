#pragma once

#include <functional>
#include <mutex>
#include <shared_mutex>
#include <string>
#include <vector>

#include "auth/token_record.h"
#include "auth/token_shards.h"
#include "auth/token_store.h"
#include "base/published.h"

namespace bulla::auth {

/// Where entries are, inside the store's view (docs/formats/token.md).
namespace token_paths {
inline constexpr std::string_view kHashKey = "salt";
inline constexpr std::string_view kIds = "id/";
inline constexpr std::string_view kAccessors = "accessor/";
inline constexpr std::string_view kParents = "parent/";
inline constexpr std::string_view kExpiries = "expiry/";
/// Never stored: the associated data of batch tokens.
inline constexpr std::string_view kBatch = "batch";

inline constexpr std::string_view kBatchPrefix = "b.";
inline constexpr std::size_t kHashChars = 64;
inline constexpr std::size_t kClientTokenBytesMax = 16 * 1024;

std::string id(std::string_view hash);
std::string parent(std::string_view parent, std::string_view child);
/// Seconds rounded down; the sweep reads the token for the exact time.
std::string expiry(Time time, std::string_view hash);
}  // namespace token_paths

using TokenPtr = std::shared_ptr<const api::Token>;
using RevokeHook = std::function<Result<void>(const api::Token&)>;

struct TokenStore::Impl {
  /// A token and the version of its entry.
  struct Stored {
    TokenPtr token;
    std::uint64_t version = 0;
  };

  Impl(TokenStore& owner, barrier::Barrier& the_barrier, barrier::View the_view,
       crypto::Rng& the_rng, const Clock& the_clock)
      : store(owner),
        barrier(the_barrier),
        view(std::move(the_view)),
        rng(the_rng),
        clock(the_clock) {}

  // token_store.cc
  Result<std::string> keyed_hash(std::string_view text) const;
  std::string accessor_path(std::string_view accessor) const;
  Result<std::optional<Stored>> read(std::string_view hash);
  Result<TokenPtr> live(std::string_view hash);
  Result<TokenPtr> check_live(TokenPtr token);
  Result<TokenPtr> open_batch(std::string_view client_token, bool may_block);
  void raise_epoch() { store.epoch_.fetch_add(1, std::memory_order_acq_rel); }
  TokenPtr make_token(TokenSpec& spec, std::string hash) const;
  Result<CreatedToken> create_batch(TokenSpec& spec);
  Result<CreatedToken> create_service(TokenSpec& spec);
  Result<void> commit_new(const api::Token& token);

  // token_revoke.cc
  class Walk;
  Result<void> adopt_out(const std::string& parent);
  Result<void> orphan_child(const std::string& parent,
                            const std::string& child);

  // token_sweep.cc
  Result<bool> sweep_one(const std::string& entry, Time now);
  Result<std::size_t> sweep_marked(std::size_t limit);
  Result<std::size_t> tidy_accessors();
  Result<std::size_t> tidy_parents();
  Result<void> each_path(
      std::string_view prefix,
      const std::function<Result<void>(const std::string&)>& visit);

  TokenStore& store;
  barrier::Barrier& barrier;
  barrier::View view;
  crypto::Rng& rng;
  const Clock& clock;
  Published<crypto::Hmac> hmac;
  TokenShards shards;
  Published<RevokeHook> hook;
};

}  // namespace bulla::auth
