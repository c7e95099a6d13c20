#pragma once

#include <array>
#include <cstddef>
#include <memory>
#include <mutex>
#include <shared_mutex>
#include <string>
#include <string_view>
#include <unordered_map>
#include <unordered_set>
#include <vector>

#include "api/token.h"
#include "auth/acl_rules.h"

namespace bulla::auth {

/// What the token store holds in memory, split by hash so that threads seldom
/// meet: a bounded cache of live tokens, the tokens being revoked, and those
/// once seen expired. Any thread.
class TokenShards {
 public:
  static constexpr std::size_t kShards = 64;
  static constexpr std::size_t kCachedPerShard = 1024;

  /// Held (shared) by who reads an entry to cache it or makes a child of it,
  /// (alone) by who changes it. Over storage calls.
  std::shared_mutex& gate(std::string_view hash) { return at(hash).gate; }

  /// Null when not cached.
  std::shared_ptr<const api::Token> cached(std::string_view hash);
  /// Not kept for a hash that is being revoked.
  void cache(const std::shared_ptr<const api::Token>& token);
  void forget(std::string_view hash);

  /// From here on the token is refused everywhere; waits for who is using it
  /// as a parent or changing it.
  void start_revoking(const std::string& hash);
  /// Once its entry is gone.
  void end_revoking(const std::string& hash);
  /// Being revoked, or seen expired before: no clock that steps back makes it
  /// live again.
  bool refused(std::string_view hash);

  void mark_expired(const std::string& hash);
  /// All that were marked, for the sweep; they stay marked until revoked.
  std::vector<std::string> expired();
  void clear();

 private:
  struct Shard {
    std::shared_mutex gate;
    std::mutex mutex;  // short: the three below
    std::unordered_map<std::string, std::shared_ptr<const api::Token>,
                       TransparentHash, std::equal_to<>>
        live;
    std::unordered_set<std::string, TransparentHash, std::equal_to<>> revoking;
    std::unordered_set<std::string, TransparentHash, std::equal_to<>> expired;
  };
  Shard& at(std::string_view hash) {
    return shards_[TransparentHash{}(hash) % kShards];
  }

  std::array<Shard, kShards> shards_;
};

}  // namespace bulla::auth
