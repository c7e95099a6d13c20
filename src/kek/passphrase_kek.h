#pragma once

#include <map>
#include <memory>
#include <mutex>
#include <optional>
#include <string>

#include "crypto/argon2.h"
#include "crypto/rng.h"
#include "kek/gcm_kek.h"
#include "kek/kek_provider.h"
#include "kek/passphrase_blob.h"

namespace bulla::kek {

/// A KEK that Argon2id derives from a passphrase. The blob (PassphraseBlob)
/// holds the salt and the costs; the key id is the start of the salt. One KEK
/// version, 1.
///
/// With a passphrase in its configuration it opens by itself. Without one a
/// person brings the passphrase to open(), and the KEK that it derived stays,
/// so that this process can wrap again at a rekey; the passphrase does not
/// stay. Until then wrap() and unwrap() are kPermissionDenied. A derivation
/// takes a tenth of a second and more, one at a time.
///   kUnavailable  also when the memory for Argon2id is not to be had.
///   kCorrupt      also a wrong passphrase: it cannot be told from altered
///                 bytes.
class PassphraseKek final : public KekProvider {
 public:
  static constexpr std::string_view kKind = "passphrase";
  static constexpr std::size_t kPassphraseBytesMax = 4096;

  /// Keeps `passphrase`; empty: a person brings it.
  ///   kInvalidArgument  a passphrase over kPassphraseBytesMax, or costs that
  ///                     PassphraseBlob::check() refuses.
  static Result<std::unique_ptr<PassphraseKek>> create(std::string name,
                                                       SecretBytes passphrase,
                                                       crypto::Argon2Cost cost,
                                                       crypto::Rng& rng);

  /// A new KEK under a new salt, derived now; the passphrase is not kept.
  ///   kInvalidArgument  as above, or an empty passphrase.
  static Result<std::unique_ptr<PassphraseKek>> derive(
      std::string name, const SecretBytes& passphrase, crypto::Argon2Cost cost,
      crypto::Rng& rng);

  /// Options: passphrase (the text, env://NAME or file://PATH; absent: a person
  /// brings it), argon2_memory_kib, argon2_passes, argon2_lanes.
  ///   kInvalidArgument  as above, an unknown option, a number that is none, a
  ///                     variable or file that is not there.
  static Result<std::unique_ptr<KekProvider>> from_options(
      std::string name, const std::map<std::string, std::string>& options,
      crypto::Rng& rng);

  /// unwrap() with the passphrase that a person gave. When it opens, the KEK
  /// stays until forget().
  Result<SecretBytes> open(const WrappedKey& wrapped, ByteView aad,
                           const SecretBytes& passphrase, Deadline deadline);
  /// Drops the KEK that was derived: for when the server is sealed.
  void forget();
  /// Whether a passphrase is configured, so that it opens by itself.
  bool automatic() const { return !passphrase_.empty(); }

  std::string_view kind() const override { return kKind; }
  std::string_view name() const override { return name_; }
  KekVersion active_version() const override { return 1; }

  Result<WrappedKey> wrap(const SecretBytes& key, ByteView aad,
                          KekVersion version, Deadline deadline) override;
  Result<SecretBytes> unwrap(const WrappedKey& wrapped, ByteView aad,
                             Deadline deadline) override;
  /// False, too, when other costs are configured now.
  bool is_current(const WrappedKey& wrapped) const override;

 private:
  /// A derived KEK and what it was derived from, beside the passphrase.
  struct Derived {
    crypto::Argon2Cost cost;
    Bytes salt;
    GcmKek kek;
  };
  PassphraseKek(std::string name, SecretBytes passphrase,
                crypto::Argon2Cost cost, crypto::Rng& rng)
      : name_(std::move(name)),
        passphrase_(std::move(passphrase)),
        cost_(cost),
        rng_(rng) {}

  static Result<Derived> derived(const SecretBytes& passphrase,
                                 const crypto::Argon2Cost& cost, Bytes salt,
                                 Deadline deadline);
  Result<void> ready_to_wrap(Deadline deadline);

  std::string name_;
  SecretBytes passphrase_;  ///< Empty: a person brings it.
  crypto::Argon2Cost cost_;
  crypto::Rng& rng_;
  std::mutex mutex_;                ///< Held while deriving.
  std::optional<Derived> derived_;  ///< Guarded by mutex_.
};

}  // namespace bulla::kek
