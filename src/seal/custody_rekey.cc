// Custody's rekey: a new root key, unseal key or recovery key, in one commit.

#include <fmt/format.h>

#include <iterator>

#include "base/assert.h"
#include "seal/custody_impl.h"
#include "seal/former.h"
#include "seal/root_seal.h"

namespace bulla::seal {
namespace {

constexpr int kCommitAttempts = 3;

storage::Change backup_change(std::string_view path,
                              const ShareBackup* backup) {
  storage::Change change{std::string(path), std::nullopt, std::nullopt};
  if (backup != nullptr) change.value = backup->serialise();
  return change;
}

bool leaves_former(const KeyReplacement& replacement) {
  return replacement.key != nullptr && replacement.former != nullptr &&
         !replacement.heard;
}

// What a client can do something about is not "not found".
Error for_passkey(Error error, const Passkey& passkey) {
  const std::string what =
      fmt::format("passkey \"{}\" cannot take a new root key", passkey.name);
  if (error.code() != ErrorCode::kNotFound) {
    return std::move(error).with_context(what);
  }
  return invalid_argument(
      fmt::format("{}: {}; make its KEK available, or delete the passkey", what,
                  error.message()));
}

}  // namespace

void Custody::add_root_sealed(RootSealed& other) {
  impl_->root_sealed.push_back(&other);
}

Result<Passkey> Custody::Impl::moved(const SealState& state,
                                     const Passkey& passkey,
                                     const KeyReplacement& replacement,
                                     const SecretBytes& root) {
  Passkey next = passkey;
  next.check = check_value(root);
  if (replacement.key == nullptr || &passkey != state.shamir()) {
    auto wrapped = wrap_root(state.config, passkey, root);
    if (!wrapped) return fail(for_passkey(std::move(wrapped).error(), passkey));
    next.wrapped = *std::move(wrapped);
    return next;
  }
  next.shares = replacement.shares;
  next.threshold = replacement.threshold;
  TRY_ASSIGN(next.wrapped,
             wrap_under_unseal_key(
                 *replacement.key, root,
                 passkey_context(state.config.installation, passkey.id), rng));
  return next;
}

// A second passkey that the former shares open, on the new root key.
Result<void> Custody::Impl::add_former(const SealState& state,
                                       const SecretBytes& former,
                                       const SecretBytes& root,
                                       std::vector<storage::Change>& changes) {
  const Passkey& present = *state.shamir();
  if (state.passkeys.size() >= Passkey::kCountMax) {
    return fail(invalid_argument(
        "there is no place for a passkey more, which a rekey needs for a "
        "moment: delete one first"));
  }
  Passkey passkey = present;
  passkey.id = rng.uuid();
  passkey.name =
      fmt::format("{} before rekey {}", present.name, passkey.id.substr(0, 8));
  passkey.created = present.created + std::chrono::nanoseconds(1);
  passkey.check = check_value(root);
  TRY_ASSIGN(passkey.wrapped,
             wrap_under_unseal_key(
                 former, root,
                 passkey_context(state.config.installation, passkey.id), rng));
  TRY_ASSIGN(auto copy, kek_copy(passkey, former));
  const FormerUnseal record{passkey.id, present.id};
  TRY_ASSIGN(auto marker,
             barrier.seal_change(barrier::Change::put(
                 std::string(FormerUnseal::kPath), record.serialise())));
  changes.push_back(
      {passkey.path(), passkey.serialise(), storage::Change::kAbsent});
  changes.push_back(std::move(copy));
  changes.push_back(std::move(marker));
  return {};
}

Result<std::vector<storage::Change>> Custody::Impl::root_changes(
    const SealState& state, const KeyReplacement& replacement,
    const SecretBytes& from, const SecretBytes& root) {
  std::vector<storage::Change> changes;
  for (const auto& [passkey, version] : state.passkeys) {
    TRY_ASSIGN(const auto next, moved(state, passkey, replacement, root));
    changes.push_back({next.path(), next.serialise(), version});
  }
  if (replacement.key != nullptr) {
    TRY_ASSIGN(auto copy, kek_copy(*state.shamir(), *replacement.key));
    changes.push_back(std::move(copy));
    changes.push_back(
        backup_change(ShareBackup::kUnsealPath, replacement.backup));
  }
  if (leaves_former(replacement)) {
    TRY(add_former(state, *replacement.former, root, changes));
  }
  for (RootSealed* const other : root_sealed) {
    TRY_ASSIGN(auto more, other->reseal(from, root));
    BULLA_ASSERT(more.size() <= RootSealed::kChangesMax);
    std::ranges::move(more, std::back_inserter(changes));
  }
  return changes;
}

Result<void> Custody::Impl::settle_root() {
  if (unsettled_root.empty()) return {};
  const auto took = barrier.unseal(unsettled_root);
  if (!took && took.error().code() != ErrorCode::kCorrupt) return took;
  SecretBytes root = std::move(unsettled_root);
  unsettled_root = SecretBytes();
  if (!took) return {};
  log.warn("a rekey whose outcome was unknown had been stored");
  root_key = std::move(root);
  return {};
}

Result<void> Custody::Impl::settled() {
  const std::lock_guard lock(operation_mutex);
  return settle_root();
}

Result<const SecretBytes*> Custody::Impl::settled_root() {
  if (barrier.sealed() || root_key.empty()) {
    return fail(ErrorCode::kSealed, "Vault is sealed");
  }
  TRY(settle_root());
  return &root_key;
}

// No rekey commits while it reads.
Result<std::optional<barrier::Entry>> Custody::get_under_root(
    std::string_view path) {
  const std::lock_guard lock(impl_->operation_mutex);
  TRY_ASSIGN(const SecretBytes* const root, impl_->settled_root());
  TRY_ASSIGN(const auto entry, impl_->barrier.get(path));
  if (!entry) return std::nullopt;
  TRY_ASSIGN(auto opened, open_under(*root, path, entry->value.expose()));
  return barrier::Entry{std::move(opened), entry->version};
}

Result<Bytes> Custody::seal_under_root(std::string_view path,
                                       ByteView plaintext) {
  const std::lock_guard lock(impl_->operation_mutex);
  TRY_ASSIGN(const SecretBytes* const root, impl_->settled_root());
  return seal_under(*root, path, plaintext, impl_->rng);
}

void Custody::Impl::note_former_made() {
  const std::lock_guard lock(state_mutex);
  former_made = clock.now();
}

Result<void> Custody::Impl::commit_root(const SealState& state,
                                        std::vector<storage::Change> changes,
                                        SecretBytes root) {
  const std::lock_guard lock(operation_mutex);
  if (barrier.sealed() || root_key.empty()) {
    return fail(ErrorCode::kSealed, "Vault is sealed");
  }
  Result<void> committed;
  // The keyring's own bookkeeping may come in between.
  for (int attempt = 0; attempt < kCommitAttempts; ++attempt) {
    auto all = changes;
    TRY_ASSIGN(auto keyring, barrier.keyring_change(root));
    all.insert(all.begin(), std::move(keyring));
    committed = commit(state, state.config, std::move(all));
    if (committed || committed.error().code() != ErrorCode::kConflict) break;
  }
  if (!committed && committed.error().code() != ErrorCode::kUnavailable) {
    return committed;
  }
  // The keyring alone says which root key is the one.
  unsettled_root = std::move(root);
  const SecretBytes wanted = unsettled_root.clone();
  const auto settled = settle_root();
  if (settled && root_key == wanted) return {};
  remember(nullptr);
  return committed ? settled : committed;
}

Result<void> Custody::replace_root(const KeyReplacement& replacement) {
  Impl& impl = *impl_;
  const std::lock_guard lifecycle(impl.lifecycle_mutex);
  TRY(impl.settled());
  TRY(impl.drop_former());
  TRY_ASSIGN(const auto from, impl.live_root());
  TRY_ASSIGN(const auto state, impl.initialized_state());
  if (replacement.key != nullptr && state.shamir() == nullptr) {
    return fail(invalid_argument("there is no unseal key to replace"));
  }
  SecretBytes root = impl.rng.secret(Impl::kKeyBytes);
  TRY_ASSIGN(auto changes, impl.root_changes(state, replacement, from, root));
  TRY(impl.commit_root(state, std::move(changes), std::move(root)));
  if (leaves_former(replacement)) impl.note_former_made();
  impl.log.info("the root key was replaced",
                {{"passkeys", std::to_string(state.passkeys.size())}});
  return {};
}

Result<std::vector<storage::Change>> Custody::Impl::recovery_changes(
    const SealConfig& before, const KeyReplacement& replacement) {
  std::vector<storage::Change> changes;
  const Bytes check = check_value(*replacement.key);
  TRY_ASSIGN(auto present, barrier.seal_change(barrier::Change::put(
                               std::string(kRecoveryPath), check)));
  changes.push_back(std::move(present));
  changes.push_back(
      backup_change(ShareBackup::kRecoveryPath, replacement.backup));
  if (replacement.heard) return changes;
  FormerRecovery former_key;
  if (replacement.former != nullptr && before.recovery_shares > 0) {
    former_key = {before.recovery_shares, before.recovery_threshold,
                  check_value(*replacement.former)};
  }
  const Bytes record = former_key.serialise();
  TRY_ASSIGN(auto former, barrier.seal_change(barrier::Change::put(
                              std::string(FormerRecovery::kPath), record)));
  changes.push_back(std::move(former));
  return changes;
}

Result<void> Custody::replace_recovery(const KeyReplacement& replacement) {
  Impl& impl = *impl_;
  const std::lock_guard lifecycle(impl.lifecycle_mutex);
  TRY(impl.drop_former());
  TRY_ASSIGN(const auto state, impl.initialized_state());
  TRY_ASSIGN(auto changes, impl.recovery_changes(state.config, replacement));
  SealConfig next = state.config;
  next.recovery_shares = replacement.shares;
  next.recovery_threshold = replacement.threshold;
  auto committed = impl.commit(state, next, std::move(changes));
  if (!committed) {
    // What is remembered may not be what is stored now.
    impl.remember(nullptr);
    return committed;
  }
  if (!replacement.heard) impl.note_former_made();
  impl.log.info("the recovery key was replaced");
  return {};
}

Result<std::optional<ShareBackup>> Custody::share_backup(
    std::string_view path) {
  TRY_ASSIGN(const auto entry, impl_->barrier.storage().get(path));
  if (!entry) return std::nullopt;
  TRY_ASSIGN(auto backup, ShareBackup::parse(entry->value));
  return backup;
}

Result<void> Custody::delete_share_backup(std::string_view path) {
  const storage::Change change{std::string(path), std::nullopt, std::nullopt};
  return impl_->barrier.storage().commit({&change, 1});
}

}  // namespace bulla::seal
