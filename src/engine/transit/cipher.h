#pragma once

#include <cstddef>
#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "api/request.h"
#include "base/bytes.h"
#include "base/result.h"
#include "crypto/aead.h"
#include "crypto/hash.h"
#include "engine/transit/key_store.h"
#include "engine/transit/loop.h"

namespace bulla::engine::transit {

/// One request's use of one key snapshot: finds versions (loading them where
/// that is allowed), derives, seals and opens. Lives inside a handler; results
/// that are views hold until the next call. Errors of a message are
/// kInvalidArgument (the caller's) or kInternal, with the reference's texts;
/// any other code ends the request.
class Cipher {
 public:
  /// `key` must outlive this, which the loop's cache sees to until its next
  /// look-up.
  Cipher(const Key& key, KeyStore& store, TransitLoop& loop,
         const api::Context& context);
  Cipher(const Cipher&) = delete;
  Cipher& operator=(const Cipher&) = delete;
  ~Cipher();

  /// The key as it is now: sealing may rotate it.
  /// KeyStore::check_usable of the key.
  Result<void> check_usable() const { return store_.check_usable(*key_); }
  const Key& key() const { return *key_; }
  /// How many messages the request is going to seal, so that they are counted
  /// in one go. One by one without.
  void expect(std::size_t messages) { expected_ = messages; }
  TransitLoop& loop() { return loop_; }

  /// How RSA keys seal and open from now on: "oaep" (SHA-256, as is ""), or
  /// "pkcs1v15". An HSM's key seals as its mechanism says: it takes "oaep"
  /// alone. Other keys do not look at it.
  ///   kInvalidArgument  another word.
  Result<void> set_padding(std::string_view seal, std::string_view open);

  struct Sealed {
    ByteView bytes;  ///< nonce ‖ ciphertext ‖ tag
    const KeyVersion* version;
  };
  /// Encrypts base64 `plaintext`; `context` and `associated_data` are base64.
  Result<Sealed> seal(std::int64_t key_version, std::string_view plaintext,
                      std::string_view context,
                      std::string_view associated_data);
  /// Encrypts `plaintext` itself, not base64; it is left as it is.
  Result<Sealed> seal_bytes(std::int64_t key_version, ByteView plaintext,
                            std::string_view context,
                            std::string_view associated_data);
  /// Decrypts "vault:vN:…". wipe_opened() when done with the plaintext.
  Result<ByteView> open(std::string_view ciphertext, std::string_view context,
                        std::string_view associated_data);
  void wipe_opened();

  /// Counts one encryption by `version`, before it is done. False: it has done
  /// all its limit allows.
  Result<bool> take(const KeyVersion& version);
  /// After a take() that was false: rotates the key, so that asking for the
  /// latest version gets another.
  ///   kInvalidArgument  `asked` names a version; the key may not be rotated.
  Result<void> renew(std::int64_t asked);
  /// That version, for whatever it is used; `number` is at most the latest.
  Result<const KeyVersion*> version(std::uint32_t number);

  /// A signature in `scheme.encoding` by the HSM that has the version's key;
  /// it holds under the public half that is known here.
  ///   kInternal  also when it does not: the HSM's key is another one by now.
  Result<Bytes> sign_managed(const KeyVersion& version,
                             const crypto::SignatureScheme& scheme,
                             ByteView input);
  /// Whether signatures of the version's key may be verified.
  Result<void> check_verifiable(const KeyVersion& version);

 private:
  // Derived from a version and a context; kept while both stay the same.
  struct Derived {
    const KeyVersion* version;
    std::vector<std::uint8_t> context;
    std::optional<crypto::Aead> aead;
    std::optional<crypto::Hmac> nonce_key;  // convergent only
  };

  Result<ByteView> decode_context(std::string_view context);
  /// Wipes `plaintext`.
  Result<Sealed> seal_rsa(const KeyVersion& version, ByteSpan plaintext);
  Result<ByteView> open_rsa(const KeyVersion& version, ByteView sealed);
  /// The same by the HSM that has the key.
  Result<Sealed> seal_managed(const KeyVersion& version, ByteSpan plaintext,
                              ByteView associated_data);
  Result<ByteView> open_managed(const KeyVersion& version, ByteView sealed,
                                std::string_view associated_data);
  ByteView keep_opened(const SecretBytes& plaintext);
  Result<Sealed> seal_in_place(std::int64_t key_version, std::size_t size,
                               ByteView context,
                               std::string_view associated_data);
  Result<std::uint32_t> version_to_seal(std::int64_t asked) const;
  Result<std::uint32_t> version_to_open(std::int64_t asked) const;
  Result<const crypto::Aead*> aead_of(const KeyVersion& version,
                                      ByteView context);
  Result<void> derive(const KeyVersion& version, ByteView context);
  void make_nonce(ByteSpan nonce, ByteView plaintext);
  Result<ByteView> decode_associated(std::string_view text);
  void give_back();

  const Key* key_;
  std::vector<std::shared_ptr<const Key>> renewed_;  // holds key_, once rotated
  KeyStore& store_;
  TransitLoop& loop_;
  crypto::Rng& rng_;
  const bool may_block_;
  const Time now_;
  const KeyVersion* last_ = nullptr;  // of the last version() call
  std::vector<std::shared_ptr<const KeyVersion>> held_;  // loaded late
  std::optional<Derived> derived_;
  std::uint64_t expected_ = 0;
  const KeyVersion* counted_ = nullptr;
  std::uint64_t taken_ = 0;  // of counted_'s operations, not yet done
  std::size_t opened_size_ = 0;
  crypto::RsaEncryption seal_padding_ = crypto::RsaEncryption::kOaep;
  crypto::RsaEncryption open_padding_ = crypto::RsaEncryption::kOaep;
  Bytes sealed_elsewhere_;  // not in place; what Sealed views
};

/// What keys without associated data say of it; `index` counts in a batch.
///   kInvalidArgument  there is some.
Result<void> check_associated(const KeyTypeInfo& type, std::size_t index,
                              std::string_view associated_data);

}  // namespace bulla::engine::transit
