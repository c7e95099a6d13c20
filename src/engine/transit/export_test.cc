#include <gtest/gtest.h>

#include "engine/transit/test_support.h"

namespace bulla::engine::transit {
namespace {

using testing::EndsWith;
using testing::HasSubstr;
using testing::StartsWith;

class ExportTest : public TransitTest {
 protected:
  void make_exportable(std::string_view name, std::string_view type) {
    make_key(name, fmt::format(R"({{"type":"{}","exportable":true}})", type));
  }
  // The text of version 1, or the error.
  std::string exported(std::string_view path, std::string_view format = {}) {
    const Outcome outcome =
        call(api::Operation::kRead, fmt::format("export/{}", path),
             format.empty() ? std::string()
                            : fmt::format(R"({{"format":"{}"}})", format));
    if (!outcome.ok) return outcome.error;
    return outcome.response.present ? outcome.at("/keys/1") : "absent";
  }
};

TEST_F(ExportTest, SymmetricKeysAreTheirBytes) {
  make_key("k");
  EXPECT_EQ(exported("encryption-key/k"),
            "private key material is not exportable");
  must(post("keys/k/config", R"({"exportable":true})"));
  const std::string key = exported("encryption-key/k");
  EXPECT_EQ(base64_decode(key)->size(), 32U);
  EXPECT_EQ(exported("encryption-key/k", "raw"), key);
  EXPECT_EQ(exported("encryption-key/k", "der"),
            "unknown format for HMAC key; supported values are `` or `raw`");
  EXPECT_EQ(base64_decode(exported("hmac-key/k"))->size(), 32U);
  EXPECT_EQ(exported("signing-key/k"), "signing not supported for the key");
  EXPECT_EQ(exported("secret-key/k"), "invalid export type: secret-key");
  EXPECT_EQ(exported("encryption-key/k", "x"), "invalid format: x");
  EXPECT_EQ(exported("encryption-key/no"), "absent");
}

TEST_F(ExportTest, PairsInEveryFormat) {
  make_exportable("r", "rsa-2048");
  make_exportable("e", "ecdsa-p256");
  make_exportable("d", "ed25519");
  EXPECT_THAT(exported("encryption-key/r"),
              testing::AllOf(StartsWith("-----BEGIN RSA PRIVATE KEY-----"),
                             EndsWith("-----\n")));
  EXPECT_THAT(exported("signing-key/r", "pem"),
              testing::AllOf(StartsWith("-----BEGIN PRIVATE KEY-----"),
                             EndsWith("-----\n")));
  EXPECT_THAT(exported("signing-key/e"),
              testing::AllOf(StartsWith("-----BEGIN EC PRIVATE KEY-----"),
                             EndsWith("-----END EC PRIVATE KEY-----")));
  EXPECT_TRUE(base64_decode(exported("signing-key/e", "der")));
  EXPECT_THAT(exported("signing-key/e", "raw"),
              HasSubstr("unknown key format"));
  EXPECT_EQ(base64_decode(exported("signing-key/d"))->size(), 64U);
  EXPECT_EQ(base64_decode(exported("public-key/d"))->size(), 32U);
  EXPECT_THAT(exported("public-key/r"), EndsWith("-----END PUBLIC KEY-----\n"));
  EXPECT_THAT(exported("public-key/e"), EndsWith("-----END PUBLIC KEY-----"));
  EXPECT_EQ(exported("encryption-key/e"),
            "encryption not supported for the key");
  EXPECT_EQ(exported("certificate-chain/e"),
            "selected key version does not have a certificate chain imported");
}

TEST_F(ExportTest, PublicKeysNeedNoPermission) {
  make_key("e", R"({"type":"ecdsa-p384"})");
  EXPECT_THAT(exported("public-key/e"), StartsWith("-----BEGIN PUBLIC KEY"));
  EXPECT_EQ(exported("signing-key/e"),
            "private key material is not exportable");
}

TEST_F(ExportTest, ChoosesVersions) {
  make_exportable("k", "aes128-gcm96");
  rotate("k");
  rotate("k");
  const Outcome all = get("export/encryption-key/k");
  EXPECT_EQ(all.at("/type"), "aes128-gcm96");
  EXPECT_NE(all.at("/keys/1"), all.at("/keys/3"));
  EXPECT_EQ(get("export/encryption-key/k/latest").at("/keys/3"),
            all.at("/keys/3"));
  EXPECT_EQ(get("export/encryption-key/k/v2").at("/keys/2"), all.at("/keys/2"));
  EXPECT_EQ(get("export/encryption-key/k/4").error,
            "version does not exist or cannot be found");
  EXPECT_EQ(get("export/encryption-key/k/x").error, "invalid key version");
  EXPECT_EQ(
      get("export/certificate-chain/k").error,
      "certificate chain not supported for keys that do not support signing");
  must(post("keys/k/config", R"({"min_decryption_version":2})"));
  EXPECT_EQ(get("export/encryption-key/k/1").error,
            "version for export is below minimum decryption version");
  EXPECT_THAT(get("export/encryption-key/k").data,
              testing::Not(HasSubstr("\"1\":")));
}

}  // namespace
}  // namespace bulla::engine::transit
