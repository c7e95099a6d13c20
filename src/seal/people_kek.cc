#include "seal/people_kek.h"

#include "base/encoding.h"
#include "kek/gcm_kek.h"
#include "kek/passphrase_blob.h"

namespace bulla::seal {
namespace {

using kek::GcmKek;
using kek::PassphraseBlob;

constexpr std::size_t kIdSaltBytes = 8;

Result<SecretBytes> derive(const SecretBytes& passphrase,
                           const crypto::Argon2Cost& cost, ByteView salt) {
  return crypto::argon2id({passphrase.expose(), salt, {}, {}}, cost,
                          GcmKek::kKeyBytes);
}

// As kek::PassphraseKek writes it, so that a stanza may open it, too.
Result<kek::WrappedKey> wrap_blob(const SecretBytes& key, PassphraseBlob blob,
                                  const SecretBytes& root, ByteView context,
                                  crypto::Rng& rng) {
  TRY_ASSIGN(const auto kek, GcmKek::create(key));
  TRY_ASSIGN(blob.sealed, kek.seal(root, blob.context(context), rng));
  return kek::WrappedKey{1, hex_encode(ByteView(blob.salt).first(kIdSaltBytes)),
                         blob.serialise()};
}

}  // namespace

Result<PeopleWrap> wrap_under_passphrase(const SecretBytes& passphrase,
                                         const crypto::Argon2Cost& cost,
                                         const SecretBytes& root,
                                         ByteView context, crypto::Rng& rng) {
  TRY(PassphraseBlob::check(cost));
  PassphraseBlob blob{cost, Bytes(PassphraseBlob::kSaltBytes), {}};
  rng.fill(blob.salt);
  PeopleWrap made;
  TRY_ASSIGN(made.kek, derive(passphrase, cost, blob.salt));
  TRY_ASSIGN(made.wrapped,
             wrap_blob(made.kek, std::move(blob), root, context, rng));
  return made;
}

Result<SecretBytes> passphrase_kek(const SecretBytes& passphrase,
                                   const Passkey& passkey) {
  TRY_ASSIGN(const auto blob, PassphraseBlob::parse(passkey.wrapped.blob));
  return derive(passphrase, blob.cost, blob.salt);
}

Result<kek::WrappedKey> wrap_with_people_kek(const SecretBytes& kek,
                                             const Passkey& passkey,
                                             const SecretBytes& root,
                                             ByteView context,
                                             crypto::Rng& rng) {
  if (passkey.kind == Passkey::kShamir) {
    return wrap_under_unseal_key(kek, root, context, rng);
  }
  TRY_ASSIGN(auto blob, PassphraseBlob::parse(passkey.wrapped.blob));
  return wrap_blob(kek, std::move(blob), root, context, rng);
}

Result<SecretBytes> unwrap_with_people_kek(const SecretBytes& kek,
                                           const Passkey& passkey,
                                           ByteView context) {
  if (passkey.kind == Passkey::kShamir) {
    return unwrap_under_unseal_key(kek, passkey.wrapped, context);
  }
  TRY_ASSIGN(const auto blob, PassphraseBlob::parse(passkey.wrapped.blob));
  TRY_ASSIGN(const auto gcm, GcmKek::create(kek));
  return gcm.open(blob.sealed, blob.context(context));
}

}  // namespace bulla::seal
