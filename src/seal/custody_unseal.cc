// Custody's ways to the root key: combined shares, and providers.

#include <fmt/format.h>

#include <chrono>

#include "seal/custody_impl.h"

namespace bulla::seal {
namespace {

constexpr std::string_view kWrongShares =
    "unable to retrieve stored keys: invalid key: failed to decrypt keys from "
    "storage: cipher: message authentication failed";

}  // namespace

Result<std::vector<std::pair<Passkey, std::uint64_t>>>
Custody::Impl::read_passkeys(std::string_view kind) {
  auto& storage = barrier.storage();
  TRY_ASSIGN(const auto ids,
             storage.list(Passkey::kPrefix, {}, Passkey::kCountMax));
  std::vector<std::pair<Passkey, std::uint64_t>> found;
  for (const std::string& id : ids) {
    TRY_ASSIGN(const auto entry,
               storage.get(std::string(Passkey::kPrefix) + id));
    if (!entry) continue;
    // One damaged passkey must not keep the others from opening.
    auto passkey = Passkey::parse(id, entry->value);
    if (!passkey) {
      log.error("a passkey is damaged", {{"error", passkey.error().message()}});
      continue;
    }
    if (passkey->kind != kind) continue;
    found.emplace_back(*std::move(passkey), entry->version);
  }
  if (found.empty()) {
    return fail(
        corrupt(fmt::format("no passkey of kind \"{}\" is in storage", kind)));
  }
  return found;
}

Result<void> Custody::Impl::open(const Passkey& passkey, SecretBytes root) {
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

// Notes that the passkey opened, and wraps it anew when its KEK is not the
// current one any more. The server is open already: what fails here is only
// worth a line in the log.
void Custody::Impl::refresh(const SealConfig& stored, Passkey passkey,
                            std::uint64_t version, kek::KekProvider* provider) {
  passkey.verified = clock.now();
  if (provider != nullptr && !provider->is_current(passkey.wrapped)) {
    auto wrapped = provider->wrap(
        root_key, passkey_context(stored.installation, passkey.id),
        provider->active_version(),
        std::chrono::steady_clock::now() + kKekTimeout);
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
  const storage::Change change{passkey.path(), passkey.serialise(), version};
  const auto written = barrier.storage().commit({&change, 1});
  if (written) return;
  log.warn("the passkey's record was not updated",
           {{"passkey", passkey.name}, {"error", written.error().message()}});
}

Result<void> Custody::Impl::open_with_shares(
    const SealConfig& stored, std::vector<SecretBytes> collected) {
  auto unseal_key = combine_key(std::move(collected));
  if (!unseal_key) {
    return fail(std::move(unseal_key)
                    .error()
                    .with_context("failed to compute combined key"));
  }
  TRY_ASSIGN(const auto passkeys, read_passkeys(Passkey::kShamir));
  for (const auto& [passkey, version] : passkeys) {
    auto root = unwrap_under_unseal_key(
        *unseal_key, passkey.wrapped,
        passkey_context(stored.installation, passkey.id));
    if (!root) continue;
    TRY(open(passkey, *std::move(root)));
    refresh(stored, passkey, version, nullptr);
    return {};
  }
  return fail(invalid_argument(std::string(kWrongShares)));
}

Result<void> Custody::Impl::open_with_provider(const SealConfig& stored,
                                               kek::KekProvider& provider) {
  TRY_ASSIGN(const auto passkeys, read_passkeys(provider.kind()));
  Error error = corrupt("");
  for (const auto& [passkey, version] : passkeys) {
    auto root = provider.unwrap(
        passkey.wrapped, passkey_context(stored.installation, passkey.id),
        std::chrono::steady_clock::now() + kKekTimeout);
    if (root) {
      TRY(open(passkey, *std::move(root)));
      refresh(stored, passkey, version, &provider);
      return {};
    }
    error = std::move(root).error();
    if (error.code() != ErrorCode::kNotFound) continue;
    error = std::move(error).with_context(fmt::format(
        "the root key is sealed under the key \"{}\", which the configured "
        "seal does not have; configure that key again (with static: as "
        "current_key or previous_key)",
        passkey.wrapped.key_id));
  }
  return fail(std::move(error).with_context(
      fmt::format("seal \"{}\"", provider.name())));
}

Result<bool> Custody::auto_unseal() {
  const std::lock_guard lock(impl_->operation_mutex);
  TRY_ASSIGN(const auto stored, impl_->load_config());
  if (!stored) return false;
  TRY(impl_->check_install(*stored));
  if (!stored->automatic()) return false;
  if (!impl_->barrier.sealed()) return true;
  Error last = corrupt("no provider");
  for (const auto& provider : impl_->providers) {
    auto opened = impl_->open_with_provider(*stored, *provider);
    if (opened) return true;
    last = std::move(opened).error();
    impl_->log.warn(
        "a seal did not open the root key",
        {{"seal", std::string(provider->name())}, {"error", last.message()}});
  }
  return fail(std::move(last));
}

Result<bool> Custody::submit_share(SecretBytes share) {
  const std::lock_guard lock(impl_->operation_mutex);
  TRY_ASSIGN(const auto stored, impl_->load_config());
  if (!stored) return fail(invalid_argument("Vault is not initialized"));
  TRY(impl_->check_install(*stored));
  if (!impl_->barrier.sealed()) return true;
  TRY(ShareCollector::check_length(share));
  if (stored->automatic()) return false;  // no share opens such a server
  std::vector<SecretBytes> collected;
  {
    const std::lock_guard state(impl_->state_mutex);
    impl_->shares.add(std::move(share), impl_->rng);
    if (impl_->shares.size() < stored->threshold) return false;
    collected = impl_->shares.take();
  }
  TRY(impl_->open_with_shares(*stored, std::move(collected)));
  return true;
}

}  // namespace bulla::seal
