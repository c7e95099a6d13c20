#include "crypto/ecdh.h"

#include <gtest/gtest.h>

#include "base/encoding.h"

namespace bulla::crypto {
namespace {

struct Example {
  AsymmetricAlgorithm curve;
  std::string_view one;
  std::string_view other;
  std::string_view shared;
};
// RFC 5903 sections 8.1 and 8.2; small scalars, with zeros in front of what
// they share; reference/transit.md §14.
constexpr Example kExamples[] = {
    {AsymmetricAlgorithm::kEcdsaP256,
     "c88f01f510d9ac3f70a292daa2316de544e9aab8afe84049c62a9c57862d1433",
     "c6ef9c5d78ae012a011164acb397ce2088685d8f06bf9be0b283ab46476bee53",
     "d6840f6b42f6edafd13116e0e12565202fef8e9ece7dce03812464d04b9442de"},
    {AsymmetricAlgorithm::kEcdsaP384,
     "099f3c7034d4a2c699884d73a375a67f7624ef7c6b3c0f160647b67414dce655"
     "e35b538041e649ee3faef896783ab194",
     "41cb0779b4bdb85d47846725fbec3c9430fab46cc8dc5060855cc9bda0aa2942"
     "e0308312916b8ed2960e4bd55a7448fc",
     "11187331c279962d93d604243fd592cb9d0a926f422e47187521287e7156c5c4"
     "d603135569b9e9d09cf5d4a270f59746"},
    {AsymmetricAlgorithm::kEcdsaP521, "12d687", "74cbb1",
     "00a8547520c51542fea92ab7c9c450865c5fb0580df159bedadfa66893180f9f"
     "f166bb7fa524b7b3a090683c63505363ada04b64fed0c3035c3810432ac3dce5"
     "a04d"},
    {AsymmetricAlgorithm::kEcdsaP256, "12d687", "74cbb1",
     "5a9815123ea3ea3b1cfb54d326a4d57ec76f18a829e6f384678f2cf8abf23fad"}};

PrivateKey key(AsymmetricAlgorithm curve, std::string_view scalar) {
  return PrivateKey::from_ec(curve, hex_decode(scalar).value()).value();
}

TEST(Ecdh, Examples) {
  for (const Example& example : kExamples) {
    const PrivateKey one = key(example.curve, example.one);
    const PrivateKey other = key(example.curve, example.other);
    for (const auto& [mine, theirs] :
         {std::pair{&one, &other}, std::pair{&other, &one}}) {
      const auto shared = ecdh(*mine, theirs->public_key());
      ASSERT_TRUE(shared);
      EXPECT_EQ(hex_encode(shared->expose()), example.shared);
    }
  }
}

TEST(Ecdh, OnlyWithinACurve) {
  SystemRng rng;
  const PrivateKey p256 = key(AsymmetricAlgorithm::kEcdsaP256, "02");
  const PrivateKey p384 = key(AsymmetricAlgorithm::kEcdsaP384, "02");
  const auto ed25519 =
      PrivateKey::generate(AsymmetricAlgorithm::kEd25519, 0, rng);
  for (const PrivateKey* peer : {&p384, &*ed25519}) {
    const auto shared = ecdh(p256, peer->public_key());
    ASSERT_FALSE(shared);
    EXPECT_EQ(shared.error().code(), ErrorCode::kInvalidArgument);
  }
  EXPECT_FALSE(ecdh(*ed25519, ed25519->public_key()));
}

}  // namespace
}  // namespace bulla::crypto
