#pragma once

#include <map>
#include <memory>
#include <string>

#include "crypto/rng.h"
#include "kek/bounded_call.h"
#include "kek/kek_provider.h"
#include "kek/pkcs11_options.h"

namespace bulla::kek {

/// A KEK that never leaves an HSM: AES-GCM with its associated data native, or
/// RSA-OAEP over SHA-256(aad) ‖ key, on handles (Pkcs11Blob). A version is a
/// key of the token by the naming of Pkcs11KekOptions; the key id is
/// "LABEL:CKA_ID". Before the first wrap the token proves on a throw-away key
/// that it does all this and refuses what was altered.
///   kPermissionDenied  also a PIN that was refused; it is not tried again.
///   kUnsupported       the token cannot do it.
///   kConflict          several keys bear the name.
class Pkcs11Kek final : public KekProvider {
 public:
  static constexpr std::string_view kKind = "pkcs11";

  /// Looks which versions the token has. What fails in that is told by the
  /// calls that need it: a server whose HSM is away still starts.
  static std::unique_ptr<KekProvider> create(std::string name,
                                             Pkcs11KekOptions options,
                                             crypto::Rng& rng);
  ///   kInvalidArgument  what Pkcs11KekOptions::read() refuses.
  static Result<std::unique_ptr<KekProvider>> from_options(
      std::string name, const std::map<std::string, std::string>& options,
      crypto::Rng& rng);

  std::string_view kind() const override { return kKind; }
  std::string_view name() const override { return name_; }
  /// The newest that the token was seen to have; 1 before it was seen.
  KekVersion active_version() const override { return versions().back(); }
  std::vector<KekVersion> versions() const override;

  Result<WrappedKey> wrap(const SecretBytes& key, ByteView aad,
                          KekVersion version, Deadline deadline) override;
  Result<SecretBytes> unwrap(const WrappedKey& wrapped, ByteView aad,
                             Deadline deadline) override;
  /// Looks for the versions, too. Makes no key: where the first wrap would, it
  /// is enough that the token answers.
  Result<void> probe(Deadline deadline) override;
  /// Makes the key in the HSM: sensitive, not extractable. kConflict when one
  /// bears the name.
  Result<void> create_version(KekVersion version, Deadline deadline) override;
  bool is_current(const WrappedKey& wrapped) const override;

 private:
  /// What calls that are waited for no longer still use.
  struct Device;
  Pkcs11Kek(std::string name, std::shared_ptr<Device> device)
      : name_(std::move(name)), device_(std::move(device)) {}
  Result<void> look(Deadline deadline);

  std::string name_;
  std::shared_ptr<Device> device_;
  BoundedCalls calls_;
};

}  // namespace bulla::kek
