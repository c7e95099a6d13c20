// Custody's records: read, remembered, and changed in one commit.

#include <fmt/format.h>

#include "seal/custody_impl.h"

namespace bulla::seal {
namespace {

// By making; ids, which are random, settle what was made at one moment.
bool made_before(const StoredPasskey& a, const StoredPasskey& b) {
  return std::tie(a.passkey.created, a.passkey.id) <
         std::tie(b.passkey.created, b.passkey.id);
}

Result<std::vector<StoredPasskey>> read_passkeys(storage::Storage& storage,
                                                 const Logger& log) {
  TRY_ASSIGN(const auto ids,
             storage.list(Passkey::kPrefix, {}, Passkey::kCountMax));
  std::vector<StoredPasskey> found;
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
    found.push_back({*std::move(passkey), entry->version});
  }
  std::ranges::sort(found, made_before);
  return found;
}

bool holds(const std::optional<storage::Entry>& entry,
           const storage::Change& change) {
  if (!change.value) return !entry;
  return entry && entry->value == *change.value;
}

// Whether storage holds what `changes` would leave. A commit is all or nothing,
// so that one entry of it tells, if it tells old from new.
Result<bool> applied(storage::Storage& storage,
                     const std::vector<storage::Change>& changes) {
  for (const storage::Change& change : changes) {
    TRY_ASSIGN(const auto entry, storage.get(change.path));
    if (!holds(entry, change)) return false;
  }
  return true;
}

}  // namespace

Result<std::optional<SealState>> Custody::Impl::read_state() {
  auto& storage = barrier.storage();
  TRY_ASSIGN(const auto entry, storage.get(SealConfig::kPath));
  if (!entry) return std::nullopt;
  SealState state;
  TRY_ASSIGN(state.config, SealConfig::parse(entry->value));
  state.version = entry->version;
  TRY_ASSIGN(state.passkeys, read_passkeys(storage, log));
  for (const auto& [passkey, version] : state.passkeys) {
    kek::KekProvider* const wrapper = provider(passkey.provider_id());
    if (wrapper == nullptr) continue;
    wrapper->adopt(passkey.wrapped.version, passkey.wrapped.key_id);
  }
  remember(std::make_shared<const SealState>(state));
  return state;
}

void Custody::Impl::remember(std::shared_ptr<const SealState> state) {
  const std::lock_guard lock(state_mutex);
  known = std::move(state);
}

Result<std::shared_ptr<const SealState>> Custody::Impl::known_state() {
  {
    const std::lock_guard lock(state_mutex);
    if (known) return known;
  }
  TRY(read_state());
  const std::lock_guard lock(state_mutex);
  return known;
}

Result<SealState> Custody::Impl::initialized_state() {
  TRY_ASSIGN(auto state, read_state());
  if (!state) return fail(invalid_argument("Vault is not initialized"));
  return *std::move(state);
}

Result<void> Custody::Impl::commit(const SealState& state,
                                   const SealConfig& next,
                                   std::vector<storage::Change> changes) {
  auto& storage = barrier.storage();
  // Last, since it may stay as it was and then tells nothing.
  changes.push_back(
      {std::string(SealConfig::kPath), next.serialise(), state.version});
  auto committed = storage.commit(changes);
  if (!committed && committed.error().code() == ErrorCode::kUnavailable) {
    const auto asked = applied(storage, changes);
    if (asked && *asked) committed = {};
  }
  if (!committed && committed.error().code() == ErrorCode::kConflict) {
    return fail(ErrorCode::kConflict,
                "another change of passkeys or keys came first; nothing was "
                "changed: look again, and repeat it");
  }
  if (!committed) return committed;
  // Stored it is; when it cannot be read now, whoever asks next reads it.
  if (!read_state()) remember(nullptr);
  return {};
}

Result<SecretBytes> Custody::Impl::live_root() {
  const std::lock_guard lock(operation_mutex);
  if (barrier.sealed() || root_key.empty()) {
    return fail(ErrorCode::kSealed, "Vault is sealed");
  }
  return root_key.clone();
}

}  // namespace bulla::seal
