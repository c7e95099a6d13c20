#include "seal/custody.h"

#include <fmt/format.h>

#include <algorithm>

#include "seal/custody_impl.h"

namespace bulla::seal {
namespace {

std::string seal_list(const std::vector<SealConfig::Provider>& providers) {
  if (providers.empty()) return "shamir";
  std::string text;
  for (const auto& provider : providers) {
    if (!text.empty()) text += ", ";
    text += provider.kind;
    if (provider.name != provider.kind) {
      text += fmt::format(" \"{}\"", provider.name);
    }
  }
  return text;
}

}  // namespace

Custody::Custody(barrier::Barrier& barrier,
                 std::vector<std::unique_ptr<kek::KekProvider>> providers,
                 crypto::Rng& rng, const Clock& clock, const Logger& log)
    : impl_(new Impl{.barrier = barrier,
                     .providers = std::move(providers),
                     .rng = rng,
                     .clock = clock,
                     .log = log,
                     .operation_mutex = {},
                     .root_key = {},
                     .state_mutex = {},
                     .config = {},
                     .shares = {}}) {}

Custody::~Custody() = default;

Result<std::optional<SealConfig>> Custody::Impl::load_config() {
  {
    const std::lock_guard lock(state_mutex);
    if (config) return config;
  }
  TRY_ASSIGN(const auto entry, barrier.storage().get(SealConfig::kPath));
  if (!entry) return std::nullopt;
  TRY_ASSIGN(auto stored, SealConfig::parse(entry->value));
  remember(stored);
  return stored;
}

void Custody::Impl::remember(SealConfig stored) {
  const std::lock_guard lock(state_mutex);
  config = std::move(stored);
}

Result<bool> Custody::initialized() {
  TRY_ASSIGN(const auto stored, impl_->load_config());
  return stored.has_value();
}

Result<void> Custody::Impl::check_install(const SealConfig& stored) const {
  std::vector<SealConfig::Provider> configured;
  bool agree = !stored.automatic() && providers.empty();
  for (const auto& provider : providers) {
    configured.push_back(
        {std::string(provider->kind()), std::string(provider->name())});
    agree |= std::ranges::any_of(stored.providers, [&](const auto& known) {
      return known.kind == provider->kind();
    });
  }
  if (agree) return {};
  const std::string remedy =
      stored.automatic()
          ? fmt::format("configure seal \"{}\" again as it was", stored.kind())
          : std::string("take the seal stanza out of the configuration");
  return fail(invalid_argument(
      fmt::format("this installation was sealed with {}, but the configuration "
                  "says {}: {}, "
                  "or use another storage",
                  seal_list(stored.providers), seal_list(configured), remedy)));
}

Result<void> Custody::check_install() {
  TRY_ASSIGN(const auto stored, impl_->load_config());
  if (!stored) return {};
  return impl_->check_install(*stored);
}

Result<SealStatus> Custody::status() {
  TRY_ASSIGN(const auto stored, impl_->load_config());
  SealStatus status;
  status.sealed = impl_->barrier.sealed();
  if (!stored) {
    // While init runs the barrier is open already, but nobody may know.
    status.sealed = true;
    status.recovery_seal = !impl_->providers.empty();
    if (status.recovery_seal) status.type = impl_->providers.front()->kind();
    return status;
  }
  status.type = stored->kind();
  status.initialized = true;
  status.recovery_seal = stored->automatic();
  status.threshold = stored->threshold;
  status.shares = stored->shares;
  const std::lock_guard lock(impl_->state_mutex);
  status.progress = static_cast<std::int64_t>(impl_->shares.size());
  status.nonce = impl_->shares.nonce();
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
  const std::lock_guard lock(state_mutex);
  shares.clear();
}

void Custody::seal() {
  const std::lock_guard lock(impl_->operation_mutex);
  impl_->close();
}

Result<void> Custody::rotate_keyring() {
  const std::lock_guard lock(impl_->operation_mutex);
  if (impl_->barrier.sealed() || impl_->root_key.empty()) {
    return fail(ErrorCode::kSealed, "Vault is sealed");
  }
  return impl_->barrier.rotate(impl_->root_key);
}

}  // namespace bulla::seal
