// Keys of type managed_key, over a fake HSM.

#include <gtest/gtest.h>

#include "engine/transit/test_support.h"

namespace bulla::engine::transit {
namespace {

using testing::HasSubstr;
using testing::StartsWith;

class ManagedTest : public TransitTest {
 protected:
  ManagedTest() {
    managed_keys_.add_aes("aes");
    managed_keys_.add_aes("aes2");
    managed_keys_.add_pair("rsa", crypto::AsymmetricAlgorithm::kRsa, 2048);
    managed_keys_.add_pair("ec", crypto::AsymmetricAlgorithm::kEcdsaP256, 256);
  }
  void make(std::string_view name, std::string_view managed) {
    make_key(name, body(managed));
  }
  static std::string body(std::string_view managed,
                          std::string_view more = {}) {
    return fmt::format(R"({{"type":"managed_key","managed_key_name":"{}"{}}})",
                       managed, more);
  }
  void rotate_to(std::string_view name, std::string_view managed) {
    must(post(fmt::format("keys/{}/rotate", name),
              fmt::format(R"({{"managed_key_name":"{}"}})", managed)));
  }
  std::string signature(std::string_view name, std::string_view more = {}) {
    const Outcome made =
        post(fmt::format("sign/{}", name),
             fmt::format(R"({{"input":"{}"{}}})", b64("message"), more));
    return made.ok ? made.at("/signature") : made.error;
  }
  std::string verified(std::string_view name, std::string_view signature,
                       std::string_view more = {}) {
    const Outcome seen =
        post(fmt::format("verify/{}", name),
             fmt::format(R"({{"input":"{}","signature":"{}"{}}})",
                         b64("message"), signature, more));
    return seen.ok ? seen.at("/valid") : seen.error;
  }
};

TEST_F(ManagedTest, AesEncryptsAndDecrypts) {
  make("k", "aes");
  const std::string sealed = encrypt("k", "text");
  EXPECT_THAT(sealed, StartsWith("vault:v1:"));
  EXPECT_EQ(decrypt("k", sealed), "text");
  const std::string bound =
      encrypt("k", "text", R"(,"associated_data":"eA==")");
  EXPECT_EQ(decrypt("k", bound), "does not open");
  EXPECT_EQ(decrypt("k", bound, R"(,"associated_data":"eA==")"), "text");
  EXPECT_EQ(decrypt("k", encrypt("k", "")), "");
  EXPECT_EQ(decrypt("k", "vault:v1:"), "does not open");
  restart();
  EXPECT_EQ(decrypt("k", sealed), "text");
}

TEST_F(ManagedTest, BatchesToldItemByItem) {
  make("k", "aes");
  const Outcome sealed =
      post("encrypt/k",
           R"({"batch_input":[{"plaintext":"eA=="},{"plaintext":"!"}]})");
  EXPECT_EQ(sealed.status(), 400);
  const Outcome opened =
      post("decrypt/k", fmt::format(R"({{"batch_input":[{{"ciphertext":"{}"}},)"
                                    R"({{"ciphertext":"vault:v1:eA=="}}]}})",
                                    sealed.at("/batch_results/0/ciphertext")));
  EXPECT_EQ(opened.at("/batch_results/0/plaintext"), "eA==");
  EXPECT_EQ(opened.at("/batch_results/1/error"), "does not open");
}

TEST_F(ManagedTest, RsaEncryptsAndSigns) {
  make("k", "rsa");
  EXPECT_EQ(decrypt("k", encrypt("k", "text")), "text");
  EXPECT_EQ(encrypt("k", "x", R"(,"padding_scheme":"pkcs1v15")"),
            "padding_scheme: a managed key encrypts as its mechanism says");
  for (const char* how : {"", R"(,"signature_algorithm":"pkcs1v15")"}) {
    const std::string made = signature("k", how);
    EXPECT_THAT(made, StartsWith("vault:v1:"));
    EXPECT_EQ(verified("k", made, how), "true");
  }
  EXPECT_EQ(
      verified("k", signature("k"), R"(,"signature_algorithm":"pkcs1v15")"),
      "false");
}

TEST_F(ManagedTest, EcdsaSignsInBothForms) {
  make("k", "ec");
  for (const char* how : {"", R"(,"marshaling_algorithm":"jws")"}) {
    EXPECT_EQ(verified("k", signature("k", how), how), "true");
  }
  const Outcome batch =
      post("sign/k", R"({"batch_input":[{"input":"eA=="},{}]})");
  EXPECT_THAT(batch.at("/batch_results/0/signature"), StartsWith("vault:v1:"));
  EXPECT_EQ(batch.at("/batch_results/1/error"), "missing input");
}

TEST_F(ManagedTest, VerifyingNeedsNoHsm) {
  make("k", "ec");
  const std::string made = signature("k");
  managed_keys_.fault = unavailable("the device did not answer in time");
  const int before = managed_keys_.calls;
  EXPECT_EQ(verified("k", made), "true");
  EXPECT_EQ(managed_keys_.calls, before);
  managed_keys_.refused = {api::KeyUsage::kVerify};
  EXPECT_EQ(verified("k", made), "the managed key may not do that");
}

TEST_F(ManagedTest, AKeyThatTheHsmExchangedIsFoundOut) {
  make("k", "ec");
  managed_keys_.add_pair("ec", crypto::AsymmetricAlgorithm::kEcdsaP256, 256);
  EXPECT_EQ(signature("k"),
            "the HSM signed with another key than the one of this version");
}

TEST_F(ManagedTest, AnHsmThatIsAwayEndsTheWholeRequest) {
  make("k", "aes");
  managed_keys_.fault = unavailable("the device did not answer in time");
  const Outcome single = post("encrypt/k", R"({"plaintext":"eA=="})");
  EXPECT_EQ(single.code, ErrorCode::kUnavailable);
  const int before = managed_keys_.calls;
  const Outcome batch =
      post("encrypt/k",
           R"({"batch_input":[{"plaintext":"eA=="},{"plaintext":"eA=="}]})");
  EXPECT_EQ(batch.code, ErrorCode::kUnavailable);
  EXPECT_EQ(managed_keys_.calls, before + 1);
}

TEST_F(ManagedTest, NothingOfItRunsOnAnEventLoop) {
  make("aes", "aes");
  make("ec", "ec");
  const std::string sealed = encrypt("aes", "x");
  const std::string made = signature("ec");
  const int before = managed_keys_.calls;
  may_block_ = false;
  const auto code = [&](std::string_view path, const std::string& body) {
    return post(path, body).code;
  };
  EXPECT_EQ(code("encrypt/aes", R"({"plaintext":"eA=="})"),
            ErrorCode::kWouldBlock);
  EXPECT_EQ(code("datakey/wrapped/aes", "{}"), ErrorCode::kWouldBlock);
  EXPECT_EQ(
      code("decrypt/aes", fmt::format(R"({{"ciphertext":"{}"}})", sealed)),
      ErrorCode::kWouldBlock);
  EXPECT_EQ(code("rewrap/aes", fmt::format(R"({{"ciphertext":"{}"}})", sealed)),
            ErrorCode::kWouldBlock);
  EXPECT_EQ(code("sign/ec", R"({"input":"eA=="})"), ErrorCode::kWouldBlock);
  EXPECT_EQ(code("verify/ec",
                 fmt::format(R"({{"input":"","signature":"{}"}})", made)),
            ErrorCode::kWouldBlock);
  EXPECT_EQ(managed_keys_.calls, before);
}

TEST_F(ManagedTest, DataKeysAndRewrap) {
  make("k", "aes");
  const Outcome data_key = post("datakey/plaintext/k");
  EXPECT_EQ(decrypt("k", data_key.at("/ciphertext")),
            to_text(base64_decode(data_key.at("/plaintext")).value()));
  const std::string old = encrypt("k", "text");
  must(post("keys/k/rotate", R"({"managed_key_id":"id-aes2"})"));
  const Outcome anew =
      post("rewrap/k", fmt::format(R"({{"ciphertext":"{}"}})", old));
  EXPECT_THAT(anew.at("/ciphertext"), StartsWith("vault:v2:"));
  EXPECT_EQ(decrypt("k", anew.at("/ciphertext")), "text");
  EXPECT_EQ(decrypt("k", old), "text");
}

TEST_F(ManagedTest, RotationNamesTheNextKey) {
  make("k", "aes");
  EXPECT_THAT(post_error("keys/k/rotate"),
              StartsWith("managed_key_name or managed_key_id is missing"));
  EXPECT_EQ(post_error("keys/k/rotate", R"({"managed_key_name":"none"})"),
            "no managed key of that name");
  EXPECT_EQ(post_error("keys/k/rotate", R"({"managed_key_name":"rsa"})"),
            "the managed key is of another kind than the versions before");
  EXPECT_EQ(get("keys/k").at("/latest_version"), "1");
  rotate_to("k", "aes2");
}

TEST_F(ManagedTest, WhatTheBodyShows) {
  make("aes", "aes");
  make("rsa", "rsa");
  make("ec", "ec");
  const Outcome aes = get("keys/aes");
  EXPECT_EQ(aes.at("/type"), "managed_key");
  EXPECT_EQ(aes.at("/keys/1/managed_key_id"), "id-aes");
  EXPECT_EQ(aes.at("/keys/1/public_key"), "");
  EXPECT_EQ(aes.at("/supports_encryption"), "true");
  EXPECT_EQ(aes.at("/supports_signing"), "false");
  const Outcome rsa = get("keys/rsa");
  EXPECT_EQ(rsa.at("/keys/1/name"), "rsa-2048");
  EXPECT_THAT(rsa.at("/keys/1/public_key"), StartsWith("-----BEGIN PUBLIC"));
  EXPECT_EQ(rsa.at("/supports_encryption"), "true");
  EXPECT_EQ(rsa.at("/supports_signing"), "true");
  const Outcome ec = get("keys/ec");
  EXPECT_EQ(ec.at("/keys/1/name"), "P-256");
  EXPECT_EQ(ec.at("/supports_encryption"), "false");
  EXPECT_EQ(ec.at("/supports_derivation"), "false");
}

TEST_F(ManagedTest, WhatCannotBe) {
  EXPECT_THAT(post_error("keys/x", R"({"type":"managed_key"})"),
              StartsWith("managed_key_name or managed_key_id is missing"));
  for (const char* flag :
       {R"("exportable":true)", R"("allow_plaintext_backup":true)",
        R"("auto_rotate_period":"2h")"}) {
    EXPECT_THAT(post_error("keys/x", body("aes", fmt::format(",{}", flag))),
                HasSubstr("is not possible for keys of type managed_key"));
  }
  EXPECT_THAT(post_error("keys/x", body("aes", R"(,"derived":true)")),
              StartsWith("key derivation and convergent encryption not supp"));
  EXPECT_EQ(encrypt("new", "x", R"(,"type":"managed_key")"),
            "unknown key type managed_key");
  make("k", "ec");
  EXPECT_THAT(post_error("keys/k/config", R"({"exportable":true})"),
              HasSubstr("is not possible"));
  EXPECT_EQ(post_error("hmac/k", R"({"input":""})"),
            "key type managed_key does not support HMAC");
  EXPECT_EQ(post_error("cmac/k", R"({"input":""})"),
            "key type managed_key does not support CMAC");
  EXPECT_THAT(get("backup/k").error, HasSubstr("nothing to back up"));
  EXPECT_EQ(get("export/signing-key/k").error,
            "private key material is not exportable");
  EXPECT_THAT(get("export/public-key/k").at("/keys/1"),
              StartsWith("-----BEGIN PUBLIC KEY-----"));
  EXPECT_EQ(post_error("keys/k/csr"),
            "operation not supported for keys of type managed_key");
  EXPECT_EQ(post_error("keys/k/set-certificate"),
            "operation not supported for keys of type managed_key");
  EXPECT_THAT(post_error("keys/i/import",
                         R"({"type":"managed_key","ciphertext":"eA=="})"),
              HasSubstr("nothing can be imported"));
}

TEST_F(ManagedTest, UsedUpVersionsAreRotatedByPeopleAlone) {
  make_key("k", body("aes", R"(,"max_operations":16)"));
  for (int i = 0; i < 16; ++i) encrypt("k", "x");
  EXPECT_THAT(encrypt("k", "x"), HasSubstr("rotate it to another managed key"));
  rotate_to("k", "aes2");
  EXPECT_THAT(encrypt("k", "x"), StartsWith("vault:v2:"));
}

TEST_F(ManagedTest, SaysWhichManagedKeysItUses) {
  make("k", "aes");
  make_key("other");
  EXPECT_TRUE(backend_->uses_managed_key("id-aes").value());
  EXPECT_FALSE(backend_->uses_managed_key("id-aes2").value());
  rotate_to("k", "aes2");
  EXPECT_TRUE(backend_->uses_managed_key("id-aes").value());
  EXPECT_TRUE(backend_->uses_managed_key("id-aes2").value());
  must(post("keys/k/config",
            R"({"min_decryption_version":2,"min_encryption_version":2})"));
  must(post("keys/k/trim", R"({"min_available_version":2})"));
  EXPECT_FALSE(backend_->uses_managed_key("id-aes").value());
  must(post("keys/k/config", R"({"deletion_allowed":true})"));
  must(call(api::Operation::kDelete, "keys/k"));
  EXPECT_FALSE(backend_->uses_managed_key("id-aes2").value());
  EXPECT_TRUE(managed_keys_.held.expired());
}

}  // namespace
}  // namespace bulla::engine::transit
