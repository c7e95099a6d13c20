// Custody's ways to the root key: combined shares, and providers.

#include <fmt/format.h>

#include <algorithm>

#include "seal/custody_impl.h"
#include "seal/people_kek.h"

namespace bulla::seal {
namespace {

constexpr std::string_view kWrongShares =
    "unable to retrieve stored keys: invalid key: failed to decrypt keys from "
    "storage: cipher: message authentication failed";

bool is_shamir(const StoredPasskey& stored) {
  return stored.passkey.kind == Passkey::kShamir;
}

// The most shares that an attempt may take; 0: no share opens anything.
std::uint32_t most_shares(const SealState& state) {
  std::uint32_t most = 0;
  for (const auto& stored : state.passkeys) {
    if (is_shamir(stored)) most = std::max(most, stored.passkey.threshold);
  }
  return most;
}

bool some_takes(const SealState& state, std::size_t shares) {
  return std::ranges::any_of(state.passkeys, [&](const auto& stored) {
    return is_shamir(stored) && stored.passkey.threshold == shares;
  });
}

}  // namespace

Result<void> Custody::Impl::open(const StoredPasskey& stored,
                                 SecretBytes root) {
  const Passkey& passkey = stored.passkey;
  if (!constant_time_equal(check_value(root), passkey.check)) {
    return fail(corrupt(fmt::format(
        "{}: holds another root key than it was made for", passkey.path())));
  }
  TRY(barrier.unseal(root));
  root_key = std::move(root);
  log.info("root key opened",
           {{"passkey", passkey.name}, {"kind", passkey.kind}});
  return {};
}

// Notes that the passkey opened, and wraps it anew when the KEK of its version
// is another one now (a static key that followed the last one). Moving to
// another version is a rotation, not this. The server is open already: what
// fails here is only worth a line in the log.
void Custody::Impl::refresh(const SealState& state, StoredPasskey stored,
                            const SecretBytes& root) {
  Passkey& passkey = stored.passkey;
  passkey.verified = clock.now();
  const auto* recorded = state.config.find(passkey.provider_id());
  kek::KekProvider* const wrapper = provider(passkey.provider_id());
  if (wrapper != nullptr && recorded != nullptr &&
      passkey.wrapped.version == recorded->write_version() &&
      !wrapper->is_current(passkey.wrapped)) {
    auto wrapped = wrap_root(state.config, passkey, root);
    if (!wrapped) {
      log.warn(
          "the root key was not wrapped under the newest key",
          {{"passkey", passkey.name}, {"error", wrapped.error().message()}});
      return;
    }
    log.info("root key wrapped under a newer key",
             {{"passkey", passkey.name}, {"key_id", wrapped->key_id}});
    passkey.wrapped = *std::move(wrapped);
  }
  const storage::Change change{passkey.path(), passkey.serialise(),
                               stored.version};
  const auto written = barrier.storage().commit({&change, 1});
  if (written) {
    // What is remembered holds the version before; whoever asks reads anew.
    static_cast<void>(read_state());
    return;
  }
  log.warn("the passkey's record was not updated",
           {{"passkey", passkey.name}, {"error", written.error().message()}});
}

Result<bool> Custody::Impl::open_with_unseal_key(
    const SealState& state, const SecretBytes& unseal_key) {
  for (const auto& stored : state.passkeys) {
    if (!is_shamir(stored)) continue;
    auto root = unwrap_with_people_kek(
        unseal_key, stored.passkey,
        passkey_context(state.config.installation, stored.passkey.id));
    if (!root) continue;
    TRY(open(stored, *std::move(root)));
    refresh(state, stored, root_key);
    settle_former(stored.passkey.id);
    return true;
  }
  return false;
}

// With shamir passkeys of several thresholds an attempt is tried at each; only
// the highest one ends it.
Result<bool> Custody::Impl::try_shares(const SealState& known_before,
                                       std::uint32_t most) {
  std::vector<SecretBytes> collected;
  bool last = false;
  {
    const std::lock_guard lock(state_mutex);
    if (!some_takes(known_before, shares.size()) && shares.size() < most) {
      return false;
    }
    last = shares.size() >= most;
    collected = last ? shares.take() : shares.copy();
  }
  TRY_ASSIGN(const auto state, initialized_state());
  auto unseal_key = combine_key(std::move(collected));
  if (!unseal_key && last) {
    return fail(std::move(unseal_key)
                    .error()
                    .with_context("failed to compute combined key"));
  }
  if (!unseal_key) return false;
  TRY_ASSIGN(const bool opened, open_with_unseal_key(state, *unseal_key));
  if (!opened && last) {
    return fail(invalid_argument(std::string(kWrongShares)));
  }
  if (opened) {
    const std::lock_guard lock(state_mutex);
    shares.clear();
  }
  return opened;
}

Result<bool> Custody::submit_share(SecretBytes share) {
  const std::lock_guard lock(impl_->operation_mutex);
  TRY_ASSIGN(const auto state, impl_->known_state());
  if (!state) return fail(invalid_argument("Vault is not initialized"));
  TRY(impl_->check_install(*state));
  if (!impl_->barrier.sealed()) return true;
  TRY(ShareCollector::check_length(share));
  const std::uint32_t most = most_shares(*state);
  if (most == 0) return false;  // no share opens such a server
  {
    const std::lock_guard guard(impl_->state_mutex);
    impl_->shares.add(std::move(share), impl_->rng);
  }
  return impl_->try_shares(*state, most);
}

Result<Unlocked> Custody::Impl::unlock_with(const SealState& state,
                                            kek::KekProvider& wrapper) {
  const ProviderId id = id_of(wrapper);
  Error error = corrupt(
      fmt::format("seal \"{}\": no passkey under it is in storage", id.name));
  for (const auto& stored : state.passkeys) {
    if (stored.passkey.provider_id() != id) continue;
    auto root = unwrap_with(wrapper, state.config, stored.passkey);
    if (root) return Unlocked{*std::move(root), stored.passkey.id};
    error = std::move(root).error();
    // Who does not answer would be waited for once a passkey.
    if (error.code() == ErrorCode::kUnavailable) break;
  }
  return fail(std::move(error));
}

Result<std::optional<Unlocked>> Custody::unlock() {
  TRY_ASSIGN(const auto state, impl_->read_state());
  if (!state) return std::nullopt;
  TRY(impl_->check_install(*state));
  std::optional<Error> last;
  for (const auto& provider : impl_->providers) {
    const ProviderId id = id_of(*provider);
    if (state->config.find(id) == nullptr) continue;  // a candidate
    auto unlocked = impl_->unlock_with(*state, *provider);
    if (unlocked) return *std::move(unlocked);
    impl_->log.warn(
        "a seal did not open the root key",
        {{"seal", provider_text(id)}, {"error", unlocked.error().message()}});
    last = last ? Error(unlocked.error().code(),
                        last->message() + "; " + unlocked.error().message())
                : std::move(unlocked).error();
  }
  if (last) return fail(*std::move(last));
  return std::nullopt;
}

Result<Unlocked> Custody::unlock_with_passphrase(const SecretBytes& passphrase,
                                                 std::string_view name) {
  const std::unique_lock only(impl_->passphrase_mutex, std::try_to_lock);
  if (!only) {
    return fail(ErrorCode::kConflict,
                "another passphrase is being tried; try again in a moment");
  }
  TRY_ASSIGN(const auto state, impl_->initialized_state());
  TRY(impl_->check_install(state));
  Error error = invalid_argument(
      name.empty() ? std::string("no passphrase opens this server")
                   : fmt::format("no passphrase passkey is called \"{}\"",
                                 name.substr(0, Passkey::kTextBytesMax)));
  for (const auto& stored : state.passkeys) {
    const Passkey& passkey = stored.passkey;
    if (passkey.kind != Passkey::kPassphrase) continue;
    if (!name.empty() && passkey.name != name) continue;
    auto root = impl_->open_with_passphrase(state.config, passkey, passphrase);
    if (root) return Unlocked{*std::move(root), passkey.id};
    error = std::move(root).error();
  }
  return fail(std::move(error));
}

Result<void> Custody::take(Unlocked unlocked) {
  std::unique_lock lock(impl_->operation_mutex);
  if (!impl_->barrier.sealed()) return {};
  TRY_ASSIGN(const auto state, impl_->initialized_state());
  const auto stored =
      std::ranges::find_if(state.passkeys, [&](const StoredPasskey& one) {
        return one.passkey.id == unlocked.passkey_id;
      });
  if (stored == state.passkeys.end()) {
    return fail(ErrorCode::kConflict, "the passkey was deleted meanwhile");
  }
  const SecretBytes root = unlocked.root_key.clone();
  TRY(impl_->open(*stored, std::move(unlocked.root_key)));
  lock.unlock();  // what follows may ask the KEK
  impl_->refresh(state, *stored, root);
  return {};
}

Result<bool> Custody::auto_unseal() {
  if (!impl_->barrier.sealed()) return true;
  TRY_ASSIGN(auto unlocked, unlock());
  if (!unlocked) return false;
  TRY(take(*std::move(unlocked)));
  return true;
}

}  // namespace bulla::seal
