#include "kek/transit_kek.h"

#include <fmt/format.h>

#include <algorithm>

#include "base/encoding.h"
#include "base/json_writer.h"
#include "crypto/hash.h"

namespace bulla::kek {
namespace {

using AadHash = std::array<std::uint8_t, crypto::kSha256Bytes>;

// Room for a body, so that a secret in it is never left behind by growth.
constexpr std::size_t kBodyBytes = 8192;

std::string encrypt_body(const SecretBytes& key, const AadHash& aad,
                         KekVersion version) {
  SecretBytes plaintext(aad.size() + key.size());
  const ByteSpan out = plaintext.expose_mutable();
  std::ranges::copy(aad, out.begin());
  std::ranges::copy(key.expose(), out.begin() + aad.size());
  std::string body;
  body.reserve(kBodyBytes);
  JsonWriter writer(body);
  writer.begin_object();
  writer.key("plaintext").base64(plaintext.expose());
  writer.key("associated_data").base64(aad);
  if (version != 0) writer.member("key_version", version);
  writer.end_object();
  return body;
}

std::string decrypt_body(const WrappedKey& wrapped, const AadHash& aad) {
  std::string body;
  JsonWriter writer(body);
  writer.begin_object();
  writer.key("ciphertext")
      .plain(transit_ciphertext(wrapped.version, wrapped.blob));
  writer.key("associated_data").base64(aad);
  writer.end_object();
  return body;
}

}  // namespace

TransitKek::TransitKek(std::string name, TransitOptions options)
    : name_(std::move(name)), client_(std::move(options)) {
  static_cast<void>(
      learn({std::chrono::steady_clock::now() + kFirstAskTimeout, 1}));
  if (client_.options().renew) renewer_.emplace(client_);
}

Result<std::unique_ptr<KekProvider>> TransitKek::from_options(
    std::string name, const Stanza::Options& options, crypto::Rng&) {
  auto read = TransitOptions::from_stanza(options);
  if (!read) {
    return fail(std::move(read).error().with_context("seal \"transit\""));
  }
  return std::unique_ptr<KekProvider>(
      new TransitKek(std::move(name), *std::move(read)));
}

std::vector<KekVersion> TransitKek::versions() const {
  const KekVersion latest = latest_;
  const KekVersion oldest = oldest_;
  if (oldest == 0 || oldest > latest) return {latest};
  const KekVersion told =
      std::min<KekVersion>(latest - oldest + 1, kVersionsMax);
  std::vector<KekVersion> versions;
  for (KekVersion i = told; i > 0; --i) versions.push_back(latest - i + 1);
  return versions;
}

void TransitKek::adopt(KekVersion version, std::string_view) {
  KekVersion known = latest_;
  while (oldest_ == 0 && known < version &&
         !latest_.compare_exchange_weak(known, version)) {
  }
}

Result<void> TransitKek::read_versions(const CallLimits& limits) {
  TRY_ASSIGN(
      const auto answer,
      client_.call(TransitCall::kRead, client_.key_path("keys"), {}, limits));
  TRY_ASSIGN(const TransitKeyInfo info, parse_transit_key(answer.body));
  latest_ = info.latest;
  oldest_ = info.oldest;
  return {};
}

// A token need not be allowed to read the key; what it encrypts then tells the
// newest version.
Result<void> TransitKek::learn(const CallLimits& limits) {
  auto read = read_versions(limits);
  if (read || read.error().code() != ErrorCode::kPermissionDenied) return read;
  TRY_ASSIGN(const auto made, encrypt(SecretBytes(32), {}, 0, limits));
  if (oldest_ == 0) latest_ = made.version;
  return {};
}

Result<TransitCiphertext> TransitKek::encrypt(const SecretBytes& key,
                                              ByteView aad, KekVersion version,
                                              const CallLimits& limits) {
  TRY_ASSIGN(
      const auto answer,
      client_.call(TransitCall::kEncrypt, client_.key_path("encrypt"),
                   encrypt_body(key, crypto::sha256(aad), version), limits));
  TRY_ASSIGN(auto made, parse_transit_encrypt(answer.body));
  if (version == 0 || made.version == version) return made;
  return fail(
      unavailable("the server encrypted under another version than asked"));
}

Result<WrappedKey> TransitKek::wrap(const SecretBytes& key, ByteView aad,
                                    KekVersion version, Deadline deadline) {
  if (key.empty() || key.size() > kSecretBytesMax) {
    return fail(
        invalid_argument("transit: a secret of that length cannot be wrapped"));
  }
  // First of all, since to encrypt under a key that is gone may make a new one.
  const auto read = read_versions({deadline});
  if (!read && read.error().code() != ErrorCode::kPermissionDenied) {
    return fail(read.error());
  }
  TRY_ASSIGN(auto made, encrypt(key, aad, version, {deadline}));
  adopt(made.version, {});
  return WrappedKey{
      made.version,
      fmt::format("{}v{}", client_.options().key_id_prefix, made.version),
      std::move(made.bytes)};
}

Result<SecretBytes> TransitKek::unwrap(const WrappedKey& wrapped, ByteView aad,
                                       Deadline deadline) {
  if (wrapped.version == 0) return fail(not_found("transit: no version 0"));
  if (wrapped.blob.empty() || wrapped.blob.size() > kBlobBytesMax) {
    return fail(corrupt("transit: the wrapped key has a wrong length"));
  }
  const AadHash hash = crypto::sha256(aad);
  TRY_ASSIGN(const auto answer,
             client_.call(TransitCall::kDecrypt, client_.key_path("decrypt"),
                          decrypt_body(wrapped, hash), {deadline}));
  TRY_ASSIGN(const auto plain, parse_transit_decrypt(answer.body));
  const ByteView bytes = plain.expose();
  if (bytes.size() <= hash.size() ||
      !constant_time_equal(bytes.first(hash.size()), hash)) {
    return fail(corrupt("transit: the wrapped key is of another place"));
  }
  return SecretBytes::copy_of(bytes.subspan(hash.size()));
}

Result<void> TransitKek::probe(Deadline deadline) {
  TRY(learn({deadline}));
  return KekProvider::probe(deadline);
}

}  // namespace bulla::kek
