#pragma once

#include "api/managed_keys.h"

namespace bulla::api {

/// What backends get that use no managed keys: each answers that there is none.
class NoManagedKeys final : public ManagedKeys {
 public:
  Result<FoundManagedKey> find(std::string_view /*mount_uuid*/,
                               std::string_view /*name*/,
                               std::string_view /*id*/) override {
    return none();
  }
  Result<void> check(const Use& /*use*/, KeyUsage /*usage*/) override {
    return none();
  }
  Result<Bytes> encrypt(const Use& /*use*/, ByteView /*plaintext*/,
                        ByteView /*associated_data*/) override {
    return none();
  }
  Result<SecretBytes> decrypt(const Use& /*use*/, ByteView /*sealed*/,
                              ByteView /*associated_data*/) override {
    return none();
  }
  Result<Bytes> sign(const Use& /*use*/,
                     const crypto::SignatureScheme& /*scheme*/,
                     ByteView /*input*/) override {
    return none();
  }

 private:
  static tl::unexpected<Error> none() {
    return fail(invalid_argument("there are no managed keys"));
  }
};

}  // namespace bulla::api
