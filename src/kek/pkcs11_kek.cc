#include "kek/pkcs11_kek.h"

#include <fmt/format.h>

#include <algorithm>
#include <set>

#include "base/encoding.h"
#include "crypto/hash.h"
#include "kek/pkcs11_keys.h"

namespace bulla::kek {
namespace {

using Mechanism = Pkcs11Blob::Mechanism;

constexpr std::chrono::seconds kFirstLook{5};
constexpr std::size_t kNewIdBytes = 8;

Pkcs11KeyClass finder_of(Mechanism mechanism) {
  return mechanism == Mechanism::kAesGcm ? Pkcs11KeyClass::kAes
                                         : Pkcs11KeyClass::kRsaPrivate;
}

// SHA-256(aad) ‖ key: RSA has no associated data.
SecretBytes bound(const SecretBytes& key, ByteView aad) {
  const auto digest = crypto::sha256(aad);
  SecretBytes out(digest.size() + key.size());
  std::ranges::copy(digest, out.expose_mutable().begin());
  std::ranges::copy(key.expose(), out.expose_mutable().begin() +
                                      std::ptrdiff_t{crypto::kSha256Bytes});
  return out;
}

Result<SecretBytes> unbound(const SecretBytes& text, ByteView aad) {
  const auto digest = crypto::sha256(aad);
  if (text.size() <= digest.size() ||
      !constant_time_equal(text.expose().first(digest.size()), digest)) {
    return fail(corrupt("pkcs11: the key was wrapped for something else"));
  }
  return SecretBytes::copy_of(text.expose().subspan(digest.size()));
}

}  // namespace

struct Pkcs11Kek::Device {
  Device(Pkcs11KekOptions given, crypto::Rng& source)
      : options(std::move(given)),
        token(std::move(options.token)),
        keys(token, options.device_iv, source),
        rng(source) {}

  Result<void> look(Deadline deadline);
  Result<Pkcs11KeyName> name_of(KekVersion version) const;
  Result<void> check(Deadline deadline);
  Result<void> create(KekVersion version, Deadline deadline);
  Result<void> make(KekVersion version, Deadline deadline);
  bool has_no_key_yet();
  Result<std::string> id_for_wrap(KekVersion version, Deadline deadline);
  Result<WrappedKey> wrap(const SecretBytes& key, ByteView aad,
                          KekVersion version, Deadline deadline);
  Result<Pkcs11Blob> seal(const Pkcs11KeyName& name, const SecretBytes& key,
                          ByteView aad, Deadline deadline);
  Result<void> verify(const WrappedKey& wrapped, const SecretBytes& key,
                      ByteView aad, Deadline deadline);
  Result<SecretBytes> unwrap(const WrappedKey& wrapped, ByteView aad,
                             Deadline deadline);
  void saw(KekVersion version);

