#pragma once

#include <map>
#include <string>

#include "crypto/hash.h"
#include "kek/kek_provider.h"
#include "kek/pkcs11_blob.h"
#include "kek/pkcs11_reserved.h"
#include "kek/pkcs11_token.h"

namespace bulla::kek {

/// A `seal "pkcs11"` stanza, as Vault and OpenBao write it.
struct Pkcs11KekOptions {
  static constexpr std::size_t kLabelBytesMax = 100;
  static constexpr std::size_t kIdBytesMax = 64;
  /// What stands for the number in a key_label.
  static constexpr std::string_view kPlaceholder = "{version}";

  Pkcs11TokenOptions token;
  /// Of version 1; version N is LABEL-vN, or wherever kPlaceholder stands.
  std::string key_label;
  Bytes key_id;  ///< Of version 1 alone.
  Pkcs11Blob::Mechanism mechanism = Pkcs11Blob::Mechanism::kAesGcm;
  crypto::HashAlgorithm oaep_hash = crypto::HashAlgorithm::kSha2_256;
  bool device_iv = false;
  bool generate_key = false;

  /// The name of a version's key; empty where only version 1 has one.
  Pkcs11KeyName name_of(KekVersion version) const;
  /// The version of which a key bears that label, 0 for a foreign one.
  KekVersion version_of(std::string_view label) const;

  /// lib (module), slot, token_label (token), pin, key_label (label), key_id,
  /// mechanism, rsa_oaep_hash, use_gcm_iv_from_hsm, generate_key,
  /// max_parallel; others of Vault's are taken and ignored. A variable
  /// BULLA_HSM_LIB, BAO_HSM_LIB or VAULT_HSM_LIB, …, stands in place of its
  /// option. The PIN may be env://NAME or file://PATH.
  ///   kInvalidArgument  what is missing, unknown or of a wrong form; never
  ///                     shows the PIN.
  static Result<Pkcs11KekOptions> read(
      const std::map<std::string, std::string>& options);
  /// Of these options where the token is, the PIN left alone. Errors as read().
  static Result<Pkcs11Place> read_place(
      const std::map<std::string, std::string>& options);
};

}  // namespace bulla::kek
