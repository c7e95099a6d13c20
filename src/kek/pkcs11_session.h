#pragma once

#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "base/bytes.h"
#include "base/secret_bytes.h"
#include "crypto/hash.h"
#include "kek/pkcs11_module.h"

namespace bulla::kek {

/// How a call into a module ended: what it answered, or what we say of it.
struct Pkcs11Answer {
  Pkcs11Answer() = default;
  Pkcs11Answer(std::string_view called, CK_RV answered)
      : function(called), value(answered) {}
  Pkcs11Answer(Error ours) : error(std::move(ours)) {}

  bool ok() const { return !error && value == CKR_OK; }
  Error as_error() const {
    return error ? *error : pkcs11_error(function, value);
  }

  std::string_view function;
  CK_RV value = CKR_OK;
  std::optional<Error> error;
};

/// A key in a token, by its label, its CKA_ID, or both.
struct Pkcs11KeyName {
  std::string label;
  Bytes id;

  std::string text() const;  ///< label "L" and id 0a1b
  bool operator==(const Pkcs11KeyName&) const = default;
};

enum class Pkcs11KeyClass : std::uint8_t {
  kAes,
  kRsaPublic,
  kRsaPrivate,
  kEcPublic,
  kEcPrivate,
};

enum class Pkcs11Curve : std::uint8_t { kP256, kP384, kP521 };

/// What AES-GCM gives; `sealed` is ciphertext ‖ tag(16).
struct Pkcs11Gcm {
  static constexpr std::size_t kIvBytes = 12;
  static constexpr std::size_t kIvBytesMax = 16;
  static constexpr std::size_t kTagBytes = 16;
  Bytes iv;
  Bytes sealed;
};

/// How a digest is signed. ECDSA signatures are r ‖ s.
struct Pkcs11Signing {
  enum class Scheme : std::uint8_t { kEcdsa, kRsaPkcs1, kRsaPss };
  Scheme scheme = Scheme::kEcdsa;
  crypto::HashAlgorithm hash = crypto::HashAlgorithm::kSha2_256;
  std::size_t salt_bytes = 32;  ///< Of PSS.
};

/// One session of a token; for one thread at a time. Every call writes its
/// result to `out` and says how it ended.
class Pkcs11Session {
 public:
  Pkcs11Session(const CK_FUNCTION_LIST& calls, CK_SESSION_HANDLE handle)
      : calls_(calls), handle_(handle) {}

  CK_SESSION_HANDLE handle() const { return handle_; }

  /// The only key of that class and name.
  ///   kNotFound  there is none.
  ///   kConflict  there are several.
  Pkcs11Answer find(Pkcs11KeyClass sought, const Pkcs11KeyName& name,
                    CK_OBJECT_HANDLE& out) const;
  /// The labels of all keys of a class, at most kLabelsMax.
  Pkcs11Answer labels(Pkcs11KeyClass sought,
                      std::vector<std::string>& out) const;
  Pkcs11Answer read_id(CK_OBJECT_HANDLE key, Bytes& out) const;
  Pkcs11Answer read_rsa_public(CK_OBJECT_HANDLE key, Bytes& out_modulus,
                               Bytes& out_exponent) const;
  /// The curve's parameters in DER, and the point as the device writes it.
  Pkcs11Answer read_ec_public(CK_OBJECT_HANDLE key, Bytes& out_parameters,
                              Bytes& out_point) const;

  // Keys that never leave the token: sensitive, not extractable. With
  // `stored` false they go with the session.
  Pkcs11Answer generate_aes(const Pkcs11KeyName& name, unsigned long bits,
                            bool stored, CK_OBJECT_HANDLE& out) const;
  Pkcs11Answer generate_rsa(const Pkcs11KeyName& name, unsigned long bits,
                            bool stored, CK_OBJECT_HANDLE& out_public,
                            CK_OBJECT_HANDLE& out_private) const;
  Pkcs11Answer generate_ec(const Pkcs11KeyName& name, Pkcs11Curve curve,
                           bool stored, CK_OBJECT_HANDLE& out_public,
                           CK_OBJECT_HANDLE& out_private) const;
  Pkcs11Answer destroy(CK_OBJECT_HANDLE key) const;

  /// `iv` holds the IV to use, or zeros where the device makes its own
  /// (`device_iv`): it writes it there or appends it to what it gives.
  ///   kUnsupported  the tag is not 16 bytes long, or no IV came.
  Pkcs11Answer gcm_encrypt(CK_OBJECT_HANDLE key, Bytes iv, bool device_iv,
                           ByteView aad, ByteView plaintext,
                           Pkcs11Gcm& out) const;
  Pkcs11Answer gcm_decrypt(CK_OBJECT_HANDLE key, const Pkcs11Gcm& text,
                           ByteView aad, SecretBytes& out) const;
  Pkcs11Answer oaep_encrypt(CK_OBJECT_HANDLE key, crypto::HashAlgorithm hash,
                            ByteView plaintext, Bytes& out) const;
  Pkcs11Answer oaep_decrypt(CK_OBJECT_HANDLE key, crypto::HashAlgorithm hash,
                            ByteView sealed, SecretBytes& out) const;
  ///   kUnsupported  a hash that the scheme does not have here.
  Pkcs11Answer sign(CK_OBJECT_HANDLE key, const Pkcs11Signing& how,
                    ByteView digest, Bytes& out) const;
  ///   kCorrupt  the signature does not hold.
  Pkcs11Answer verify(CK_OBJECT_HANDLE key, const Pkcs11Signing& how,
                      ByteView digest, ByteView signature) const;

  static constexpr std::size_t kLabelsMax = 1024;

 private:
  Pkcs11Answer search(Pkcs11KeyClass sought, const Pkcs11KeyName& name,
                      std::size_t most,
                      std::vector<CK_OBJECT_HANDLE>& out) const;
  Pkcs11Answer read_bytes(CK_OBJECT_HANDLE key, CK_ATTRIBUTE_TYPE type,
                          Bytes& out) const;
  Pkcs11Answer generate_pair(CK_MECHANISM_TYPE type,
                             std::vector<CK_ATTRIBUTE> public_template,
                             std::vector<CK_ATTRIBUTE> private_template,
                             CK_OBJECT_HANDLE& out_public,
                             CK_OBJECT_HANDLE& out_private) const;
  Pkcs11Answer encrypt(CK_MECHANISM& mechanism, CK_OBJECT_HANDLE key,
                       ByteView plaintext, Bytes& out) const;
  Pkcs11Answer decrypt(CK_MECHANISM& mechanism, CK_OBJECT_HANDLE key,
                       ByteView sealed, SecretBytes& out) const;

  const CK_FUNCTION_LIST& calls_;
  CK_SESSION_HANDLE handle_;
};

}  // namespace bulla::kek
