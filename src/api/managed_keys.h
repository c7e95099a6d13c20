#pragma once

#include <cstdint>
#include <memory>
#include <string>
#include <string_view>

#include "base/bytes.h"
#include "base/result.h"
#include "base/secret_bytes.h"
#include "crypto/asymmetric.h"

namespace bulla::api {

/// What a managed key may be used for: the first four of Vault's usages.
enum class KeyUsage : std::uint8_t { kEncrypt, kDecrypt, kSign, kVerify };

/// A managed key that a mount may use.
struct FoundManagedKey {
  std::string id;    ///< Its UUID.
  Bytes public_key;  ///< SubjectPublicKeyInfo, DER; empty: a symmetric key.
  /// The managed key is neither deleted nor pointed elsewhere while this lives,
  /// which is until what names `id` is stored. On the thread that found it.
  std::shared_ptr<const void> hold;
};

/// Keys that a device outside of the process holds and uses, an HSM; the
/// operator names them under sys/managed-keys. Given to engines. Any thread;
/// what speaks to the device blocks for seconds when that does not answer, so
/// never on an event loop.
///   kInvalidArgument  no such key, not one that this mount may use or for
///                     this usage, not what its mechanism can do, or data of
///                     the wrong form or length. What is sealed does not open.
///   kInternal         the device refuses: PIN, key or mechanism.
///   kUnavailable      it does not answer, or its earlier calls still wait.
class ManagedKeys {
 public:
  /// Whose use it is.
  struct Use {
    std::string_view mount_uuid;
    std::string_view key_id;
  };

  virtual ~ManagedKeys() = default;

  /// By name or by id; both hold where both are given. Makes sure that the
  /// device has the key, or makes it there where that is allowed.
  virtual Result<FoundManagedKey> find(std::string_view mount_uuid,
                                       std::string_view name,
                                       std::string_view id) = 0;
  /// Whether that usage is allowed. Does not speak to the device.
  virtual Result<void> check(const Use& use, KeyUsage usage) = 0;
  virtual Result<Bytes> encrypt(const Use& use, ByteView plaintext,
                                ByteView associated_data) = 0;
  virtual Result<SecretBytes> decrypt(const Use& use, ByteView sealed,
                                      ByteView associated_data) = 0;
  /// As crypto::PrivateKey::sign(), but that a PSS salt as long as fits is as
  /// long as the hash: devices take no longer one.
  virtual Result<Bytes> sign(const Use& use,
                             const crypto::SignatureScheme& scheme,
                             ByteView input) = 0;
};

}  // namespace bulla::api
