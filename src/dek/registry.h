#pragma once

#include <cstdint>
#include <functional>
#include <map>
#include <memory>
#include <mutex>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "barrier/barrier.h"
#include "base/clock.h"
#include "base/log.h"
#include "base/published.h"
#include "base/result.h"
#include "crypto/aead.h"
#include "crypto/rng.h"
#include "dek/dek_record.h"
#include "dek/encryption_count.h"
#include "dek/records.h"
#include "seal/custody.h"

namespace bulla::dek {

/// Hears of what the registry does without having been asked to, before it
/// does it; its error stops that. `path`: "encryption-keys/<id>"; `data`: a
/// JSON object that says why. Any thread; may block.
using Announce =
    std::function<Result<void>(std::string_view path, std::string_view data)>;

struct RegistryOptions {
  Announce announce = {};
  /// From here on a new DEK is made in a full one's place: a sixteenth less
  /// than the 2^32 that NIST SP 800-38D §8.3 allows random nonces.
  std::uint64_t encryptions_usual = 0xF0000000;
  /// Where a DEK that could not be replaced encrypts no more.
  std::uint64_t encryptions_most = std::uint64_t{1} << 32;
};

/// What an update changes; what is absent stays.
struct DekUpdate {
  std::optional<std::string> name;
  std::optional<std::string> description;
  std::optional<std::string> status;
  std::optional<std::string> algorithm;  ///< Only as it is.
  std::optional<std::string> scope;      ///< Only as it is.
  std::optional<std::uint64_t> cas;      ///< The version that it must have.
};

struct NewDek {
  std::string name;
  std::string description = {};
  std::string algorithm = {};  ///< "" for AES-GCM-256.
  std::string scope = {};      ///< "" for kDefaultScope.
};

/// The data encryption keys: one active a scope, which seals; deprecated ones
/// that still open; inactive ones that do neither. Their keys are sealed under
/// the root key, and opened they are only in locked memory, from load() to
/// clear(). Formats: docs/formats/dek.md.
///
/// Any method, any thread. Errors of storage come back as they are; while
/// nothing is loaded all answer kSealed.
class Registry final : public RecordCipher, public seal::RootSealed {
 public:
  static constexpr std::string_view kDefaultScope = "default";
  static constexpr std::string_view kDefaultName = "Default-encryption-key";

  /// All must outlive this; no rekey may come after it.
  Registry(barrier::Barrier& barrier, seal::Custody& custody,
           const RecordHolders& holders, crypto::Rng& rng, const Clock& clock,
           const Logger& log, RegistryOptions options = {});
  ~Registry() override;

  /// After unsealing. Where there is no DEK yet, the first one is made; that it
  /// cannot be is logged, and tried again when one is needed.
  ///   kCorrupt  what is stored is damaged; the message names it.
  Result<void> load();
  /// Before sealing: stores the counts and wipes all keys.
  void clear();

  Result<SealedBody> seal(std::string_view scope, std::string_view place,
                          ByteView body) override;
  ///   kInvalidArgument  the DEK is inactive; kNotFound: gone. Both name it.
  Result<SecretBytes> open(std::string_view dek_id, std::string_view place,
                           ByteView bytes) override;

  /// All, in the order of their ids.
  Result<std::vector<DekInfo>> list() const;
  /// kNotFound names the id.
  Result<DekInfo> find(std::string_view id) const;
  /// An upper bound of the encryptions that it did.
  Result<std::uint64_t> encryptions(std::string_view id) const;
  /// Records that use it, over all holders.
  Result<std::uint64_t> uses(std::string_view id) const;

  /// The new DEK, active now; the active one of its scope before it is
  /// deprecated by the same commit.
  ///   kInvalidArgument  a field is wrong, or there are too many.
  ///   kUnavailable      it is unknown whether it was stored.
  Result<DekInfo> create(const NewDek& wanted);
  /// The DEK as it is then.
  ///   kInvalidArgument  an immutable field, a status that cannot follow, a
  ///                     version that is not `cas`, records that use it.
  ///   kNotFound         no such DEK.
  Result<DekInfo> update(std::string_view id, const DekUpdate& change);

  /// Seals the keys under another root key; part of a rekey's commit.
  Result<std::vector<storage::Change>> reseal(const SecretBytes& from,
                                              const SecretBytes& to) override;

 private:
  struct Dek;
  class Table;
  struct StoredRing;
  struct Sealed;
  struct Count;

  /// The DEKs of now; kSealed while there are none.
  Result<std::shared_ptr<const Table>> table() const;
  Result<const Dek*> dek_of(const Table& table, std::string_view id) const;
  Result<void> check_unused(std::string_view id, const DekUpdate& change) const;
  static Result<DekInfo> changed(const DekInfo& info, const DekUpdate& change);
  static Result<Status> next_status(const DekInfo& info,
                                    const std::string& wanted);
  static std::shared_ptr<Count> make_count(std::uint64_t ceiling);

  // These take mutex_.
  Result<void> ensure_first(std::string_view scope);
  Result<void> extend(std::string_view id);

  // All below under mutex_.
  Result<StoredRing> read_ring();
  Result<std::shared_ptr<const crypto::Aead>> open_key(
      const KeyRing& ring, const DekInfo& info) const;
  Result<std::shared_ptr<Count>> read_count(std::string_view id);
  Result<Dek> read_dek(const std::string& path, const KeyRing& ring);
  Result<std::shared_ptr<const Table>> read_all();
  /// Reads all anew where a commit's outcome is unknown.
  Result<void> freshen();
  Result<void> store(const std::vector<barrier::Change>& changes);
  Result<DekInfo> add(DekInfo info);
  Result<Sealed> keys_with(const DekInfo& info, const SecretBytes& key);
  Result<void> add_once(const DekInfo& info, const SecretBytes& key);
  Result<void> announce(const DekInfo& made, std::string_view reason,
                        std::string_view replaced) const;
  Result<DekInfo> make_first(std::string_view scope);
  Result<void> replace_full(const DekInfo& full);
  Result<void> reserve(const Dek& dek);
  void store_counts(const Table& table);

  barrier::Barrier& barrier_;
  seal::Custody& custody_;
  const RecordHolders& holders_;
  crypto::Rng& rng_;
  const Clock& clock_;
  const Logger& log_;
  const RegistryOptions options_;
  mutable std::mutex mutex_;  // one change at a time
  bool stale_ = false;        // a commit's outcome is unknown; under mutex_
  Published<Table> table_;    // null while sealed
};

}  // namespace bulla::dek
