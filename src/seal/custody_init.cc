// Custody's init: everything is made in memory, then stored in one commit.

#include <fmt/format.h>

#include <algorithm>
#include <iterator>

#include "seal/custody_impl.h"
#include "seal/init_layout.h"

namespace bulla::seal {

Result<InitResult> Custody::init(
    const InitParams& params,
    const std::function<Result<std::vector<storage::Change>>()>& more) {
  const std::lock_guard lock(impl_->operation_mutex);
  TRY_ASSIGN(const bool done, initialized());
  if (done) return fail(invalid_argument("Vault is already initialized"));
  TRY_ASSIGN(auto plan, impl_->plan(params));
  TRY_ASSIGN(auto keyring, impl_->barrier.create(plan.root_key));
  auto written = [&]() -> Result<void> {
    TRY_ASSIGN(auto changes, more());
    if (params.before_commit) TRY(params.before_commit(plan.result));
    changes.push_back(std::move(keyring));
    return impl_->write(plan, std::move(changes));
  }();
  if (!written) {
    impl_->close();
    return fail(std::move(written).error());
  }
  impl_->root_key = std::move(plan.root_key);
  impl_->log.info("initialised", {{"seal", plan.passkeys.front().kind}});
  // It is stored whatever a read says now; who asks next reads it.
  static_cast<void>(impl_->read_state());
  return std::move(plan.result);
}

Result<InitPlan> Custody::Impl::plan(const InitParams& params) {
  const bool automatic = !providers.empty();
  TRY_ASSIGN(
      const auto layout,
      init_layout(params,
                  automatic ? providers.front()->kind() : Passkey::kShamir,
                  automatic));
  InitPlan made;
  made.config.installation = rng.uuid();
  made.config.created = clock.now();
  made.root_key = rng.secret(kKeyBytes);
  if (!automatic) {
    TRY(plan_shamir(made, layout));
    return made;
  }
  made.config.recovery_shares = layout.shares;
  made.config.recovery_threshold = layout.threshold;
  TRY(plan_automatic(made));
  return made;
}

Passkey Custody::Impl::new_passkey(const SecretBytes& root,
                                   std::string_view kind,
                                   std::string_view name) const {
  Passkey passkey;
  passkey.id = rng.uuid();
  passkey.kind = kind;
  passkey.name = name;
  passkey.check = check_value(root);
  passkey.created = passkey.verified = clock.now();
  return passkey;
}

Result<void> Custody::Impl::plan_shamir(InitPlan& made,
                                        const InitLayout& layout) {
  made.unseal_key = rng.secret(kKeyBytes);
  TRY_ASSIGN(made.result.shares,
             split_key(made.unseal_key, layout.shares, layout.threshold, rng));
  Passkey passkey =
      new_passkey(made.root_key, Passkey::kShamir, Passkey::kShamir);
  passkey.shares = layout.shares;
  passkey.threshold = layout.threshold;
  TRY_ASSIGN(passkey.wrapped,
             wrap_under_unseal_key(
                 made.unseal_key, made.root_key,
                 passkey_context(made.config.installation, passkey.id), rng));
  made.passkeys.push_back(std::move(passkey));
  return {};
}

Result<void> Custody::Impl::plan_automatic(InitPlan& made) {
  if (providers.size() > SealConfig::kProvidersMax) {
    return fail(invalid_argument(fmt::format(
        "more than {} seals are configured", SealConfig::kProvidersMax)));
  }
  for (const auto& provider : providers) {
    Passkey passkey =
        new_passkey(made.root_key, provider->kind(), provider->name());
    passkey.provider = provider->name();
    TRY_ASSIGN(auto recorded,
               wrap_first(*provider, made.config, passkey, made.root_key));
    made.config.providers.push_back(std::move(recorded));
    made.passkeys.push_back(std::move(passkey));
  }
  if (made.config.recovery_shares == 0) return {};
  made.recovery_key = rng.secret(kKeyBytes);
  TRY_ASSIGN(made.result.recovery_shares,
             split_key(made.recovery_key, made.config.recovery_shares,
                       made.config.recovery_threshold, rng));
  return {};
}

// Each expects its path to be new, so that of two inits that race over one
// storage the second changes nothing.
Result<std::vector<storage::Change>> Custody::Impl::changes_of(
    const InitPlan& made) {
  std::vector<storage::Change> changes;
  changes.push_back({std::string(SealConfig::kPath), made.config.serialise(),
                     storage::Change::kAbsent});
  for (const Passkey& passkey : made.passkeys) {
    changes.push_back(
        {passkey.path(), passkey.serialise(), storage::Change::kAbsent});
  }
  if (!made.unseal_key.empty()) {
    TRY_ASSIGN(auto copy, kek_copy(made.passkeys.front(), made.unseal_key));
    changes.push_back(std::move(copy));
  }
  if (made.recovery_key.empty()) return changes;
  const Bytes verifier = check_value(made.recovery_key);
  TRY_ASSIGN(auto sealed, barrier.seal_change(barrier::Change::put(
                              std::string(kRecoveryPath), verifier)));
  changes.push_back(std::move(sealed));
  return changes;
}

Result<void> Custody::Impl::write(const InitPlan& made,
                                  std::vector<storage::Change> more) {
  TRY_ASSIGN(auto changes, changes_of(made));
  std::ranges::move(more, std::back_inserter(changes));
  auto committed = barrier.storage().commit(changes);
  if (committed) return {};
  return settle(made, std::move(committed).error());
}

// A commit that failed may have been applied; giving up its shares then would
// lose the installation. So storage is asked.
Result<void> Custody::Impl::settle(const InitPlan& made, Error error) {
  if (error.code() == ErrorCode::kConflict) {
    return fail(invalid_argument("Vault is already initialized"));
  }
  if (error.code() != ErrorCode::kUnavailable) return fail(std::move(error));
  const auto entry = barrier.storage().get(SealConfig::kPath);
  if (!entry) {
    return fail(std::move(error).with_context(
        "storage did not say whether the initialisation was stored; clear it "
        "if it was"));
  }
  if (!*entry) return fail(std::move(error));
  if ((*entry)->value == made.config.serialise()) return {};
  return fail(invalid_argument("Vault is already initialized"));
}

}  // namespace bulla::seal
