#include "kek/pkcs11_managed_key.h"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <mutex>

namespace bulla::kek {
namespace {

using Options = Pkcs11ManagedKeyOptions;
using Mechanism = Options::Mechanism;

bool is_rsa(Mechanism mechanism) {
  return mechanism == Mechanism::kRsaOaep ||
         mechanism == Mechanism::kRsaPkcs1 || mechanism == Mechanism::kRsaPss;
}

Pkcs11KeyClass hidden_class(Mechanism mechanism) {
  if (mechanism == Mechanism::kAesGcm) return Pkcs11KeyClass::kAes;
  return is_rsa(mechanism) ? Pkcs11KeyClass::kRsaPrivate
                           : Pkcs11KeyClass::kEcPrivate;
}

Error no_use(std::string_view what) {
  return invalid_argument(
      fmt::format("the managed key's mechanism does not {}", what));
}

bool size_holds(const Options& options) {
  static constexpr std::array<unsigned long, 3> kAes = {0, 128, 256};
  static constexpr std::array<unsigned long, 4> kRsa = {0, 2048, 3072, 4096};
  if (options.mechanism == Mechanism::kAesGcm) {
    return std::ranges::find(kAes, options.key_bits) != kAes.end();
  }
  return !is_rsa(options.mechanism) ||
         std::ranges::find(kRsa, options.key_bits) != kRsa.end();
}

Bytes joined(const Pkcs11Gcm& text) {
  Bytes out;
  out.reserve(1 + text.iv.size() + text.sealed.size());
  out.push_back(static_cast<std::uint8_t>(text.iv.size()));
  out.insert(out.end(), text.iv.begin(), text.iv.end());
  out.insert(out.end(), text.sealed.begin(), text.sealed.end());
  return out;
}

Result<Pkcs11Gcm> split(ByteView sealed) {
  const std::size_t iv = sealed.empty() ? 0 : sealed[0];
  if (iv < Pkcs11Gcm::kIvBytes || iv > Pkcs11Gcm::kIvBytesMax ||
      sealed.size() < 1 + iv + Pkcs11Gcm::kTagBytes) {
    return fail(corrupt("pkcs11: no ciphertext of a managed key"));
  }
  return Pkcs11Gcm{to_bytes(sealed.subspan(1, iv)),
                   to_bytes(sealed.subspan(1 + iv))};
}

}  // namespace

struct Pkcs11ManagedKey::Device {
  Device(Options given, crypto::Rng& source)
      : options(std::move(given)),
        place(options.place()),
        token(std::move(options.token)),
        keys(token, options.device_iv, source),
        rng(source) {}

  Result<void> check_token() const;
  Result<void> prepare(Deadline deadline);
  Result<void> generate(Deadline deadline);
  Result<void> check(Deadline deadline);
  Result<void> check_oaep(Deadline deadline);
  Result<Bytes> encrypt(const SecretBytes& plaintext, ByteView aad,
                        Deadline deadline);
  Result<SecretBytes> decrypt(ByteView sealed, ByteView aad, Deadline deadline);

