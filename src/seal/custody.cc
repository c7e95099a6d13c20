#include "seal/custody.h"

#include "seal/custody_impl.h"
#include "seal/kek_versions.h"
#include "seal/passkey_source.h"
#include "seal/passkeys.h"

namespace bulla::seal {

Custody::Custody(barrier::Barrier& barrier,
                 std::vector<std::unique_ptr<kek::KekProvider>> providers,
                 crypto::Rng& rng, const Clock& clock, const Logger& log,
                 CustodyOptions options)
    : impl_(new Impl{.barrier = barrier,
                     .providers = std::move(providers),
                     .options = std::move(options),
                     .rng = rng,
                     .clock = clock,
                     .log = log,
                     .lifecycle_mutex = {},
                     .operation_mutex = {},
                     .root_key = {},
                     .unsettled_root = {},
                     .passphrase_mutex = {},
                     .state_mutex = {},
                     .known = {},
                     .shares = {},
                     .former_made = {},
                     .node = {},
                     .sources = {},
                     .root_sealed = {},
                     .passkey_source = {}}) {
  impl_->passkey_source =
      std::make_unique<PasskeySource>(impl_->barrier.storage());
  impl_->sources.push_back(impl_->passkey_source.get());
}

Custody::~Custody() = default;

Passkeys Custody::passkeys() { return Passkeys(*impl_); }

KekVersions Custody::keks() { return KekVersions(*impl_); }

std::vector<kek::KekProvider*> Custody::providers() {
  std::vector<kek::KekProvider*> all;
  for (const auto& provider : impl_->providers) all.push_back(provider.get());
  return all;
}

Result<bool> Custody::initialized() {
  TRY_ASSIGN(const auto state, impl_->known_state());
  return state != nullptr;
}

Result<void> Custody::check_install() {
  TRY_ASSIGN(const auto state, impl_->known_state());
  return state ? impl_->check_install(*state) : Result<void>{};
}

Result<SealStatus> Custody::status() {
  TRY_ASSIGN(const auto state, impl_->known_state());
  SealStatus status;
  status.sealed = impl_->barrier.sealed();
  if (!state) {
    // While init runs the barrier is open already, but nobody may know.
    status.sealed = true;
    status.recovery_seal = !impl_->providers.empty();
    if (status.recovery_seal) status.type = impl_->providers.front()->kind();
    return status;
  }
  const SealConfig& config = state->config;
  const Passkey* const shamir = state->shamir();
  status.initialized = true;
  status.recovery_seal = config.automatic();
  if (config.automatic()) {
    status.type = config.providers.front().id.kind;
  } else if (shamir == nullptr) {
    status.type = Passkey::kPassphrase;
  }
  const std::lock_guard lock(impl_->state_mutex);
  status.progress = static_cast<std::int64_t>(impl_->shares.size());
  status.nonce = impl_->shares.nonce();
  const bool of_shamir =
      shamir != nullptr && (status.progress > 0 || config.recovery_shares == 0);
  status.threshold = of_shamir ? shamir->threshold : config.recovery_threshold;
  status.shares = of_shamir ? shamir->shares : config.recovery_shares;
  return status;
}

Result<void> Custody::reset_shares() {
  const std::lock_guard lock(impl_->operation_mutex);
  if (!impl_->barrier.sealed()) {
    return fail(invalid_argument("vault is unsealed"));
  }
  const std::lock_guard state(impl_->state_mutex);
  impl_->shares.clear();
  return {};
}

void Custody::Impl::close() {
  barrier.seal();
  root_key = SecretBytes();
  unsettled_root = SecretBytes();
  const std::lock_guard lock(state_mutex);
  shares.clear();
  former_made.reset();
}

void Custody::seal() {
  const std::lock_guard lock(impl_->operation_mutex);
  impl_->close();
}

void Custody::forget() { impl_->remember(nullptr); }

Result<void> Custody::rotate_keyring() {
  const std::lock_guard lock(impl_->operation_mutex);
  if (impl_->barrier.sealed() || impl_->root_key.empty()) {
    return fail(ErrorCode::kSealed, "Vault is sealed");
  }
  TRY(impl_->settle_root());
  return impl_->barrier.rotate(impl_->root_key);
}

}  // namespace bulla::seal
