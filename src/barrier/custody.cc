// Barrier's keyring: made, opened, rotated, stored anew, forgotten. Every write
// of it reads what is stored first and expects just that version, so that no
// write of ours can undo one that it has not seen.

#include <fmt/format.h>

#include <utility>

#include "barrier/barrier.h"
#include "barrier/entry.h"
#include "barrier/keyring.h"

namespace bulla::barrier {
namespace {

constexpr std::uint32_t kKeyringTerm = 1;  // reference/seal.md §3
constexpr int kUpdateAttempts = 3;

Result<crypto::Aead> root_aead(const SecretBytes& root_key) {
  if (root_key.size() != Keyring::kRootKeyBytes) {
    return fail(
        invalid_argument(fmt::format("a root key of {} bytes, not {}",
                                     root_key.size(), Keyring::kRootKeyBytes)));
  }
  return crypto::Aead::create(crypto::AeadAlgorithm::kAes256Gcm,
                              root_key.expose());
}

storage::Change keyring_put(const crypto::Aead& root, const SecretBytes& record,
                            std::uint64_t expected, crypto::Rng& rng) {
  return {std::string(Barrier::kKeyringPath),
          seal_entry(root, kKeyringTerm, Barrier::kKeyringPath, record.expose(),
                     rng),
          expected};
}

Result<std::vector<Keyring::Term>> open_record(const SecretBytes& root_key,
                                               ByteView stored) {
  TRY_ASSIGN(const auto aead, root_aead(root_key));
  TRY_ASSIGN(const auto entry, SealedEntry::parse(stored));
  if (entry.term != kKeyringTerm) {
    return fail(corrupt(fmt::format("sealed under term {}", entry.term)));
  }
  TRY_ASSIGN(const auto record, open_entry(aead, Barrier::kKeyringPath, entry));
  return Keyring::parse(record.expose());
}

}  // namespace

/// The stored keyring's terms, the root key that opened it, its version.
struct Barrier::StoredKeyring {
  std::vector<Keyring::Term> terms;
  SecretBytes root_key;
  std::uint64_t version = storage::Change::kAbsent;
};

Result<Barrier::StoredKeyring> Barrier::read_keyring(
    std::span<const SecretBytes* const> root_keys) {
  TRY_ASSIGN(const auto entry, storage_.get(kKeyringPath));
  if (!entry) return fail(not_found("no keyring is stored: not initialised"));
  Error error = corrupt("no root key");
  for (const SecretBytes* root_key : root_keys) {
    auto terms = open_record(*root_key, entry->value);
    if (terms) {
      return StoredKeyring{*std::move(terms), root_key->clone(),
                           entry->version};
    }
    error = std::move(terms.error());
  }
  return fail(std::move(error).with_context(
      "core/keyring: wrong root key or damaged keyring"));
}

Result<Barrier::StoredKeyring> Barrier::refresh(const Keyring& live,
                                                const SecretBytes* root_key) {
  std::vector<const SecretBytes*> root_keys{&live.root_key()};
  if (!pending_root_.empty()) root_keys.push_back(&pending_root_);
  if (root_key != nullptr) root_keys.push_back(root_key);
  TRY_ASSIGN(auto stored, read_keyring(root_keys));
  TRY_ASSIGN(stored.terms, merge_terms(std::move(stored.terms), live.terms()));
  return stored;
}

Result<storage::Change> Barrier::create(const SecretBytes& root_key) {
  const std::lock_guard lock(keyring_mutex_);
  if (!sealed()) {
    return fail(ErrorCode::kConflict, "the barrier is already open");
  }
  StoredKeyring fresh{{}, root_key.clone(), storage::Change::kAbsent};
  TRY(add_term(fresh));
  TRY_ASSIGN(const auto keyring, Keyring::create(root_key, fresh.terms));
  keyring_.publish(keyring);
  return keyring_put(keyring->root_aead(), Keyring::serialise(fresh.terms),
                     storage::Change::kAbsent, rng_);
}

Result<void> Barrier::unseal(const SecretBytes& root_key) {
  const std::lock_guard lock(keyring_mutex_);
  const SecretBytes* candidate = &root_key;
  TRY_ASSIGN(auto stored, read_keyring({&candidate, 1}));
  if (const auto live = keyring_.load()) {
    TRY_ASSIGN(stored.terms,
               merge_terms(std::move(stored.terms), live->terms()));
  }
  TRY_ASSIGN(auto keyring, Keyring::create(root_key, std::move(stored.terms)));
  keyring_.publish(std::move(keyring));
  pending_root_ = SecretBytes();
  return {};
}

void Barrier::seal() {
  const std::lock_guard lock(keyring_mutex_);
  keyring_.publish(nullptr);
  pending_root_ = SecretBytes();
}

Result<void> Barrier::add_term(StoredKeyring& stored) {
  const std::uint32_t last =
      stored.terms.empty() ? 0 : stored.terms.back()->term();
  if (stored.terms.size() >= Keyring::kTermsMax || last == UINT32_MAX) {
    return fail(ErrorCode::kExhausted,
                fmt::format("the keyring holds {} terms; no more fit",
                            stored.terms.size()));
  }
  TRY_ASSIGN(auto term, TermKey::create(last + 1, clock_.now(),
                                        rng_.secret(TermKey::kKeyBytes), 0,
                                        Keyring::kReserveAhead));
  stored.terms.push_back(std::move(term));
  return {};
}

/// Build new, persist, then swap.
Result<void> Barrier::update_keyring(const Keyring& live,
                                     const SecretBytes* root_key,
                                     bool with_new_term) {
  for (int attempt = 0; attempt < kUpdateAttempts; ++attempt) {
    TRY_ASSIGN(auto stored, refresh(live, root_key));
    if (root_key != nullptr && !(stored.root_key == *root_key)) {
      return fail(corrupt("the keyring is sealed under another root key"));
    }
    if (with_new_term) TRY(add_term(stored));
    TRY_ASSIGN(auto next, Keyring::create(stored.root_key, stored.terms));
    const auto bounds = next->next_bounds();
    const storage::Change change =
        keyring_put(next->root_aead(), Keyring::serialise(stored.terms, bounds),
                    stored.version, rng_);
    auto committed = storage_.commit({&change, 1});
    if (committed) {
      next->set_bounds(bounds);
      if (stored.root_key == pending_root_) pending_root_ = SecretBytes();
      keyring_.publish(std::move(next));
      return {};
    }
    if (committed.error().code() != ErrorCode::kConflict) return committed;
  }
  return fail(unavailable("core/keyring is being changed by another writer"));
}

Result<void> Barrier::rotate(const SecretBytes& root_key) {
  const std::lock_guard lock(keyring_mutex_);
  TRY_ASSIGN(const auto live, opened());
  return update_keyring(*live, &root_key, true);
}

Result<storage::Change> Barrier::keyring_change(const SecretBytes& root_key) {
  const std::lock_guard lock(keyring_mutex_);
  TRY_ASSIGN(const auto live, opened());
  TRY_ASSIGN(const auto aead, root_aead(root_key));
  TRY_ASSIGN(const auto stored, refresh(*live, nullptr));
  TRY_ASSIGN(const auto keyring,
             Keyring::create(stored.root_key, stored.terms));
  const auto record = Keyring::serialise(stored.terms, keyring->next_bounds());
  pending_root_ = root_key.clone();
  return keyring_put(aead, record, stored.version, rng_);
}

}  // namespace bulla::barrier