  Pkcs11KekOptions options;  ///< Without `token`.
  Pkcs11Token token;
  Pkcs11Keys keys;
  crypto::Rng& rng;
  std::mutex making;  ///< One key at a time: looking for it and making it.
  std::mutex mutex;   ///< Guards the two below.
  std::set<KekVersion> seen;
  bool checked = false;
};

void Pkcs11Kek::Device::saw(KekVersion version) {
  const std::lock_guard lock(mutex);
  seen.insert(version);
}

Result<void> Pkcs11Kek::Device::look(Deadline deadline) {
  TRY_ASSIGN(const auto labels,
             keys.labels(finder_of(options.mechanism), deadline));
  std::set<KekVersion> found;
  for (const std::string& label : labels) {
    const KekVersion version = options.version_of(label);
    if (version != 0) found.insert(version);
  }
  const std::lock_guard lock(mutex);
  seen = std::move(found);
  return {};
}

Result<Pkcs11KeyName> Pkcs11Kek::Device::name_of(KekVersion version) const {
  Pkcs11KeyName name = options.name_of(version);
  if (!name.label.empty() || !name.id.empty()) return name;
  return fail(not_found(fmt::format(
      "pkcs11 KEK: no version {}: only keys with a key_label have versions",
      version)));
}

// Once a process; before anything is committed.
Result<void> Pkcs11Kek::Device::check(Deadline deadline) {
  {
    const std::lock_guard lock(mutex);
    if (checked) return {};
  }
  TRY(options.mechanism == Mechanism::kAesGcm
          ? keys.check_gcm(deadline)
          : keys.check_oaep(options.oaep_hash, deadline));
  const std::lock_guard lock(mutex);
  checked = true;
  return {};
}

Result<void> Pkcs11Kek::Device::create(KekVersion version, Deadline deadline) {
  const std::lock_guard lock(making);
  return make(version, deadline);
}

// Whoever calls this holds `making`.
Result<void> Pkcs11Kek::Device::make(KekVersion version, Deadline deadline) {
  TRY_ASSIGN(Pkcs11KeyName name, name_of(version));
  const auto found = keys.find(finder_of(options.mechanism), name, deadline);
  if (found) {
    return fail(ErrorCode::kConflict,
                fmt::format("pkcs11 KEK: the token has a key with {} already",
                            name.text()));
  }
  if (found.error().code() != ErrorCode::kNotFound) {
    return fail(found.error());
  }
  TRY(check(deadline));
  if (name.id.empty()) {
    name.id.resize(kNewIdBytes);
    rng.fill(name.id);
  }
  TRY(options.mechanism == Mechanism::kAesGcm
          ? keys.generate_aes(name, Pkcs11Keys::kAesBits, deadline)
          : keys.generate_rsa(name, Pkcs11Keys::kRsaBits, deadline));
  saw(version);
  return {};
}

bool Pkcs11Kek::Device::has_no_key_yet() {
  const std::lock_guard lock(mutex);
  return options.generate_key && seen.empty();
}

// Makes the first key where the stanza says so, as Vault does.
Result<std::string> Pkcs11Kek::Device::id_for_wrap(KekVersion version,
                                                   Deadline deadline) {
  TRY_ASSIGN(const Pkcs11KeyName name, name_of(version));
  const bool may_make = options.generate_key && version == 1;
  std::unique_lock lock(making, std::defer_lock);
  // SoftHSM fails to make a key now and then while another thread looks for it.
  if (may_make) lock.lock();
  auto id = keys.find(finder_of(options.mechanism), name, deadline);
  if (!id && id.error().code() == ErrorCode::kNotFound && may_make) {
    TRY(make(version, deadline));
    id = keys.find(finder_of(options.mechanism), name, deadline);
  }
  if (!id) return fail(std::move(id).error().with_context("pkcs11 KEK"));
  id->resize(std::min(id->size(), Pkcs11KekOptions::kIdBytesMax));
  if (id->empty()) return name.label;
  return fmt::format("{}:{}", name.label, hex_encode(*id));
}

Result<Pkcs11Blob> Pkcs11Kek::Device::seal(const Pkcs11KeyName& name,
                                           const SecretBytes& key, ByteView aad,
                                           Deadline deadline) {
  if (options.mechanism == Mechanism::kAesGcm) {
    TRY_ASSIGN(auto text, keys.gcm_encrypt(name, aad, key.expose(), deadline));
    return Pkcs11Blob{Mechanism::kAesGcm, std::move(text.iv),
                      std::move(text.sealed)};
  }
  TRY_ASSIGN(auto sealed,
             keys.oaep_encrypt(name, options.oaep_hash,
                               bound(key, aad).expose(), deadline));
  return Pkcs11Blob{Mechanism::kRsaOaep, {}, std::move(sealed)};
}

Result<WrappedKey> Pkcs11Kek::Device::wrap(const SecretBytes& key, ByteView aad,
                                           KekVersion version,
                                           Deadline deadline) {
  TRY_ASSIGN(std::string id, id_for_wrap(version, deadline));
  TRY(check(deadline));
  TRY_ASSIGN(const Pkcs11KeyName name, name_of(version));
  TRY_ASSIGN(const Pkcs11Blob blob, seal(name, key, aad, deadline));
  WrappedKey wrapped{version, std::move(id), blob.serialise()};
  TRY(verify(wrapped, key, aad, deadline));
  saw(version);
  return wrapped;
}

// What a device gives is kept only once it opened: sessions that die between
// two calls of one operation are not worth a root key.
Result<void> Pkcs11Kek::Device::verify(const WrappedKey& wrapped,
                                       const SecretBytes& key, ByteView aad,
                                       Deadline deadline) {
  const auto back = unwrap(wrapped, aad, deadline);
  if (back && *back == key) return {};
  if (!back && back.error().code() != ErrorCode::kCorrupt) {
    return fail(back.error());
  }
  return fail(
      unavailable("pkcs11 KEK: the device did not open what it had sealed"));
}

Result<SecretBytes> Pkcs11Kek::Device::unwrap(const WrappedKey& wrapped,
                                              ByteView aad, Deadline deadline) {
  TRY_ASSIGN(Pkcs11Blob blob, Pkcs11Blob::parse(wrapped.blob));
  TRY_ASSIGN(const Pkcs11KeyName name, name_of(wrapped.version));
  if (blob.mechanism == Mechanism::kRsaOaep) {
    TRY_ASSIGN(
        const SecretBytes text,
        keys.oaep_decrypt(name, options.oaep_hash, blob.sealed, deadline));
    return unbound(text, aad);
  }
  const Pkcs11Gcm text{std::move(blob.iv), std::move(blob.sealed)};
  return keys.gcm_decrypt(name, text, aad, deadline);
}

std::unique_ptr<KekProvider> Pkcs11Kek::create(std::string name,
                                               Pkcs11KekOptions options,
                                               crypto::Rng& rng) {
  std::unique_ptr<Pkcs11Kek> made(new Pkcs11Kek(
      std::move(name), std::make_shared<Device>(std::move(options), rng)));
  static_cast<void>(made->look(std::chrono::steady_clock::now() + kFirstLook));
  return made;
}

Result<std::unique_ptr<KekProvider>> Pkcs11Kek::from_options(
    std::string name, const std::map<std::string, std::string>& options,
    crypto::Rng& rng) {
  auto read = Pkcs11KekOptions::read(options);
  if (!read) {
    return fail(std::move(read).error().with_context("seal \"pkcs11\""));
  }
  return create(std::move(name), *std::move(read), rng);
}

std::vector<KekVersion> Pkcs11Kek::versions() const {
  const std::lock_guard lock(device_->mutex);
  if (device_->seen.empty()) return {1};
  return {device_->seen.begin(), device_->seen.end()};
}

Result<void> Pkcs11Kek::look(Deadline deadline) {
  return calls_.run<void>(deadline, [device = device_, deadline] {
    return device->look(deadline);
  });
}

Result<WrappedKey> Pkcs11Kek::wrap(const SecretBytes& key, ByteView aad,
                                   KekVersion version, Deadline deadline) {
  if (key.empty() || key.size() > kBlobBytesMax / 2) {
    return fail(invalid_argument(
        "pkcs11 KEK: a secret of that length cannot be wrapped"));
  }
  const auto copy = std::make_shared<const SecretBytes>(key.clone());
  return calls_.run<WrappedKey>(
      deadline,
      [device = device_, copy, aad = to_bytes(aad), version, deadline] {
        return device->wrap(*copy, aad, version, deadline);
      });
}

Result<SecretBytes> Pkcs11Kek::unwrap(const WrappedKey& wrapped, ByteView aad,
                                      Deadline deadline) {
  auto key = calls_.run<SecretBytes>(
      deadline, [device = device_, wrapped, aad = to_bytes(aad), deadline] {
        return device->unwrap(wrapped, aad, deadline);
      });
  if (key) {
    device_->saw(wrapped.version);
    return key;
  }
  return fail(std::move(key).error().with_context(
      fmt::format("pkcs11 KEK \"{}\"", wrapped.key_id.substr(0, 256))));
}

Result<void> Pkcs11Kek::probe(Deadline deadline) {
  TRY(look(deadline));
  // The token answered. A key is made for a secret, not for a probe: one that
  // was lost must not be hidden by another of its name.
  if (device_->has_no_key_yet()) return {};
  return KekProvider::probe(deadline);
}

Result<void> Pkcs11Kek::create_version(KekVersion version, Deadline deadline) {
  return calls_.run<void>(deadline, [device = device_, version, deadline] {
    return device->create(version, deadline);
  });
}

bool Pkcs11Kek::is_current(const WrappedKey& wrapped) const {
  const std::string label = device_->options.name_of(wrapped.version).label;
  return wrapped.key_id == label || wrapped.key_id.starts_with(label + ":");
}

}  // namespace bulla::kek
