#include "seal/passkey.h"

#include <fmt/format.h>

#include "base/wire.h"
#include "crypto/aead.h"
#include "crypto/hash.h"

namespace bulla::seal {
namespace {

constexpr std::uint8_t kFormat = 2;
constexpr std::size_t kNonceBytes = 12;
constexpr std::size_t kOverheadBytes = kNonceBytes + crypto::kAeadTagBytes;
constexpr auto kCipher = crypto::AeadAlgorithm::kAes256Gcm;
constexpr std::string_view kContextLabel = "bulla passkey 1";
constexpr std::string_view kCheckLabel = "bulla key check 1";

Result<void> check_bounds(const Passkey& passkey) {
  const bool texts = passkey.name.size() <= Passkey::kTextBytesMax &&
                     passkey.provider.size() <= Passkey::kTextBytesMax &&
                     !passkey.kind.empty() &&
                     passkey.kind.size() <= Passkey::kTextBytesMax &&
                     passkey.wrapped.key_id.size() <= Passkey::kTextBytesMax;
  const bool bytes =
      !passkey.wrapped.blob.empty() &&
      passkey.wrapped.blob.size() <= kek::KekProvider::kBlobBytesMax &&
      passkey.check.size() == Passkey::kCheckBytes;
  const bool split = passkey.threshold >= 1 &&
                     passkey.threshold <= passkey.shares &&
                     passkey.shares <= SealConfig::kSharesMax;
  const bool whole = passkey.shares == 0 && passkey.threshold == 0;
  const bool shamir = passkey.kind == Passkey::kShamir;
  const bool opener = shamir ? split && !passkey.automatic() : whole;
  if (texts && bytes && opener) return {};
  return fail(corrupt(
      fmt::format("{}: a field has an impossible value", passkey.path())));
}

}  // namespace

Bytes Passkey::serialise() const {
  WireWriter out;
  out.u8(kFormat).text(name).text(kind).text(provider);
  out.u32(wrapped.version).text(wrapped.key_id).bytes(wrapped.blob);
  out.bytes(check).u32(shares).u32(threshold);
  out.i64(unix_nanos(created)).i64(unix_nanos(verified));
  return to_bytes(out.view());
}

Result<Passkey> Passkey::parse(std::string id, ByteView bytes) {
  Passkey passkey;
  passkey.id = std::move(id);
  WireReader in(bytes);
  if (in.u8() != kFormat) {
    return fail(corrupt(
        fmt::format("{}: not of a format that this knows", passkey.path())));
  }
  passkey.name = in.text();
  passkey.kind = in.text();
  passkey.provider = in.text();
  passkey.wrapped.version = in.u32();
  passkey.wrapped.key_id = in.text();
  passkey.wrapped.blob = to_bytes(in.bytes());
  passkey.check = to_bytes(in.bytes());
  passkey.shares = in.u32();
  passkey.threshold = in.u32();
  passkey.created = from_unix_nanos(in.i64());
  passkey.verified = from_unix_nanos(in.i64());
  TRY(in.finish(passkey.path()));
  TRY(check_bounds(passkey));
  return passkey;
}

Bytes passkey_context(std::string_view installation, std::string_view id) {
  WireWriter out;
  out.text(kContextLabel).text(installation).text(id);
  return to_bytes(out.view());
}

Bytes check_value(const SecretBytes& key) {
  return to_bytes(crypto::hmac(crypto::HashAlgorithm::kSha2_256, key.expose(),
                               as_bytes(kCheckLabel))
                      .view());
}

Result<kek::WrappedKey> wrap_under_unseal_key(const SecretBytes& unseal_key,
                                              const SecretBytes& root_key,
                                              ByteView context,
                                              crypto::Rng& rng) {
  TRY_ASSIGN(const auto aead,
             crypto::Aead::create(kCipher, unseal_key.expose()));
  kek::WrappedKey wrapped;
  wrapped.blob.resize(kOverheadBytes + root_key.size());
  const ByteSpan nonce = ByteSpan(wrapped.blob).first(kNonceBytes);
  rng.fill(nonce);
  aead.seal(nonce, context, root_key.expose(),
            wrapped.blob.data() + kNonceBytes);
  return wrapped;
}

Result<SecretBytes> unwrap_under_unseal_key(const SecretBytes& unseal_key,
                                            const kek::WrappedKey& wrapped,
                                            ByteView context) {
  const auto refused = [] {
    return fail(corrupt("cipher: message authentication failed"));
  };
  const ByteView blob = wrapped.blob;
  if (unseal_key.size() != crypto::aead_key_bytes(kCipher)) return refused();
  if (blob.size() <= kOverheadBytes) return refused();
  TRY_ASSIGN(const auto aead,
             crypto::Aead::create(kCipher, unseal_key.expose()));
  SecretBytes root_key(blob.size() - kOverheadBytes);
  if (!aead.open(blob.first(kNonceBytes), context, blob.subspan(kNonceBytes),
                 root_key.expose_mutable().data())) {
    return refused();
  }
  return root_key;
}

}  // namespace bulla::seal
