#pragma once

#include <map>
#include <memory>
#include <string>

#include "crypto/rng.h"
#include "kek/gcm_kek.h"
#include "kek/kek_provider.h"

namespace bulla::kek {

/// KEKs from the environment, one variable a version, all loaded at start:
/// BULLA_ENCRYPTION_ENV_KEK_V1, …_V2, each 64 hexadecimal digits. AES-256-GCM,
/// the blob that of GcmKek; the key id is the KEK's fingerprint.
///   kCorrupt  also when another KEK is loaded under the version of the blob;
///             names both fingerprints.
class EnvKek final : public KekProvider {
 public:
  static constexpr std::string_view kKind = "env";
  /// What every variable of this provider starts with.
  static constexpr std::string_view kPrefix = "BULLA_ENCRYPTION_ENV_KEK";
  static constexpr KekVersion kVersionMax = 1'000'000;
  static constexpr std::size_t kVersionsMax = 128;

  ///   kInvalidArgument  no key, more than kVersionsMax, a version that is not
  ///                     1 to kVersionMax, a key that is not 32 bytes long,
  ///                     or the same key twice.
  static Result<std::unique_ptr<KekProvider>> create(
      std::string name, const std::map<KekVersion, SecretBytes>& keys,
      crypto::Rng& rng);

  /// Loads every variable that starts with kPrefix, overwrites their values in
  /// the process's environment and unsets them, whether that went well or not;
  /// so a second call finds none. Not while other threads read the
  /// environment. Takes no options.
  ///   kInvalidArgument  as above; a variable of another form of name or
  ///                     value: names it, never shows the value.
  static Result<std::unique_ptr<KekProvider>> from_environment(
      std::string name, const std::map<std::string, std::string>& options,
      crypto::Rng& rng);

  std::string_view kind() const override { return kKind; }
  std::string_view name() const override { return name_; }
  /// The newest that is loaded.
  KekVersion active_version() const override { return keks_.rbegin()->first; }
  std::vector<KekVersion> versions() const override;

  Result<WrappedKey> wrap(const SecretBytes& key, ByteView aad,
                          KekVersion version, Deadline deadline) override;
  Result<SecretBytes> unwrap(const WrappedKey& wrapped, ByteView aad,
                             Deadline deadline) override;
  bool is_current(const WrappedKey& wrapped) const override;

 private:
  EnvKek(std::string name, std::map<KekVersion, GcmKek> keks, crypto::Rng& rng)
      : name_(std::move(name)), keks_(std::move(keks)), rng_(rng) {}
  Result<const GcmKek*> find(KekVersion version) const;

  std::string name_;
  std::map<KekVersion, GcmKek> keks_;  ///< Never empty.
  crypto::Rng& rng_;
};

}  // namespace bulla::kek
