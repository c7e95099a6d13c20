#pragma once

#include <string>
#include <vector>

#include "crypto/asymmetric.h"
#include "crypto/rng.h"
#include "kek/pkcs11_token.h"

namespace bulla::kek {

/// Keys in a token, used where they are. Keys are found by name at each use, so
/// that none is used that is gone. Any thread. Beside the errors of
/// Pkcs11Token:
///   kNotFound     no key of the kind bears the name.
///   kConflict     several do.
///   kCorrupt      it does not open: wrong key, wrong `aad` or altered bytes.
///   kUnsupported  the token cannot do it.
class Pkcs11Keys {
 public:
  static constexpr unsigned long kAesBits = 256;
  static constexpr unsigned long kRsaBits = 3072;

  /// `token` and `rng` outlive it. `device_iv`: the device makes the IVs of
  /// AES-GCM.
  Pkcs11Keys(Pkcs11Token& token, bool device_iv, crypto::Rng& rng)
      : token_(token), device_iv_(device_iv), rng_(rng) {}

  /// The CKA_ID of the key; empty where it has none.
  Result<Bytes> find(Pkcs11KeyClass sought, const Pkcs11KeyName& name,
                     Deadline deadline);
  Result<std::vector<std::string>> labels(Pkcs11KeyClass sought,
                                          Deadline deadline);

  /// The public half, kRsaPublic or kEcPublic.
  ///   kUnsupported  a size or curve that Bulla has no keys of.
  Result<crypto::PublicKey> public_key(Pkcs11KeyClass sought,
                                       const Pkcs11KeyName& name,
                                       Deadline deadline);

  // New keys of the token, sensitive and not extractable. Not refused when
  // the name is in use.
  Result<void> generate_aes(const Pkcs11KeyName& name, unsigned long bits,
                            Deadline deadline);
  Result<void> generate_rsa(const Pkcs11KeyName& name, unsigned long bits,
                            Deadline deadline);
  Result<void> generate_ec(const Pkcs11KeyName& name, Pkcs11Curve curve,
                           Deadline deadline);

  Result<Pkcs11Gcm> gcm_encrypt(const Pkcs11KeyName& name, ByteView aad,
                                ByteView plaintext, Deadline deadline);
  Result<SecretBytes> gcm_decrypt(const Pkcs11KeyName& name,
                                  const Pkcs11Gcm& text, ByteView aad,
                                  Deadline deadline);
  Result<Bytes> oaep_encrypt(const Pkcs11KeyName& name,
                             crypto::HashAlgorithm hash, ByteView plaintext,
                             Deadline deadline);
  Result<SecretBytes> oaep_decrypt(const Pkcs11KeyName& name,
                                   crypto::HashAlgorithm hash, ByteView sealed,
                                   Deadline deadline);
  Result<Bytes> sign(const Pkcs11KeyName& name, const Pkcs11Signing& how,
                     ByteView digest, Deadline deadline);
  /// False: the signature does not hold.
  Result<bool> verify(const Pkcs11KeyName& name, const Pkcs11Signing& how,
                      ByteView digest, ByteView signature, Deadline deadline);

  // Tries all that a KEK needs on a key that goes with its session: make it,
  // encrypt, decrypt, and refuse what was altered.
  //   kUnsupported  names what the token does not do.
  Result<void> check_gcm(Deadline deadline);
  Result<void> check_oaep(crypto::HashAlgorithm hash, Deadline deadline);

 private:
  Bytes new_iv();
  Pkcs11Answer try_gcm(const Pkcs11Session& session, CK_OBJECT_HANDLE key);
  Pkcs11Answer try_oaep(const Pkcs11Session& session,
                        crypto::HashAlgorithm hash, CK_OBJECT_HANDLE shown,
                        CK_OBJECT_HANDLE hidden);

  Pkcs11Token& token_;
  bool device_iv_;
  crypto::Rng& rng_;
};

}  // namespace bulla::kek
