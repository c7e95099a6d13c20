#pragma once

#include <array>
#include <cstring>
#include <memory>
#include <string>
#include <string_view>
#include <unordered_map>

#include "api/request.h"
#include "audit/broker.h"
#include "auth/acl.h"
#include "base/json.h"
#include "base/published.h"
#include "crypto/hash.h"
#include "net/message.h"
#include "server/core.h"

namespace bulla::server {

/// A token that a thread has already verified, and what it may do.
struct VerifiedToken {
  std::shared_ptr<const api::Token> token;
  std::shared_ptr<const auth::Acl> acl;
  std::uint64_t token_epoch = 0;
  std::uint64_t policy_version = 0;
  std::uint64_t identity_version = 0;  ///< Counts for tokens of an entity.
};

/// What one thread that serves requests keeps to itself, so that the path of an
/// encrypt takes no lock: parser, caches, audit pen, metrics. Not thread-safe.
class Worker {
 public:
  explicit Worker(Core& core);

  /// The token and its compiled policies: from this thread's cache while
  /// nothing was revoked and no policy or entity changed. Expiry is for the
  /// caller.
  ///   errors of auth::TokenStore::lookup, also where its entity is disabled.
  Result<const VerifiedToken*> verify(std::string_view client_token, Time now,
                                      bool may_block);
  /// Drops what was cached before the last seal.
  void follow_seal();
  /// Gives back what a large request made it take.
  void trim();
  /// The listener that a request came by.
  const ListenerConfig& listener(const net::Request& request) const;

  Core& core;
  JsonParser parser;
  std::string scratch;
  api::LoopState loop;
  audit::Recorder recorder;
  MetricsShard& metrics;
  Subscription<MountTable> mounts;
  Subscription<audit::HeaderList> audited_headers;
  Subscription<QuotaTable> quotas;

 private:
  using Digest = std::array<std::uint8_t, crypto::kSha256Bytes>;
  struct DigestHash {
    std::size_t operator()(const Digest& digest) const {
      std::size_t value = 0;
      std::memcpy(&value, digest.data(), sizeof value);
      return value;
    }
  };
  static constexpr std::size_t kTokensMax = 16'384;

  std::unordered_map<Digest, VerifiedToken, DigestHash> tokens_;
  std::uint64_t seal_epoch_ = 0;
};

}  // namespace bulla::server
