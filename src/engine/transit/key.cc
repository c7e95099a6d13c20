#include "engine/transit/key.h"

#include <fmt/format.h>

#include <limits>
#include <utility>

#include "base/assert.h"

namespace bulla::engine::transit {
namespace {
constexpr std::int64_t kUnknown = std::numeric_limits<std::int64_t>::min();
}  // namespace

KeyVersion::KeyVersion(VersionRecord record)
    : record_(std::move(record)),
      prefix_(fmt::format("vault:v{}:", record_.number)) {}

Result<std::shared_ptr<const KeyVersion>> KeyVersion::make(
    const KeyRecord& key, VersionRecord record) {
  const KeyTypeInfo& type = key_type_info(key.type);
  const auto* symmetric = std::get_if<SymmetricMaterial>(&record.material);
  if ((symmetric != nullptr) != type.aead.has_value() ||
      (symmetric != nullptr && symmetric->key.size() != type.key_bytes)) {
    return fail(corrupt(fmt::format("key {}: version {} is not of type {}",
                                    key.name, record.number, type.name)));
  }
  std::shared_ptr<KeyVersion> version(new KeyVersion(std::move(record)));
  if (type.aead && !key.derived) {
    TRY_ASSIGN(version->aead_,
               crypto::Aead::create(*type.aead, version->derivation_key()));
  }
  version->hmac_sha256_.emplace(crypto::HashAlgorithm::kSha2_256,
                                version->hmac_key());
  return version;
}

ByteView KeyVersion::derivation_key() const {
  const auto* symmetric = std::get_if<SymmetricMaterial>(&record_.material);
  return symmetric == nullptr ? ByteView{} : symmetric->key.expose();
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
