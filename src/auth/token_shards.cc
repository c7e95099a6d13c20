#include "auth/token_shards.h"

namespace bulla::auth {

std::shared_ptr<const api::Token> TokenShards::cached(std::string_view hash) {
  Shard& shard = at(hash);
  const std::lock_guard lock(shard.mutex);
  const auto found = shard.live.find(hash);
  return found == shard.live.end() ? nullptr : found->second;
}

void TokenShards::cache(const std::shared_ptr<const api::Token>& token) {
  Shard& shard = at(token->hash);
  const std::lock_guard lock(shard.mutex);
  if (shard.revoking.contains(token->hash)) return;
  if (shard.live.size() >= kCachedPerShard &&
      !shard.live.contains(token->hash)) {
    shard.live.erase(shard.live.begin());
  }
  shard.live.insert_or_assign(token->hash, token);
}

void TokenShards::forget(std::string_view hash) {
  Shard& shard = at(hash);
  const std::lock_guard lock(shard.mutex);
  if (const auto found = shard.live.find(hash); found != shard.live.end()) {
    shard.live.erase(found);
  }
}

void TokenShards::start_revoking(const std::string& hash) {
  Shard& shard = at(hash);
  {
    const std::lock_guard lock(shard.mutex);
    shard.revoking.insert(hash);
    shard.live.erase(hash);
  }
  // Whoever passed the check before the mark was set is done after this.
  const std::unique_lock gate(shard.gate);
}

void TokenShards::end_revoking(const std::string& hash) {
  Shard& shard = at(hash);
  const std::lock_guard lock(shard.mutex);
  shard.revoking.erase(hash);
  shard.expired.erase(hash);
  shard.live.erase(hash);
}

bool TokenShards::refused(std::string_view hash) {
  Shard& shard = at(hash);
  const std::lock_guard lock(shard.mutex);
  return shard.revoking.contains(hash) || shard.expired.contains(hash);
}

void TokenShards::mark_expired(const std::string& hash) {
  Shard& shard = at(hash);
  const std::lock_guard lock(shard.mutex);
  shard.expired.insert(hash);
  shard.live.erase(hash);
}

std::vector<std::string> TokenShards::expired() {
  std::vector<std::string> out;
  for (Shard& shard : shards_) {
    const std::lock_guard lock(shard.mutex);
    out.insert(out.end(), shard.expired.begin(), shard.expired.end());
  }
  return out;
}

void TokenShards::clear() {
  for (Shard& shard : shards_) {
    const std::lock_guard lock(shard.mutex);
    shard.live.clear();
    shard.revoking.clear();
    shard.expired.clear();
  }
}

}  // namespace bulla::auth
