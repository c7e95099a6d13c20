#pragma once

#include <map>
#include <memory>
#include <optional>
#include <string>

#include "crypto/rng.h"
#include "kek/gcm_kek.h"
#include "kek/kek_provider.h"

namespace bulla::kek {

/// A KEK that the operator keeps in a variable or a file: AES-256-GCM, the
/// associated data native, the blob nonce(12) ‖ ciphertext ‖ tag(16). Wraps
/// under the current key; unwraps under the current or the previous one, told
/// apart by their ids. There is one KEK version, 1: the id is what changes.
class StaticKek final : public KekProvider {
 public:
  static constexpr std::string_view kKind = "static";
  static constexpr std::size_t kKeyBytes = GcmKek::kKeyBytes;
  static constexpr std::size_t kIdBytesMax = 128;

  struct Key {
    std::string id;
    SecretBytes bytes;
  };

  ///   kInvalidArgument  a key that is not kKeyBytes long, an id that is empty,
  ///                     over kIdBytesMax or the same for both.
  static Result<std::unique_ptr<KekProvider>> create(
      std::string name, Key current, std::optional<Key> previous,
      crypto::Rng& rng);

  /// From a seal stanza: current_key_id, current_key, previous_key_id,
  /// previous_key. A key is 32 bytes as they are, 64 hexadecimal digits, 44
  /// characters of base64 or 43 of unpadded base64url, or says where such a
  /// text is: env://NAME, file://PATH. Errors never show a value.
  ///   kInvalidArgument  as above, a missing or unknown option, a text of
  ///                     another form, a variable or file that is not there.
  static Result<std::unique_ptr<KekProvider>> from_options(
      std::string name, const std::map<std::string, std::string>& options,
      crypto::Rng& rng);

  std::string_view kind() const override { return kKind; }
  std::string_view name() const override { return name_; }
  KekVersion active_version() const override { return 1; }

  Result<WrappedKey> wrap(const SecretBytes& key, ByteView aad,
                          KekVersion version, Deadline deadline) override;
  Result<SecretBytes> unwrap(const WrappedKey& wrapped, ByteView aad,
                             Deadline deadline) override;
  bool is_current(const WrappedKey& wrapped) const override {
    return wrapped.version == active_version() && wrapped.key_id == current_.id;
  }

 private:
  struct Cipher {
    std::string id;
    GcmKek kek;
  };
  StaticKek(std::string name, Cipher current, std::optional<Cipher> previous,
            crypto::Rng& rng)
      : name_(std::move(name)),
        current_(std::move(current)),
        previous_(std::move(previous)),
        rng_(rng) {}

  static Result<Cipher> cipher(Key key);
  const GcmKek* find(std::string_view id) const;

  std::string name_;
  Cipher current_;
  std::optional<Cipher> previous_;
  crypto::Rng& rng_;
};

}  // namespace bulla::kek
