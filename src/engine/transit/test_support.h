#pragma once

#include <fmt/format.h>

#include "engine/test_support.h"
#include "engine/transit/derivation.h"
#include "engine/transit/key_material.h"
#include "engine/transit/transit.h"

namespace bulla::engine::transit {

inline constexpr std::array<std::string_view, 4> kAeadTypes{
    "aes256-gcm96", "aes128-gcm96", "chacha20-poly1305", "xchacha20-poly1305"};

inline std::string b64(std::string_view text) {
  return base64_encode(as_bytes(text));
}

/// A transit mount, driven through its routes.
class TransitTest : public EngineTest {
 protected:
  TransitTest() { restart(); }

  /// A new backend over the same storage, as after a restart.
  void restart() {
    loop_.forget_all();
    backend_ = std::make_unique<TransitBackend>(backend_context());
  }

  Outcome call(api::Operation operation, std::string_view path,
               std::string_view body = {}) {
    api::Context context = request_context(loop_);
    context.may_block = may_block_;
    return run(*backend_, context, operation, path, body);
  }
  Outcome post(std::string_view path, std::string_view body = "{}") {
    return call(api::Operation::kUpdate, path, body);
  }
  Outcome get(std::string_view path) {
    return call(api::Operation::kRead, path);
  }
  /// The error text of a write that must fail; "ok" when it does not.
  std::string post_error(std::string_view path, std::string_view body = "{}") {
    const Outcome outcome = post(path, body);
    return outcome.ok ? "ok" : outcome.error;
  }
  void must(const Outcome& outcome) {
    ASSERT_TRUE(outcome.ok) << outcome.error;
  }
  void make_key(std::string_view name, std::string_view body = "{}") {
    must(post(fmt::format("keys/{}", name), body));
  }
  void rotate(std::string_view name) {
    must(post(fmt::format("keys/{}/rotate", name)));
  }

  /// Encrypts; `more` are further members, starting with a comma.
  std::string encrypt(std::string_view name, std::string_view plaintext,
                      std::string_view more = {}) {
    const Outcome outcome =
        post(fmt::format("encrypt/{}", name),
             fmt::format(R"({{"plaintext":"{}"{}}})", b64(plaintext), more));
    return outcome.ok ? outcome.at("/ciphertext") : outcome.error;
  }
  /// The plaintext, or the error's text.
  std::string decrypt(std::string_view name, std::string_view ciphertext,
                      std::string_view more = {}) {
    const Outcome outcome =
        post(fmt::format("decrypt/{}", name),
             fmt::format(R"({{"ciphertext":"{}"{}}})", ciphertext, more));
    if (!outcome.ok) return outcome.error;
    return to_text(base64_decode(outcome.at("/plaintext")).value());
  }

  /// Stores a key with that material as version 1, past the endpoints.
  void plant(std::string_view name, KeyType type, ByteView key,
             bool derived = false, bool convergent = false,
             Kdf kdf = Kdf::kHkdfSha256) {
    KeyRecord record;
    record.name = std::string(name);
    record.type = type;
    record.derived = derived;
    record.convergent = convergent;
    record.kdf = kdf;
    record.latest_created = clock_.time;
    VersionRecord version;
    version.created = clock_.time;
    version.convergent_version = convergent ? 3 : 0;
    if (type == KeyType::kHmac) {
      version.material = HmacMaterial{SecretBytes::copy_of(key)};
    } else {
      version.material = SymmetricMaterial{SecretBytes::copy_of(key)};
      version.hmac_key = SecretBytes(kHmacKeyBytesMin);
      for (std::uint8_t i = 0; i < kHmacKeyBytesMin; ++i) {
        version.hmac_key.expose_mutable()[i] = i;
      }
    }
    ASSERT_TRUE(view_.put(key_path(name), encode(record).expose()));
    ASSERT_TRUE(
        view_.put(version_path(name, record.id, 1), encode(version).expose()));
  }
  /// Stores an Ed25519 key of that seed as version 1, past the endpoints.
  void plant_ed25519(std::string_view name, ByteView seed, bool derived) {
    auto pair = crypto::PrivateKey::from_ed25519_seed(seed);
    ASSERT_TRUE(pair);
    KeyRecord record;
    record.type = KeyType::kEd25519;
    record.derived = derived;
    record.kdf = derived ? Kdf::kHkdfSha256 : Kdf::kCounter;
    ASSERT_TRUE(backend_->keys().create(
        name, record, clock_.time,
        KeyPairMaterial{.pkcs8 = pair->pkcs8_der(),
                        .spki = pair->public_key().spki_der(),
                        .certificates = {}}));
  }
  /// 00 01 02 …
  static Bytes counting(std::size_t size) {
    Bytes bytes(size);
    for (std::size_t i = 0; i < size; ++i) {
      bytes[i] = static_cast<std::uint8_t>(i);
    }
    return bytes;
  }
  std::size_t stored_versions(std::string_view name) {
    return view_.scan(versions_prefix(name)).value().size();
  }
  std::shared_ptr<const Key> snapshot(std::string_view name) {
    const auto slot = backend_->keys().find(name, true).value();
    return slot == nullptr ? nullptr : slot->load();
  }

  bool may_block_ = true;
  std::unique_ptr<TransitBackend> backend_;
};

}  // namespace bulla::engine::transit
