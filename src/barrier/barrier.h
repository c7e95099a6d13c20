#pragma once

#include <atomic>
#include <memory>
#include <mutex>
#include <optional>
#include <shared_mutex>
#include <span>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "base/clock.h"
#include "base/published.h"
#include "base/result.h"
#include "base/secret_bytes.h"
#include "crypto/rng.h"
#include "storage/storage.h"

namespace bulla::barrier {

class Keyring;

/// A decrypted entry. `version` is storage's, for Change::expected.
struct Entry {
  SecretBytes value;
  std::uint64_t version = 0;
};

/// One put or delete of plaintext. The view must live until commit() returns.
struct Change {
  static Change put(std::string path, ByteView value) {
    return {std::move(path), value, std::nullopt};
  }
  static Change remove(std::string path) {
    return {std::move(path), std::nullopt, std::nullopt};
  }
  Change&& expecting(std::uint64_t version) && {
    expected = version;
    return std::move(*this);
  }

  std::string path;
  std::optional<ByteView> value;
  std::optional<std::uint64_t> expected;
};

struct KeyStatus {
  std::uint32_t term = 0;
  Time install_time;
  std::uint64_t encryptions = 0;
};

/// Where plaintext ends: seals each value with AES-256-GCM under the keyring's
/// newest term, with the entry's path as associated data, in the layout
/// be32(term) ‖ 0x02 ‖ nonce(12) ‖ ciphertext ‖ tag(16) (reference/seal.md §2).
/// Storage below is hostile: what comes back is opened or refused by name.
/// Any method, any thread. While sealed every data method answers kSealed.
class Barrier {
 public:
  static constexpr std::string_view kKeyringPath = "core/keyring";
  /// 1 MiB of an engine's own, and what the engine puts around it.
  static constexpr std::size_t kValueBytesMax = (std::size_t{1} << 20) + 80;

  Barrier(storage::Storage& storage, crypto::Rng& rng, const Clock& clock);
  ~Barrier();

  /// Makes a first keyring (term 1) in memory and opens the barrier with it,
  /// nothing written yet: the change to commit is returned, so that init is one
  /// commit with everything else it writes. seal() forgets it.
  Result<storage::Change> create(const SecretBytes& root_key);

  /// Opens with the root key.
  /// On an open barrier: takes up the stored keyring and this root key.
  ///   kCorrupt   wrong root key, or a damaged keyring.
  ///   kNotFound  no keyring stored: not initialised.
  Result<void> unseal(const SecretBytes& root_key);
  /// Wipes the keyring from memory.
  void seal();
  bool sealed() const;
  /// Waits for the commits that began before seal(): once it returns, nothing
  /// sealed under the keyring that was open is written any more.
  void drain();

  /// Adds a term and makes it the active one; entries of old terms still open.
  /// Needs the root key, since the keyring is sealed under it. Safe to repeat.
  ///   kCorrupt      `root_key` is not the one the keyring is sealed under.
  ///   kExhausted    no more terms fit, or no space is left.
  ///   kUnavailable  unknown whether the term was stored; it is not in use.
  Result<void> rotate(const SecretBytes& root_key);
  /// The change that stores the present keyring under `root_key`, for rekey. It
  /// expects the keyring to be as stored now, so that a rotation in between
  /// makes the commit a kConflict instead of losing the new term. Once it is
  /// committed, unseal(root_key) takes up the new root key without a pause;
  /// until then the barrier still knows the old one and finds the new one by
  /// itself.
  Result<storage::Change> keyring_change(const SecretBytes& root_key);
  Result<KeyStatus> key_status() const;

  /// Absence is not an error.
  ///   kCorrupt  the entry at that path does not open: altered, moved,
  ///             truncated, or of an unknown term; the message names the path.
  Result<std::optional<Entry>> get(std::string_view path);
  /// Seals and commits all or none; errors as storage::Storage::commit. The
  /// keyring's own path is refused with kInvalidArgument.
  Result<void> commit(std::span<const Change> changes);
  Result<void> put(std::string path, ByteView value);
  Result<void> remove(std::string path);
  /// One plaintext change as the sealed change storage takes.
  Result<storage::Change> seal_change(const Change& change);
  /// Opens bytes as stored at `path`, wherever they came from.
  Result<SecretBytes> open(std::string_view path, ByteView sealed) const;

  Result<std::vector<std::string>> list(std::string_view prefix,
                                        std::string_view after = {},
                                        std::size_t limit = 0);
  Result<std::vector<std::string>> scan(std::string_view prefix,
                                        std::string_view after = {},
                                        std::size_t limit = 0);
  storage::Storage& storage() { return storage_; }

 private:
  struct StoredKeyring;

  Result<std::shared_ptr<const Keyring>> opened() const;
  Result<storage::Change> seal_with(const Keyring& keyring,
                                    const Change& change);
  /// Counts `puts` encryptions, and first stores a higher bound for the count
  /// when it passes the stored one.
  Result<void> count_encryptions(const Keyring& keyring, std::uint64_t puts);

  // All below only under keyring_mutex_.
  Result<StoredKeyring> read_keyring(
      std::span<const SecretBytes* const> root_keys);
  /// The stored keyring merged with `live`; `root_key` (may be null) is tried
  /// behind the one held and the one of the last keyring_change().
  Result<StoredKeyring> refresh(const Keyring& live,
                                const SecretBytes* root_key);
  Result<void> update_keyring(const Keyring& live, const SecretBytes* root_key,
                              bool add_term);
  Result<void> add_term(StoredKeyring& stored);

  storage::Storage& storage_;
  crypto::Rng& rng_;
  const Clock& clock_;
  std::shared_mutex commits_;  // shared from taking the keyring to its commit
  Published<Keyring> keyring_;
  std::mutex keyring_mutex_;  // held while the keyring is stored or replaced
  SecretBytes pending_root_;  // of a rekey whose commit is not seen yet
};

/// The entries below one prefix, as if they were all there is. What an engine
/// gets of the barrier.
class View {
 public:
  View(Barrier& barrier, std::string prefix)
      : barrier_(&barrier), prefix_(std::move(prefix)) {}

  Result<std::optional<Entry>> get(std::string_view path) const;
  Result<void> commit(std::span<const Change> changes) const;
  Result<void> put(std::string_view path, ByteView value) const;
  Result<void> remove(std::string_view path) const;
  Result<std::vector<std::string>> list(std::string_view prefix,
                                        std::string_view after = {},
                                        std::size_t limit = 0) const;
  /// Paths come back without the view's own prefix.
  Result<std::vector<std::string>> scan(std::string_view prefix,
                                        std::string_view after = {},
                                        std::size_t limit = 0) const;
  /// Deletes everything below, in as many commits as it takes.
  Result<void> clear() const;
  View sub(std::string_view prefix) const {
    return {*barrier_, prefix_ + std::string(prefix)};
  }
  const std::string& prefix() const { return prefix_; }

 private:
  Barrier* barrier_;
  std::string prefix_;
};

}  // namespace bulla::barrier
