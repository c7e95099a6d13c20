#pragma once

#include <fmt/format.h>

#include <map>
#include <memory>
#include <mutex>
#include <string>
#include <string_view>

#include "crypto/aead.h"
#include "crypto/rng.h"
#include "dek/records.h"

namespace bulla::engine::kv {

/// DEKs that are only in memory: one active a scope, as many older ones as
/// a test makes.
class TestRecords final : public dek::RecordCipher {
 public:
  explicit TestRecords(crypto::Rng& rng) : rng_(rng) {}

  Result<dek::SealedBody> seal(std::string_view scope, std::string_view place,
                               ByteView body) override {
    const std::lock_guard lock(mutex_);
    auto active = active_.find(scope);
    if (active == active_.end()) {
      active = active_.emplace(scope, add()).first;
    }
    dek::SealedBody sealed{active->second, {}};
    sealed.bytes.resize(kNonce + body.size() + crypto::kAeadTagBytes);
    auto* const out = reinterpret_cast<std::uint8_t*>(sealed.bytes.data());
    const ByteSpan nonce(out, kNonce);
    rng_.fill(nonce);
    deks_.at(sealed.dek_id)
        .aead->seal(nonce, as_bytes(bound(place, sealed.dek_id)), body,
                    out + kNonce);
    return sealed;
  }

  Result<SecretBytes> open(std::string_view dek_id, std::string_view place,
                           ByteView bytes) override {
    const std::lock_guard lock(mutex_);
    const auto dek = deks_.find(dek_id);
    if (dek == deks_.end()) {
      return fail(not_found(fmt::format("there is no DEK \"{}\"", dek_id)));
    }
    if (dek->second.inactive) {
      return fail(
          invalid_argument(fmt::format("DEK \"{}\" is inactive", dek_id)));
    }
    constexpr std::size_t kOverhead = kNonce + crypto::kAeadTagBytes;
    if (bytes.size() < kOverhead) return fail(corrupt("truncated"));
    SecretBytes body(bytes.size() - kOverhead);
    if (dek->second.aead->open(
            bytes.first(kNonce), as_bytes(bound(place, dek_id)),
            bytes.subspan(kNonce), body.expose_mutable().data())) {
      return body;
    }
    return fail(corrupt(fmt::format("does not open under DEK \"{}\"", dek_id)));
  }

  /// Makes a new active DEK; answers its id.
  std::string rotate(std::string_view scope = "default") {
    const std::lock_guard lock(mutex_);
    std::string id = add();
    active_.insert_or_assign(std::string(scope), id);
    return id;
  }
  std::string active(std::string_view scope = "default") {
    const std::lock_guard lock(mutex_);
    const auto at = active_.find(scope);
    return at == active_.end() ? "" : at->second;
  }
  void deactivate(const std::string& id) {
    const std::lock_guard lock(mutex_);
    deks_.at(id).inactive = true;
  }

 private:
  static constexpr std::size_t kNonce = 12;
  struct Dek {
    std::unique_ptr<crypto::Aead> aead;
    bool inactive = false;
  };

  static std::string bound(std::string_view place, std::string_view id) {
    return fmt::format("{}|{}", place, id);
  }
  std::string add() {
    const SecretBytes key = rng_.secret(32);
    auto aead =
        crypto::Aead::create(crypto::AeadAlgorithm::kAes256Gcm, key.expose());
    std::string id = rng_.uuid();
    deks_[id].aead = std::make_unique<crypto::Aead>(*std::move(aead));
    return id;
  }

  crypto::Rng& rng_;
  std::mutex mutex_;
  std::map<std::string, Dek, std::less<>> deks_;
  std::map<std::string, std::string, std::less<>> active_;
};

}  // namespace bulla::engine::kv
