// Whose shares authorise, and how long those before a rekey still do.

#include <algorithm>

#include "seal/custody_impl.h"
#include "seal/former.h"
#include "seal/quorum.h"

namespace bulla::seal {
namespace {

storage::Change removal(std::string path) {
  return {std::move(path), std::nullopt, std::nullopt};
}

void remove_passkey(const std::string& id,
                    std::vector<storage::Change>& changes) {
  changes.push_back(removal(std::string(Passkey::kPrefix) + id));
  changes.push_back(removal(std::string(Passkey::kKekPrefix) + id));
}

const StoredPasskey* by_id(const SealState& state, std::string_view id) {
  const auto found = std::ranges::find_if(
      state.passkeys,
      [&](const auto& stored) { return stored.passkey.id == id; });
  return found == state.passkeys.end() ? nullptr : &*found;
}

}  // namespace

Result<std::optional<FormerUnseal>> Custody::Impl::former_unseal() {
  TRY_ASSIGN(const auto entry, barrier.get(FormerUnseal::kPath));
  if (!entry) return std::nullopt;
  TRY_ASSIGN(auto record, FormerUnseal::parse(entry->value.expose()));
  return record;
}

Result<std::optional<FormerRecovery>> Custody::Impl::former_recovery() {
  TRY_ASSIGN(const auto entry, barrier.get(FormerRecovery::kPath));
  if (!entry) return std::nullopt;
  TRY_ASSIGN(auto record, FormerRecovery::parse(entry->value.expose()));
  return record;
}

Result<Authority> Custody::authority() {
  Impl& impl = *impl_;
  TRY_ASSIGN(const auto state, impl.known_state());
  if (!state) return fail(invalid_argument("server is not yet initialized"));
  if (impl.barrier.sealed()) {
    return fail(ErrorCode::kSealed, "Vault is sealed");
  }
  Authority authority;
  authority.automatic = state->config.automatic();
  authority.recovery = state->config.recovery_shares > 0;
  if (authority.recovery) {
    authority.shares = state->config.recovery_shares;
    authority.threshold = state->config.recovery_threshold;
    TRY_ASSIGN(const auto former, impl.former_recovery());
    if (!former || impl.made_former()) return authority;
    authority.former_threshold = former->threshold;
    authority.unheard = former->none();
    if (former->none() && state->shamir() != nullptr) {
      authority.former_threshold = state->shamir()->threshold;
    }
    return authority;
  }
  const Passkey* const shamir = state->shamir();
  if (shamir == nullptr) return authority;
  authority.shares = shamir->shares;
  authority.threshold = shamir->threshold;
  TRY_ASSIGN(const auto former, impl.former_unseal());
  if (!former || impl.made_former()) return authority;
  const StoredPasskey* const other = by_id(*state, former->former_id);
  if (other != nullptr) authority.former_threshold = other->passkey.threshold;
  return authority;
}

Result<void> Custody::Impl::check_unseal_key(const SecretBytes& key) {
  TRY_ASSIGN(const auto state, initialized_state());
  TRY_ASSIGN(const auto root, live_root());
  const auto opens = [&](const Passkey& passkey) {
    const auto opened = unwrap_under_unseal_key(
        key, passkey.wrapped,
        passkey_context(state.config.installation, passkey.id));
    return opened && *opened == root;
  };
  const Passkey* const present = state.shamir();
  TRY_ASSIGN(const auto former, former_unseal());
  const bool honoured = former && !made_former();
  if (present != nullptr && opens(*present)) {
    if (honoured) settle_former(present->id);
    return {};
  }
  const StoredPasskey* const other =
      honoured ? by_id(state, former->former_id) : nullptr;
  if (other == nullptr || !opens(other->passkey)) {
    return fail(invalid_argument(
        "unseal key verification failed: cipher: message authentication "
        "failed"));
  }
  settle_former(other->passkey.id);
  return {};
}

Result<void> Custody::Impl::check_recovery_key(const SecretBytes& key) {
  TRY_ASSIGN(const auto stored, barrier.get(kRecoveryPath));
  const Bytes check = check_value(key);
  const bool present =
      stored && constant_time_equal(check, stored->value.expose());
  TRY_ASSIGN(const auto former, former_recovery());
  const bool honoured = former && !made_former();
  if (present) {
    if (honoured) settle_recovery(nullptr);
    return {};
  }
  const bool before =
      honoured && (former->none() ? check_unseal_key(key).has_value()
                                  : constant_time_equal(check, former->check));
  if (!before) {
    return fail(invalid_argument(
        "recovery key verification failed: recovery key does not match "
        "submitted values"));
  }
  settle_recovery(&*former);
  return {};
}

Result<std::optional<SecretBytes>> Custody::prove(Quorum& quorum,
                                                  const Authority& authority) {
  const std::size_t given = quorum.size();
  const std::size_t last =
      std::max(authority.threshold, authority.former_threshold);
  const bool due = given == authority.threshold ||
                   given == authority.former_threshold || given >= last;
  if (!due) return std::nullopt;
  auto checked = [&]() -> Result<SecretBytes> {
    TRY(impl_->settled());
    auto key = quorum.combine();
    if (!key) {
      return fail(std::move(key).error().with_context(
          authority.recovery ? "recovery key verification failed"
                             : "unseal key verification failed"));
    }
    TRY(authority.recovery ? impl_->check_recovery_key(*key)
                           : impl_->check_unseal_key(*key));
    return key;
  }();
  if (checked) return *std::move(checked);
  if (checked.error().code() == ErrorCode::kInvalidArgument && given < last) {
    return std::nullopt;
  }
  quorum.clear();
  return fail(std::move(checked).error());
}

bool Custody::Impl::made_former() {
  const std::lock_guard lock(state_mutex);
  return former_made.has_value();
}

// One of the two unseal keys was proved to be held; the other one goes.
void Custody::Impl::settle_former(const std::string& held_id) {
  const auto settle = [&]() -> Result<void> {
    TRY_ASSIGN(const auto former, former_unseal());
    if (!former) return {};
    const bool reverts = held_id == former->former_id;
    if (!reverts && held_id != former->present_id) return {};
    TRY_ASSIGN(const auto state, initialized_state());
    std::vector<storage::Change> changes;
    const StoredPasskey* const present = by_id(state, former->present_id);
    const StoredPasskey* const other = by_id(state, former->former_id);
    if (reverts && other != nullptr && present != nullptr) {
      Passkey renamed = other->passkey;
      renamed.name = present->passkey.name;
      changes.push_back({renamed.path(), renamed.serialise(), other->version});
    }
    remove_passkey(reverts ? former->present_id : former->former_id, changes);
    changes.push_back(removal(std::string(FormerUnseal::kPath)));
    log.warn(reverts ? "the last rekey never gave its shares out: the former "
                       "shares stay"
                     : "the shares before the last rekey were dropped");
    return commit(state, state.config, std::move(changes));
  };
  if (const auto settled = settle(); !settled) {
    log.error("cannot drop the other unseal key of the last rekey",
              {{"error", settled.error().message()}});
  }
}

void Custody::Impl::settle_recovery(const FormerRecovery* reverted) {
  const auto settle = [&]() -> Result<void> {
    TRY_ASSIGN(const auto state, initialized_state());
    SealConfig next = state.config;
    std::vector<storage::Change> changes;
    if (reverted != nullptr) {
      next.recovery_shares = reverted->shares;
      next.recovery_threshold = reverted->threshold;
      auto change = reverted->none()
                        ? barrier::Change::remove(std::string(kRecoveryPath))
                        : barrier::Change::put(std::string(kRecoveryPath),
                                               reverted->check);
      TRY_ASSIGN(auto sealed, barrier.seal_change(change));
      changes.push_back(std::move(sealed));
      log.warn(
          "the last rekey never gave its shares out: the former recovery "
          "shares stay");
    }
    changes.push_back(removal(std::string(FormerRecovery::kPath)));
    return commit(state, next, std::move(changes));
  };
  if (const auto settled = settle(); !settled) {
    log.error("cannot drop the other recovery key of the last rekey",
              {{"error", settled.error().message()}});
  }
}

// What this process left of the shares before its last rekey.
Result<void> Custody::Impl::drop_former() {
  if (!made_former()) return {};
  TRY_ASSIGN(const auto state, initialized_state());
  TRY_ASSIGN(const auto former, former_unseal());
  std::vector<storage::Change> changes;
  if (former) {
    remove_passkey(former->former_id, changes);
    changes.push_back(removal(std::string(FormerUnseal::kPath)));
  }
  changes.push_back(removal(std::string(FormerRecovery::kPath)));
  TRY(commit(state, state.config, std::move(changes)));
  const std::lock_guard lock(state_mutex);
  former_made.reset();
  return {};
}

Result<void> Custody::forget_former(Duration grace) {
  Impl& impl = *impl_;
  {
    const std::lock_guard lock(impl.state_mutex);
    if (!impl.former_made) return {};
    const auto age = impl.clock.now() - *impl.former_made;
    if (age >= Duration{0} && age < grace) return {};
  }
  if (impl.barrier.sealed()) return {};
  // Sealing asks for this, and waits for no KEK: what stays is settled when the
  // server is next opened by shares.
  const std::unique_lock lifecycle(impl.lifecycle_mutex, std::try_to_lock);
  return lifecycle.owns_lock() ? impl.drop_former() : Result<void>{};
}

}  // namespace bulla::seal
