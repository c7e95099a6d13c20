#pragma once

#include <map>
#include <memory>
#include <string>

#include "crypto/asymmetric.h"
#include "crypto/rng.h"
#include "kek/bounded_call.h"
#include "kek/pkcs11_keys.h"
#include "kek/pkcs11_reserved.h"

namespace bulla::kek {

/// A key of an HSM that is used for what clients ask, under one mechanism.
struct Pkcs11ManagedKeyOptions {
  enum class Mechanism : std::uint8_t {
    kAesGcm,
    kRsaOaep,
    kRsaPkcs1,
    kRsaPss,
    kEcdsa,
  };

  Pkcs11TokenOptions token;
  Pkcs11KeyName key;
  Mechanism mechanism = Mechanism::kAesGcm;
  crypto::HashAlgorithm oaep_hash = crypto::HashAlgorithm::kSha2_256;
  bool device_iv = false;
  bool generate = false;       ///< prepare() makes a key that is missing.
  unsigned long key_bits = 0;  ///< Of a new AES or RSA key; 0: the usual.
  Pkcs11Curve curve = Pkcs11Curve::kP256;  ///< Of a new EC key.

  /// Tokens that are none of its business; may be null.
  std::shared_ptr<const Pkcs11Reserved> reserved;

  Pkcs11Place place() const {
    return {token.module, token.slot, token.token_label};
  }

  using Words = std::map<std::string, std::string>;
  /// From Vault's parameters: library, slot, token_label, key_label, key_id,
  /// mechanism (CKM_… or its number), rsa_oaep_hash, curve, key_bits,
  /// allow_generate_key, max_parallel. An empty one counts as absent. `library`
  /// is a name of `libraries`, which the operator wrote, name to path: who
  /// writes managed keys cannot have a file of their choice loaded.
  ///   kInvalidArgument  what is missing, unknown or of a wrong form; never
  ///                     shows the PIN, nor a path.
  static Result<Pkcs11ManagedKeyOptions> read(const Words& parameters,
                                              SecretBytes pin,
                                              const Words& libraries);
};

/// The key, which never leaves its HSM. Any thread; a call takes as long as the
/// device, so never on an event loop. Beside the errors of Pkcs11Keys:
///   kInvalidArgument  the mechanism is not one for the operation.
///   kUnavailable      also when the device does not answer in time, and at
///                     once as long as a call that was waited for in vain still
///                     runs.
class Pkcs11ManagedKey {
 public:
  using Mechanism = Pkcs11ManagedKeyOptions::Mechanism;

  /// Speaks to no device yet.
  ///   kInvalidArgument  the key has no name, or a size that is none.
  static Result<std::unique_ptr<Pkcs11ManagedKey>> create(
      Pkcs11ManagedKeyOptions options, crypto::Rng& rng);

  Mechanism mechanism() const;
  crypto::HashAlgorithm oaep_hash() const;

  /// Whether its token is one that it may use: no seal's. Without a login.
  ///   kInvalidArgument  it is a seal's.
  Result<void> check_token(Deadline deadline);
  /// The key is there, in a token that it may use; made now, where the options
  /// say so. Before an AES key is used the token proves that it refuses what
  /// was altered. Comes before any of those below.
  ///   kInvalidArgument  the token is that of a seal.
  ///   kNotFound         it is not there and may not be made.
  ///   kUnsupported      the token fails in the mechanism; with RSA-OAEP the
  ///                     error says which hash to try.
  Result<void> prepare(Deadline deadline);

  /// With AES-GCM length of the IV (one byte) ‖ IV ‖ ciphertext ‖ tag(16): an
  /// IV that the device chose may be longer than ours. RSA-OAEP has no `aad`.
  Result<Bytes> encrypt(ByteView plaintext, ByteView aad, Deadline deadline);
  ///   kCorrupt  it does not open.
  Result<SecretBytes> decrypt(ByteView sealed, ByteView aad, Deadline deadline);

  /// ECDSA gives r ‖ s. An RSA key signs under both paddings, by `how`.
  Result<Bytes> sign(const Pkcs11Signing& how, ByteView digest,
                     Deadline deadline);
  /// The public half, to verify with outside of the device.
  Result<crypto::PublicKey> public_key(Deadline deadline);

 private:
  /// What calls that are waited for no longer still use.
  struct Device;
  template <typename T>
  Result<T> run(Deadline deadline, std::function<Result<T>()> work);
  explicit Pkcs11ManagedKey(std::shared_ptr<Device> device)
      : device_(std::move(device)) {}

  std::shared_ptr<Device> device_;
  BoundedCalls calls_;
};

}  // namespace bulla::kek
