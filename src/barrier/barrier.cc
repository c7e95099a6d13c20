#include "barrier/barrier.h"

#include <fmt/format.h>

#include <algorithm>
#include <utility>

#include "barrier/entry.h"
#include "barrier/keyring.h"
#include "storage/limits.h"

namespace bulla::barrier {
namespace {

Error sealed_error() { return {ErrorCode::kSealed, "Vault is sealed"}; }

Result<void> check_data_path(std::string_view path) {
  TRY(storage::check_path(path));
  if (path != Barrier::kKeyringPath) return {};
  return fail(invalid_argument("core/keyring is the barrier's own"));
}

Result<void> check_change(const Change& change) {
  TRY(check_data_path(change.path));
  if (!change.value || change.value->size() <= Barrier::kValueBytesMax) {
    return {};
  }
  return fail(invalid_argument(
      fmt::format("the value of {} bytes at \"{}\" is over the limit of {}",
                  change.value->size(), change.path, Barrier::kValueBytesMax)));
}

Result<SecretBytes> open_with(const Keyring& keyring, std::string_view path,
                              ByteView bytes) {
  TRY_ASSIGN(const auto entry, SealedEntry::parse(bytes));
  const TermKey* key = keyring.find(entry.term);
  if (key == nullptr) {
    return fail(corrupt(
        fmt::format("no decryption key available for term {}", entry.term)));
  }
  return open_entry(key->aead(), path, entry);
}

Result<SecretBytes> open_named(const Keyring& keyring, std::string_view path,
                               ByteView bytes) {
  auto opened = open_with(keyring, path, bytes);
  if (opened) return opened;
  return fail(std::move(opened.error())
                  .with_context(fmt::format("entry \"{}\"", path)));
}

}  // namespace

Barrier::Barrier(storage::Storage& storage, crypto::Rng& rng,
                 const Clock& clock)
    : storage_(storage), rng_(rng), clock_(clock) {}

Barrier::~Barrier() = default;

bool Barrier::sealed() const { return keyring_.load() == nullptr; }

Result<std::shared_ptr<const Keyring>> Barrier::opened() const {
  auto keyring = keyring_.load();
  if (!keyring) return fail(sealed_error());
  return keyring;
}

Result<KeyStatus> Barrier::key_status() const {
  TRY_ASSIGN(const auto keyring, opened());
  const TermKey& active = keyring->active();
  return KeyStatus{active.term(), active.installed(), active.used()};
}

Result<std::optional<Entry>> Barrier::get(std::string_view path) {
  TRY(opened());
  TRY(check_data_path(path));
  TRY_ASSIGN(const auto stored, storage_.get(path));
  if (!stored) return std::nullopt;
  // Taken after the read: a rotation in between may have sealed this entry.
  TRY_ASSIGN(const auto keyring, opened());
  TRY_ASSIGN(auto value, open_named(*keyring, path, stored->value));
  return Entry{std::move(value), stored->version};
}

Result<SecretBytes> Barrier::open(std::string_view path,
                                  ByteView sealed) const {
  TRY_ASSIGN(const auto keyring, opened());
  return open_named(*keyring, path, sealed);
}

Result<void> Barrier::count_encryptions(const Keyring& keyring,
                                        std::uint64_t puts) {
  keyring.active().count(puts);
  if (!keyring.active().over_reserved()) return {};
  const std::lock_guard lock(keyring_mutex_);
  if (!keyring.active().over_reserved()) return {};
  TRY_ASSIGN(const auto live, opened());
  auto updated = update_keyring(*live, nullptr, false);
  // Not stored yet: create() made it and init's commit is still to come.
  if (!updated && updated.error().code() == ErrorCode::kNotFound) return {};
  return updated;
}

Result<storage::Change> Barrier::seal_with(const Keyring& keyring,
                                           const Change& change) {
  storage::Change sealed{change.path, std::nullopt, change.expected};
  if (change.value) {
    const TermKey& key = keyring.active();
    sealed.value =
        seal_entry(key.aead(), key.term(), change.path, *change.value, rng_);
  }
  return sealed;
}

Result<storage::Change> Barrier::seal_change(const Change& change) {
  TRY_ASSIGN(const auto keyring, opened());
  TRY(check_change(change));
  if (change.value) TRY(count_encryptions(*keyring, 1));
  return seal_with(*keyring, change);
}

void Barrier::drain() { const std::unique_lock lock(commits_); }

Result<void> Barrier::commit(std::span<const Change> changes) {
  const std::shared_lock lock(commits_);
  TRY_ASSIGN(const auto keyring, opened());
  std::uint64_t puts = 0;
  for (const Change& change : changes) {
    TRY(check_change(change));
    puts += change.value ? 1 : 0;
  }
  if (puts > 0) TRY(count_encryptions(*keyring, puts));
  std::vector<storage::Change> sealed;
  sealed.reserve(changes.size());
  for (const Change& change : changes) {
    TRY_ASSIGN(auto one, seal_with(*keyring, change));
    sealed.push_back(std::move(one));
  }
  return storage_.commit(sealed);
}

Result<void> Barrier::put(std::string path, ByteView value) {
  const Change change = Change::put(std::move(path), value);
  return commit({&change, 1});
}

Result<void> Barrier::remove(std::string path) {
  const Change change = Change::remove(std::move(path));
  return commit({&change, 1});
}

Result<std::vector<std::string>> Barrier::list(std::string_view prefix,
                                               std::string_view after,
                                               std::size_t limit) {
  TRY(opened());
  return storage_.list(prefix, after, limit);
}

Result<std::vector<std::string>> Barrier::scan(std::string_view prefix,
                                               std::string_view after,
                                               std::size_t limit) {
  TRY(opened());
  return storage_.scan(prefix, after, limit);
}

}  // namespace bulla::barrier
