#include "crypto/private_pem.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "crypto/asymmetric.h"
#include "crypto/key_fixtures_test.h"
#include "crypto/pem.h"

namespace bulla::crypto {
namespace {

using testing::HasSubstr;

std::string pkcs8_pem(std::string_view base64) {
  return pem_encode("PRIVATE KEY", fixtures::der(base64));
}

// The public half of what comes out; empty where nothing does.
Bytes public_half(std::string_view pem) {
  const auto der = private_key_from_pem(pem);
  if (!der) return {};
  const auto key = PrivateKey::from_pkcs8(der->expose());
  return key ? key->public_key().spki_der() : Bytes();
}

std::string refusal(std::string_view pem) {
  const auto der = private_key_from_pem(pem);
  return der ? "ok" : der.error().message();
}

TEST(PrivatePem, EveryFormOfOneKey) {
  const Bytes rsa = public_half(pkcs8_pem(fixtures::kRsaPkcs8));
  EXPECT_FALSE(rsa.empty());
  EXPECT_EQ(public_half(fixtures::kRsaTraditionalPem), rsa);
  const Bytes p256 = public_half(pkcs8_pem(fixtures::kP256Pkcs8));
  EXPECT_FALSE(p256.empty());
  EXPECT_EQ(public_half(fixtures::kP256TraditionalPem), p256);
}

TEST(PrivatePem, SkipsWhatStandsBeforeTheKey) {
  const std::string text = "a remark\n" +
                           pem_encode("EC PARAMETERS", Bytes{6, 0}) +
                           std::string(fixtures::kP256TraditionalPem);
  EXPECT_FALSE(public_half(text).empty());
}

TEST(PrivatePem, RefusesWhatIsNoOpenKey) {
  EXPECT_THAT(refusal(""), HasSubstr("no private key"));
  EXPECT_THAT(refusal(fixtures::kCaCertificate), HasSubstr("no private key"));
  EXPECT_THAT(refusal(pem_encode("ENCRYPTED PRIVATE KEY", Bytes{1})),
              HasSubstr("encrypted"));
  EXPECT_THAT(refusal("-----BEGIN RSA PRIVATE KEY-----\n"
                      "Proc-Type: 4,ENCRYPTED\nDEK-Info: AES-128-CBC,00\n\n"
                      "AAAA\n-----END RSA PRIVATE KEY-----\n"),
              HasSubstr("encrypted"));
  EXPECT_THAT(refusal("-----BEGIN PRIVATE KEY-----\n?\n"
                      "-----END PRIVATE KEY-----\n"),
              HasSubstr("does not parse"));
  EXPECT_THAT(refusal(pem_encode("EC PRIVATE KEY", Bytes{0x30, 0})),
              HasSubstr("does not parse"));
}

}  // namespace
}  // namespace bulla::crypto
