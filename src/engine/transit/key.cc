#include "engine/transit/key.h"

#include <fmt/format.h>

#include <limits>
#include <utility>

#include "base/assert.h"
#include "engine/transit/derivation.h"

namespace bulla::engine::transit {
namespace {

constexpr std::int64_t kUnknown = std::numeric_limits<std::int64_t>::min();

tl::unexpected<Error> misfit(const KeyRecord& key, std::uint32_t number) {
  return fail(
      corrupt(fmt::format("key {}: version {} is not of type {}", key.name,
                          number, key_type_info(key.type).name)));
}

}  // namespace

KeyVersion::KeyVersion(VersionRecord record)
    : record_(std::move(record)),
      prefix_(fmt::format("vault:v{}:", record_.number)) {}

Result<std::shared_ptr<const KeyVersion>> KeyVersion::make(
    const KeyRecord& key, VersionRecord record) {
  const KeyTypeInfo& type = key_type_info(key.type);
  std::shared_ptr<KeyVersion> version(new KeyVersion(std::move(record)));
  switch (type.family) {
    case KeyFamily::kAead:
    case KeyFamily::kCmac:
      TRY(version->open_symmetric(key, type));
      break;
    case KeyFamily::kKeyPair:
      TRY(version->open_key_pair(key, type));
      break;
    case KeyFamily::kManaged:
      TRY(version->open_managed(key));
      break;
    case KeyFamily::kHmac:
      if (!std::holds_alternative<HmacMaterial>(version->record_.material)) {
        return misfit(key, version->number());
      }
      break;
  }
  if (!version->hmac_key().empty()) {
    version->hmac_sha256_.emplace(crypto::HashAlgorithm::kSha2_256,
                                  version->hmac_key());
  }
  return version;
}

Result<void> KeyVersion::open_symmetric(const KeyRecord& key,
                                        const KeyTypeInfo& type) {
  const auto* material = std::get_if<SymmetricMaterial>(&record_.material);
  if (material == nullptr || material->key.size() != type.key_bytes) {
    return misfit(key, number());
  }
  if (type.macs()) {
    TRY_ASSIGN(cmac_, crypto::Cmac::create(material->key.expose()));
  } else if (!key.derived) {
    TRY_ASSIGN(aead_, crypto::Aead::create(*type.aead, material->key.expose()));
  }
  return {};
}

Result<void> KeyVersion::open_key_pair(const KeyRecord& key,
                                       const KeyTypeInfo& type) {
  auto* material = std::get_if<KeyPairMaterial>(&record_.material);
  if (material == nullptr) return misfit(key, number());
  auto spki = crypto::PublicKey::from_spki_der(material->spki);
  if (!spki || spki->algorithm() != type.algorithm ||
      (type.rsa() && spki->bits() != type.bits)) {
    return misfit(key, number());
  }
  public_ = *std::move(spki);
  if (material->pkcs8.empty()) return {};
  auto pair = crypto::PrivateKey::from_pkcs8(material->pkcs8.expose());
  if (!pair && pair.error().code() == ErrorCode::kExhausted) {
    return fail(pair.error());
  }
  if (!pair || !(pair->public_key() == *public_)) return misfit(key, number());
  private_ = *std::move(pair);
  material->pkcs8 = SecretBytes();
  if (key.derived) ed25519_key_ = ed25519_bytes(*private_);
  return {};
}

Result<void> KeyVersion::open_managed(const KeyRecord& key) {
  const ManagedMaterial* const material = managed();
  if (material == nullptr) return misfit(key, number());
  if (material->spki.empty()) return {};
  auto spki = crypto::PublicKey::from_spki_der(material->spki);
  if (!spki) return misfit(key, number());
  public_ = *std::move(spki);
  return {};
}

void KeyVersion::count_with(std::shared_ptr<Usage> usage) const {
  if (usage_owner_ == usage) return;
  // Once given it stays: loops may be counting with it.
  BULLA_ASSERT(usage_owner_ == nullptr);
  usage_owner_ = std::move(usage);
  usage_.store(usage_owner_.get(), std::memory_order_release);
}

const std::vector<Bytes>& KeyVersion::certificates() const {
  static const std::vector<Bytes> kNone;
  const auto* pair = std::get_if<KeyPairMaterial>(&record_.material);
  return pair == nullptr ? kNone : pair->certificates;
}

ByteView KeyVersion::secret_key() const {
  if (const auto* own = std::get_if<SymmetricMaterial>(&record_.material)) {
    return own->key.expose();
  }
  if (const auto* own = std::get_if<HmacMaterial>(&record_.material)) {
    return own->key.expose();
  }
  return ed25519_key_.expose();
}

ByteView KeyVersion::hmac_key() const {
  const auto* own = std::get_if<HmacMaterial>(&record_.material);
  return own == nullptr ? record_.hmac_key.expose() : own->key.expose();
}

crypto::Digest KeyVersion::hmac(crypto::HashAlgorithm algorithm,
                                ByteView input) const {
  if (algorithm == crypto::HashAlgorithm::kSha2_256) {
    return hmac_sha256_->sign(input);
  }
  return crypto::hmac(algorithm, hmac_key(), input);
}

std::optional<Time> CreationTimes::get(std::uint32_t number) const {
  const std::lock_guard lock(mutex_);
  if (number >= nanos_.size() || nanos_[number] == kUnknown) {
    return std::nullopt;
  }
  return from_unix_nanos(nanos_[number]);
}

void CreationTimes::set(std::uint32_t number, Time time) {
  const std::lock_guard lock(mutex_);
  if (number >= nanos_.size()) {
    nanos_.resize(std::size_t{number} + 1, kUnknown);
  }
  nanos_[number] = unix_nanos(time);
}

Key::Key(KeyRecord record, VersionTree versions,
         std::shared_ptr<CreationTimes> times)
    : record_(std::move(record)),
      type_(&key_type_info(record_.type)),
      versions_(std::move(versions)),
      latest_(versions_.find(record_.latest_version)),
      times_(std::move(times)) {
  BULLA_ASSERT(latest_ != nullptr);
}

}  // namespace bulla::engine::transit
