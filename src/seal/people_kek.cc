#include "seal/people_kek.h"

namespace bulla::seal {

Result<kek::WrappedKey> wrap_with_people_kek(const SecretBytes& kek,
                                             const Passkey&,
                                             const SecretBytes& root,
                                             ByteView context,
                                             crypto::Rng& rng) {
  return wrap_under_unseal_key(kek, root, context, rng);
}

Result<SecretBytes> unwrap_with_people_kek(const SecretBytes& kek,
                                           const Passkey& passkey,
                                           ByteView context) {
  return unwrap_under_unseal_key(kek, passkey.wrapped, context);
}

}  // namespace bulla::seal
