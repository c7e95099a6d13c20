#pragma once

#include <memory>
#include <mutex>
#include <optional>
#include <string>
#include <vector>

#include "seal/custody.h"
#include "seal/passkey.h"
#include "seal/seal_config.h"
#include "seal/share_collector.h"

namespace bulla::seal {

/// What the seal's own changes of an init are, and what it gives out.
struct InitPlan {
  SealConfig config;
  SecretBytes root_key;
  SecretBytes recovery_key;  ///< Empty without recovery shares.
  std::vector<Passkey> passkeys;
  InitResult result;
};

struct Custody::Impl {
  static constexpr std::size_t kKeyBytes = 32;
  static constexpr std::chrono::seconds kKekTimeout{30};
  /// Sealed by the barrier: the recovery key's check value.
  static constexpr std::string_view kRecoveryPath = "core/recovery-key";

  // custody.cc
  Result<std::optional<SealConfig>> load_config();
  void remember(SealConfig config);
  Result<void> check_install(const SealConfig& stored) const;
  void close();

  // custody_init.cc
  Result<InitPlan> plan(const InitParams& params);
  Result<void> plan_shamir(InitPlan& plan);
  Result<void> plan_automatic(InitPlan& plan);
  Passkey new_passkey(const InitPlan& plan, std::string_view kind,
                      std::string_view name) const;
  Result<std::vector<storage::Change>> changes_of(const InitPlan& plan);
  Result<void> write(const InitPlan& plan, std::vector<storage::Change> more);
  Result<void> settle(const InitPlan& plan, Error error);

  // custody_unseal.cc
  Result<std::vector<std::pair<Passkey, std::uint64_t>>> read_passkeys(
      std::string_view kind);
  Result<void> open_with_shares(const SealConfig& config,
                                std::vector<SecretBytes> shares);
  Result<void> open_with_provider(const SealConfig& config,
                                  kek::KekProvider& provider);
  Result<void> open(const Passkey& passkey, SecretBytes root);
  void refresh(const SealConfig& config, Passkey passkey, std::uint64_t version,
               kek::KekProvider* provider);

  barrier::Barrier& barrier;
  std::vector<std::unique_ptr<kek::KekProvider>> providers;
  crypto::Rng& rng;
  const Clock& clock;
  const Logger& log;

  /// One init, unseal, seal or rotation at a time; may wait for a KEK.
  std::mutex operation_mutex;
  SecretBytes root_key;  ///< Empty while sealed.

  /// Guards what status() shows; held for copies only.
  std::mutex state_mutex;
  std::optional<SealConfig> config;
  ShareCollector shares;
};

}  // namespace bulla::seal
