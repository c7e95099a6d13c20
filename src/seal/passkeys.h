#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "base/result.h"
#include "base/secret_bytes.h"
#include "seal/custody.h"
#include "seal/passkey.h"
#include "seal/seal_state.h"
#include "storage/storage.h"

namespace bulla::seal {

/// The passkeys of an open installation: any number up to Passkey::kCountMax,
/// of any kinds, all on the one root key. Each change is one commit: a crash
/// leaves the old set or the new one. Any thread; one change at a time, which
/// may wait for KEKs. A handle: copy it, its Custody must outlive it.
///
/// Every function but list() and find() answers kSealed while sealed, and
///   kConflict     another change of the seal came first; nothing changed.
///   kUnavailable  a KEK or storage did not answer; the message says which.
class Passkeys {
 public:
  static constexpr std::size_t kNameBytesMax = 128;
  static constexpr std::size_t kPassphraseBytesMin = 8;
  static constexpr std::size_t kPassphraseBytesMax = 1024;

  /// What to add. Shares are for the kind shamir alone, a passphrase for the
  /// kind passphrase where no stanza holds it.
  struct New {
    std::string name;
    std::string kind;
    std::string provider;  ///< The stanza's name; "": the only one of the kind.
    SecretBytes passphrase;
    std::int64_t shares = 0;
    std::int64_t threshold = 0;
  };
  struct Added {
    Passkey passkey;
    std::vector<SecretBytes> shares;  ///< Of the kind shamir: this once.
  };
  /// What people give to prove theirs; empty: the copy of the KEK that the
  /// barrier keeps is used.
  struct Proof {
    SecretBytes passphrase;
    std::vector<SecretBytes> shares;
  };

  /// In the order of their making.
  Result<std::vector<Passkey>> list() const;
  ///   kNotFound  no passkey has that name.
  Result<Passkey> find(std::string_view name) const;
  /// Wraps the root key, opens it again, and stores the passkey and, for a
  /// provider that the install record does not know yet, its record.
  ///   kInvalidArgument  a name in use, no free place, a kind that no stanza
  ///                     is for, shares that do not fit, a weak passphrase.
  Result<Added> add(New wanted);
  /// Opens the root key with it and notes when. With people's kinds and no
  /// proof this shows that the record is whole, not that anybody still has the
  /// shares or the passphrase.
  ///   kNotFound  no such passkey, or its KEK is gone.
  ///   kCorrupt   it opens nothing, or another root key.
  ///   kInvalidArgument  the proof is not of it.
  Result<Passkey> verify(std::string_view name, Proof proof);
  ///   kInvalidArgument  `to` is in use or no name.
  Result<Passkey> rename(std::string_view name, std::string to);
  /// Deletes it and its copy of the root key, when another one has just opened.
  ///   kInvalidArgument  no other does; the message says why each did not.
  Result<void> remove(std::string_view name);

 private:
  friend class Custody;
  explicit Passkeys(Custody::Impl& impl) : impl_(&impl) {}

  struct Draft;
  static Result<void> check_name(std::string_view name);
  Result<SecretBytes> open_with_proof(const SealConfig& config,
                                      const Passkey& passkey, Proof proof);
  Result<storage::Change> prove_another(const SealState& state,
                                        const Passkey& going,
                                        const SecretBytes& root);
  // passkeys_add.cc
  Result<void> make_draft(const New& wanted, const SecretBytes& root,
                          Draft& draft);
  Result<void> draft_shamir(const New& wanted, const SecretBytes& root,
                            Draft& draft);
  Result<void> draft_passphrase(const New& wanted, const SecretBytes& root,
                                Draft& draft);
  Result<void> draft_automatic(const New& wanted, const SecretBytes& root,
                               Draft& draft);
  Result<kek::KekProvider*> provider_for(const New& wanted);

  Custody::Impl* impl_;
};

}  // namespace bulla::seal
