#include "server/worker.h"

namespace bulla::server {

Worker::Worker(Core& owner)
    : core(owner),
      recorder(owner.audit()),
      metrics(owner.metrics().new_shard()),
      mounts(owner.mounts().table()),
      audited_headers(owner.audit().headers()),
      quotas(owner.quotas().table()),
      seal_epoch_(owner.seal_epoch()) {}

Result<const VerifiedToken*> Worker::verify(std::string_view client_token,
                                            Time now, bool may_block) {
  // Epochs are read before the look-up: a change meanwhile only costs another.
  const std::uint64_t token_epoch = core.tokens().epoch();
  const std::uint64_t policy_version = core.policies().version();
  const std::uint64_t identity_version = core.identity().version();
  const Digest digest = crypto::sha256(as_bytes(client_token));
  if (const auto it = tokens_.find(digest);
      it != tokens_.end() && it->second.token_epoch == token_epoch &&
      it->second.policy_version == policy_version &&
      (it->second.token->entity_id.empty() ||
       it->second.identity_version == identity_version) &&
      now < it->second.acl->good_until()) {
    return &it->second;
  }
  TRY_ASSIGN(auto token, core.tokens().lookup(client_token, may_block));
  TRY_ASSIGN(auto acl, core.acl_of(*token, may_block));
  if (tokens_.size() >= kTokensMax) tokens_.clear();
  VerifiedToken& verified = tokens_[digest];
  verified = {std::move(token), std::move(acl), token_epoch, policy_version,
              identity_version};
  return &verified;
}

void Worker::follow_seal() {
  const std::uint64_t epoch = core.seal_epoch();
  if (epoch == seal_epoch_) return;
  seal_epoch_ = epoch;
  tokens_.clear();
  loop.forget_all();
}

void Worker::trim() {
  constexpr std::size_t kKeptBytes = std::size_t{64} << 10;
  bulla::trim(parser);
  if (scratch.capacity() > kKeptBytes) scratch = std::string();
}

const ListenerConfig& Worker::listener(const net::Request& request) const {
  return core.config()
      .listeners[request.peer == nullptr ? 0 : request.peer->listener];
}

}  // namespace bulla::server