  Options options;  ///< Without `token`.
  Pkcs11Place place;
  Pkcs11Token token;
  Pkcs11Keys keys;
  crypto::Rng& rng;
  std::mutex preparing;  ///< One key is made, not two; guards `checked`.
  bool checked = false;
};

Result<void> Pkcs11ManagedKey::Device::check_token() const {
  return options.reserved ? options.reserved->check(place) : Result<void>{};
}

Result<void> Pkcs11ManagedKey::Device::prepare(Deadline deadline) {
  const std::lock_guard lock(preparing);
  // Before the login: a PIN that is not the seal's would count against it.
  TRY(check_token());
  const auto found =
      keys.find(hidden_class(options.mechanism), options.key, deadline);
  if (!found) {
    const bool missing = found.error().code() == ErrorCode::kNotFound;
    if (!missing || !options.generate) return fail(found.error());
    TRY(check(deadline));
    return generate(deadline);
  }
  return check(deadline);
}

// What a broken token sealed would be lost or open to anyone's changes.
Result<void> Pkcs11ManagedKey::Device::check(Deadline deadline) {
  if (checked) return {};
  if (options.mechanism == Mechanism::kAesGcm) TRY(keys.check_gcm(deadline));
  if (options.mechanism == Mechanism::kRsaOaep) TRY(check_oaep(deadline));
  checked = true;
  return {};
}

// SoftHSM, for one, has SHA-1 alone, and says no more than "bad arguments".
Result<void> Pkcs11ManagedKey::Device::check_oaep(Deadline deadline) {
  const auto tried = keys.check_oaep(options.oaep_hash, deadline);
  if (tried || tried.error().code() == ErrorCode::kUnavailable ||
      tried.error().code() == ErrorCode::kPermissionDenied ||
      !keys.check_oaep(crypto::HashAlgorithm::kSha1, deadline)) {
    return tried;
  }
  return fail(
      ErrorCode::kUnsupported,
      fmt::format("the token does RSA-OAEP with SHA-1 and not with the hash "
                  "that is set: set rsa_oaep_hash to sha1 ({})",
                  tried.error().message()));
}

Result<void> Pkcs11ManagedKey::Device::generate(Deadline deadline) {
  constexpr std::size_t kNewIdBytes = 8;
  Pkcs11KeyName name = options.key;
  if (name.id.empty()) {
    name.id.resize(kNewIdBytes);
    rng.fill(name.id);
  }
  const unsigned long bits = options.key_bits;
  if (options.mechanism == Mechanism::kAesGcm) {
    return keys.generate_aes(name, bits == 0 ? Pkcs11Keys::kAesBits : bits,
                             deadline);
  }
  if (is_rsa(options.mechanism)) {
    return keys.generate_rsa(name, bits == 0 ? Pkcs11Keys::kRsaBits : bits,
                             deadline);
  }
  return keys.generate_ec(name, options.curve, deadline);
}

Result<Bytes> Pkcs11ManagedKey::Device::encrypt(const SecretBytes& plaintext,
                                                ByteView aad,
                                                Deadline deadline) {
  if (options.mechanism == Mechanism::kRsaOaep) {
    return keys.oaep_encrypt(options.key, options.oaep_hash, plaintext.expose(),
                             deadline);
  }
  TRY_ASSIGN(const auto text,
             keys.gcm_encrypt(options.key, aad, plaintext.expose(), deadline));
  return joined(text);
}

Result<SecretBytes> Pkcs11ManagedKey::Device::decrypt(ByteView sealed,
                                                      ByteView aad,
                                                      Deadline deadline) {
  if (options.mechanism == Mechanism::kRsaOaep) {
    return keys.oaep_decrypt(options.key, options.oaep_hash, sealed, deadline);
  }
  TRY_ASSIGN(const auto text, split(sealed));
  return keys.gcm_decrypt(options.key, text, aad, deadline);
}

Result<std::unique_ptr<Pkcs11ManagedKey>> Pkcs11ManagedKey::create(
    Options options, crypto::Rng& rng) {
  if (options.key.label.empty() && options.key.id.empty()) {
    return fail(invalid_argument("key_label or key_id is missing"));
  }
  if (!size_holds(options)) {
    return fail(invalid_argument(
        "key_bits: expected 128 or 256 for AES, 2048, 3072 or 4096 for RSA"));
  }
  return std::unique_ptr<Pkcs11ManagedKey>(
      new Pkcs11ManagedKey(std::make_shared<Device>(std::move(options), rng)));
}

Mechanism Pkcs11ManagedKey::mechanism() const {
  return device_->options.mechanism;
}

// A device that hangs would else take one waiting thread after the other.
template <typename T>
Result<T> Pkcs11ManagedKey::run(Deadline deadline,
                                std::function<Result<T>()> work) {
  if (calls_.overdue() > 0) {
    return fail(unavailable("the device has not answered an earlier call yet"));
  }
  return calls_.run<T>(deadline, std::move(work));
}

crypto::HashAlgorithm Pkcs11ManagedKey::oaep_hash() const {
  return device_->options.oaep_hash;
}

Result<void> Pkcs11ManagedKey::check_token(Deadline deadline) {
  return run<void>(deadline,
                   [device = device_] { return device->check_token(); });
}

Result<void> Pkcs11ManagedKey::prepare(Deadline deadline) {
  return run<void>(deadline, [device = device_, deadline] {
    return device->prepare(deadline);
  });
}

Result<Bytes> Pkcs11ManagedKey::encrypt(ByteView plaintext, ByteView aad,
                                        Deadline deadline) {
  const bool gcm = mechanism() == Mechanism::kAesGcm;
  if (!gcm && mechanism() != Mechanism::kRsaOaep) {
    return fail(no_use("encrypt"));
  }
  if (!gcm && !aad.empty()) return fail(no_use("take associated data"));
  const auto copy =
      std::make_shared<const SecretBytes>(SecretBytes::copy_of(plaintext));
  return run<Bytes>(deadline,
                    [device = device_, copy, aad = to_bytes(aad), deadline] {
                      return device->encrypt(*copy, aad, deadline);
                    });
}

Result<SecretBytes> Pkcs11ManagedKey::decrypt(ByteView sealed, ByteView aad,
                                              Deadline deadline) {
  const bool gcm = mechanism() == Mechanism::kAesGcm;
  if (!gcm && mechanism() != Mechanism::kRsaOaep) {
    return fail(no_use("decrypt"));
  }
  if (!gcm && !aad.empty()) return fail(no_use("take associated data"));
  return run<SecretBytes>(
      deadline,
      [device = device_, sealed = to_bytes(sealed), aad = to_bytes(aad),
       deadline] { return device->decrypt(sealed, aad, deadline); });
}

Result<Bytes> Pkcs11ManagedKey::sign(const Pkcs11Signing& how, ByteView digest,
                                     Deadline deadline) {
  const bool ecdsa = how.scheme == Pkcs11Signing::Scheme::kEcdsa;
  const bool signer = mechanism() == Mechanism::kEcdsa ||
                      mechanism() == Mechanism::kRsaPkcs1 ||
                      mechanism() == Mechanism::kRsaPss;
  if (!signer || ecdsa != (mechanism() == Mechanism::kEcdsa)) {
    return fail(no_use("sign so"));
  }
  return run<Bytes>(
      deadline, [device = device_, how, digest = to_bytes(digest), deadline] {
        return device->keys.sign(device->options.key, how, digest, deadline);
      });
}

Result<crypto::PublicKey> Pkcs11ManagedKey::public_key(Deadline deadline) {
  if (mechanism() == Mechanism::kAesGcm) return fail(no_use("have two halves"));
  const auto sought = is_rsa(mechanism()) ? Pkcs11KeyClass::kRsaPublic
                                          : Pkcs11KeyClass::kEcPublic;
  return run<crypto::PublicKey>(deadline, [device = device_, sought, deadline] {
    return device->keys.public_key(sought, device->options.key, deadline);
  });
}

}  // namespace bulla::kek
