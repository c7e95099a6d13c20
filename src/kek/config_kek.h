#pragma once

#include <map>
#include <memory>
#include <mutex>
#include <optional>
#include <string>

#include "crypto/rng.h"
#include "kek/gcm_kek.h"
#include "kek/kek_provider.h"

namespace bulla::kek {

/// The KEK of the configuration file (`encryption { kek = … }`), and while it
/// is rotated the next one (`rotation { kek = … }`). AES-256-GCM, the blob that
/// of GcmKek; the key id is the KEK's fingerprint.
///
/// The file gives no version numbers: they are those that the stored keys name,
/// told by adopt() or learnt by an unwrap() that opened. The current KEK is
/// version 1 until then, and the next one always a version more. The number is
/// in the associated data, so that it cannot be forged.
///   kCorrupt  also when the blob's KEK is none of these; names fingerprints.
class ConfigKek final : public KekProvider {
 public:
  static constexpr std::string_view kKind = "config";

  ///   kInvalidArgument  a key that is not 32 bytes long, or the same twice.
  static Result<std::unique_ptr<KekProvider>> create(std::string name,
                                                     const SecretBytes& current,
                                                     const SecretBytes* next,
                                                     crypto::Rng& rng);

  /// Options: kek, rotation_kek; each as read_kek() takes it.
  ///   kInvalidArgument  as above, kek missing, an unknown option.
  static Result<std::unique_ptr<KekProvider>> from_options(
      std::string name, const std::map<std::string, std::string>& options,
      crypto::Rng& rng);

  /// A KEK as it is written: base64 of exactly 32 bytes, or env://NAME or
  /// file://PATH where that text is.
  ///   kInvalidArgument  another form; never shows the value.
  static Result<SecretBytes> read_kek(std::string_view text);

  std::string_view kind() const override { return kKind; }
  std::string_view name() const override { return name_; }
  KekVersion active_version() const override;
  std::vector<KekVersion> versions() const override;
  void adopt(KekVersion version, std::string_view key_id) override;

  Result<WrappedKey> wrap(const SecretBytes& key, ByteView aad,
                          KekVersion version, Deadline deadline) override;
  Result<SecretBytes> unwrap(const WrappedKey& wrapped, ByteView aad,
                             Deadline deadline) override;
  bool is_current(const WrappedKey& wrapped) const override;

 private:
  struct Numbers {
    KekVersion current = 1;
    KekVersion next = 2;
  };
  ConfigKek(std::string name, GcmKek current, std::optional<GcmKek> next,
            crypto::Rng& rng)
      : name_(std::move(name)),
        current_(std::move(current)),
        next_(std::move(next)),
        rng_(rng) {}

  Numbers numbers() const;
  const GcmKek* find(KekVersion version) const;
  const GcmKek* find(std::string_view fingerprint) const;
  Error missing(KekVersion version) const;
  Error foreign(std::string_view fingerprint) const;

  std::string name_;
  GcmKek current_;
  std::optional<GcmKek> next_;
  crypto::Rng& rng_;
  mutable std::mutex mutex_;
  Numbers numbers_;  ///< Guarded by mutex_.
};

}  // namespace bulla::kek
