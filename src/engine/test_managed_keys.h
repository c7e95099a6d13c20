#pragma once

#include <map>
#include <memory>
#include <optional>
#include <set>
#include <string>
#include <string_view>
#include <utility>

#include "api/managed_keys.h"
#include "crypto/aead.h"
#include "crypto/rng.h"

namespace bulla::engine {

/// Managed keys of no HSM; a key's id is "id-" and its name. For one thread.
class TestManagedKeys final : public api::ManagedKeys {
 public:
  void add_aes(const std::string& name) {
    const SecretBytes key = rng_.secret(32);
    keys_["id-" + name].aead =
        crypto::Aead::create(crypto::AeadAlgorithm::kAes256Gcm, key.expose())
            .value();
  }
  void add_pair(const std::string& name, crypto::AsymmetricAlgorithm algorithm,
                std::size_t bits) {
    keys_["id-" + name].pair = std::make_unique<crypto::PrivateKey>(
        crypto::PrivateKey::generate(algorithm, bits, rng_).value());
  }
  /// What every call but find() answers from now on.
  std::optional<Error> fault;
  /// Usages that are refused.
  std::set<api::KeyUsage> refused;
  int calls = 0;
  /// Holds that live.
  std::weak_ptr<int> held;

  Result<api::FoundManagedKey> find(std::string_view, std::string_view name,
                                    std::string_view id) override {
    const std::string wanted =
        id.empty() ? "id-" + std::string(name) : std::string(id);
    const auto found = keys_.find(wanted);
    if (found == keys_.end()) {
      return fail(invalid_argument("no managed key of that name"));
    }
    const auto hold = std::make_shared<int>(0);
    held = hold;
    const auto& pair = found->second.pair;
    return api::FoundManagedKey{
        wanted, pair ? pair->public_key().spki_der() : Bytes(), hold};
  }
  Result<void> check(const Use&, api::KeyUsage usage) override {
    if (refused.contains(usage)) {
      return fail(invalid_argument("the managed key may not do that"));
    }
    return {};
  }
  Result<Bytes> encrypt(const Use& use, ByteView plaintext,
                        ByteView aad) override {
    TRY_ASSIGN(const Held* key, used(use, api::KeyUsage::kEncrypt));
    if (key->pair) {
      return key->pair->public_key().encrypt(crypto::RsaEncryption::kOaep,
                                             crypto::HashAlgorithm::kSha1,
                                             plaintext);
    }
    Bytes out(kIv + plaintext.size() + crypto::kAeadTagBytes);
    rng_.fill(ByteSpan(out).first(kIv));
    key->aead->seal(ByteView(out).first(kIv), aad, plaintext, out.data() + kIv);
    return out;
  }
  Result<SecretBytes> decrypt(const Use& use, ByteView sealed,
                              ByteView aad) override {
    TRY_ASSIGN(const Held* key, used(use, api::KeyUsage::kDecrypt));
    if (key->pair) {
      return key->pair->decrypt(crypto::RsaEncryption::kOaep,
                                crypto::HashAlgorithm::kSha1, sealed);
    }
    const Error forged = invalid_argument("does not open");
    if (sealed.size() < kIv + crypto::kAeadTagBytes) return fail(forged);
    SecretBytes out(sealed.size() - kIv - crypto::kAeadTagBytes);
    if (!key->aead->open(sealed.first(kIv), aad, sealed.subspan(kIv),
                         out.expose_mutable().data())) {
      return fail(forged);
    }
    return out;
  }
  Result<Bytes> sign(const Use& use, const crypto::SignatureScheme& scheme,
                     ByteView input) override {
    TRY_ASSIGN(const Held* key, used(use, api::KeyUsage::kSign));
    return key->pair->sign(scheme, input);
  }

 private:
  static constexpr std::size_t kIv = 12;
  struct Held {
    std::optional<crypto::Aead> aead;
    std::unique_ptr<crypto::PrivateKey> pair;
  };

  Result<const Held*> used(const Use& use, api::KeyUsage usage) {
    ++calls;
    if (fault) return fail(*fault);
    TRY(check(use, usage));
    const auto found = keys_.find(std::string(use.key_id));
    if (found == keys_.end()) return fail(invalid_argument("no such key"));
    return &found->second;
  }

  crypto::SystemRng rng_;
  std::map<std::string, Held> keys_;
};

}  // namespace bulla::engine
