#pragma once

#include <gtest/gtest.h>

#include <string>
#include <utility>
#include <vector>

#include "seal/former.h"
#include "seal/rekey.h"
#include "seal/test_world.h"

namespace bulla::seal {

using Shares = std::vector<SecretBytes>;

inline RekeyCaller rekey_caller() { return {}; }
inline RekeyCaller rotate_caller() {
  RekeyCaller caller;
  caller.dialect = RekeyCaller::Dialect::kRotate;
  caller.cancels_freely = true;
  return caller;
}
inline RekeyCaller stranger() {
  RekeyCaller caller;
  caller.trusted = false;
  return caller;
}

inline RekeyParams rekey_params(std::int64_t shares, std::int64_t threshold) {
  RekeyParams params;
  params.shares = shares;
  params.threshold = threshold;
  return params;
}

/// A node and the rekeys over it.
struct Ceremony {
  explicit Ceremony(World& world, Providers providers = {})
      : node(world, std::move(providers)),
        root(node.custody, RekeyTarget::kRoot, world.rng, world.clock),
        recovery(node.custody, RekeyTarget::kRecovery, world.rng, world.clock) {
  }

  /// Gives the first `count` shares; what the last one answered.
  Result<std::optional<RekeyResult>> give(Rekey& rekey, const Shares& shares,
                                          std::size_t count) {
    TRY_ASSIGN(const auto status, rekey.status(rekey_caller()));
    const std::string nonce = status.nonce;
    Result<std::optional<RekeyResult>> last = std::nullopt;
    for (std::size_t i = 0; i < count; ++i) {
      last = rekey.update(shares.at(i).clone(), nonce, rekey_caller());
    }
    return last;
  }
  /// The same for new shares; whether the new key is in force then.
  Result<VerifyStatus> echo(Rekey& rekey, const RekeyResult& result,
                            std::size_t count) {
    Result<VerifyStatus> last = VerifyStatus{};
    for (std::size_t i = 0; i < count; ++i) {
      last = rekey.verify(result.shares.at(i).clone(),
                          result.verification_nonce, rekey_caller());
    }
    return last;
  }
  /// Begins and completes a rekey without verification.
  Result<RekeyResult> run(Rekey& rekey, const RekeyParams& params,
                          const Shares& shares, std::size_t count) {
    TRY(rekey.begin(params, rekey_caller()));
    TRY_ASSIGN(auto result, give(rekey, shares, count));
    if (!result) return fail(internal_error("more shares are needed"));
    return *std::move(result);
  }
  bool unseal(const Shares& shares, std::size_t count) {
    Result<bool> last = false;
    for (std::size_t i = 0; i < count; ++i) {
      last = node.custody.submit_share(shares.at(i).clone());
    }
    if (!last) static_cast<void>(node.custody.reset_shares());
    return last.value_or(false);
  }
  /// Whether these shares authorise.
  bool authorises(const Shares& shares, std::size_t count) {
    const auto authority = node.custody.authority();
    if (!authority) return false;
    Quorum quorum;
    Result<std::optional<SecretBytes>> last = std::nullopt;
    for (std::size_t i = 0; i < count; ++i) {
      quorum.add(shares.at(i).clone());
      last = node.custody.prove(quorum, *authority);
    }
    return last && *last;
  }

  Node node;
  Rekey root;
  Rekey recovery;
};

/// Whether `shares` unseal a server that is started anew on the storage.
inline bool reopens(World& world, const Shares& shares, std::size_t count) {
  Ceremony again(world);
  return again.unseal(shares, count);
}

inline bool holds_entry(Node& node) {
  const auto entry = node.barrier.get("data/kept");
  return entry && *entry && as_text((*entry)->value.expose()) == "kept";
}

}  // namespace bulla::seal
