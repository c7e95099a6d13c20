#include <gtest/gtest.h>

#include "engine/transit/test_support.h"

namespace bulla::engine::transit {
namespace {

using testing::StartsWith;

class DecryptTest : public TransitTest {};

TEST_F(DecryptTest, OpensTheReferenceVectors) {
  plant("aes", KeyType::kAes256Gcm96, counting(32));
  plant("derived", KeyType::kAes256Gcm96, counting(32), true);
  EXPECT_EQ(
      decrypt("aes",
              "vault:v1:AAAAAAAAAAAAAAAAZtnZstoM9NJ6xM37CSR+ZzN7qB8ryPL732MS",
              R"(,"associated_data":"Zm9v")"),
      "hello world");
  EXPECT_EQ(
      decrypt("derived",
              "vault:v1:AAAAAAAAAAAAAAAA1YeJiaNloKk7GG4gO/tshLNYNpnShDq1251g",
              R"(,"context":"bXktY29udGV4dA==")"),
      "hello world");
}

// encrypt ∘ decrypt = id, over types, derivation, convergence, AAD and sizes.
TEST_F(DecryptTest, UndoesEncryptForEveryKindOfKey) {
  for (const std::string_view type : kAeadTypes) {
    for (const std::string_view kind :
         {"", R"(,"derived":true)",
          R"(,"derived":true,"convergent_encryption":true)"}) {
      const std::string name = fmt::format("{}-{}", type, kind.size());
      make_key(name, fmt::format(R"({{"type":"{}"{}}})", type, kind));
      const std::string context = kind.empty() ? "" : R"(,"context":"Y3R4")";
      for (const std::string aad : {"", R"(,"associated_data":"YWFk")"}) {
        for (const std::size_t size : {0U, 1U, 15U, 16U, 64U, 4097U}) {
          const std::string text(size, static_cast<char>('a' + size % 26));
          const std::string sealed = encrypt(name, text, context + aad);
          ASSERT_EQ(decrypt(name, sealed, context + aad), text) << name;
        }
      }
    }
  }
}

TEST_F(DecryptTest, ConvergentKeysRepeatThemselvesPerContext) {
  make_key("c", R"({"derived":true,"convergent_encryption":true})");
  const std::string_view here = R"(,"context":"eA==")";
  const std::string_view there = R"(,"context":"eQ==")";
  EXPECT_EQ(encrypt("c", "same", here), encrypt("c", "same", here));
  EXPECT_NE(encrypt("c", "same", here), encrypt("c", "same", there));
  EXPECT_EQ(decrypt("c", encrypt("c", "same", here), there),
            "cipher: message authentication failed");
}

TEST_F(DecryptTest, MalformedCiphertexts) {
  make_key("k");
  make_key("chacha", R"({"type":"chacha20-poly1305"})");
  make_key("mac", R"({"type":"hmac"})");
  EXPECT_EQ(post_error("decrypt/k"), "missing ciphertext to decrypt");
  EXPECT_EQ(decrypt("absent", "vault:v1:AAAA"), "encryption key not found");
  EXPECT_EQ(decrypt("mac", "vault:v1:AAAA"),
            "message decryption not supported for key type hmac");
  EXPECT_EQ(decrypt("k", "v1:AAAA"), "invalid ciphertext: no prefix");
  EXPECT_EQ(decrypt("k", "vault:v1"),
            "invalid ciphertext: wrong number of fields");
  EXPECT_EQ(decrypt("k", "vault:vx:AAAA"),
            "invalid ciphertext: version number could not be decoded");
  EXPECT_EQ(decrypt("k", "vault:v99999999999999999999:AAAA"),
            "invalid ciphertext: version number could not be decoded");
  EXPECT_EQ(decrypt("k", "vault:v2:AAAA"),
            "invalid ciphertext: version is too new");
  EXPECT_EQ(decrypt("k", "vault:v-1:AAAA"),
            "ciphertext or signature version is disallowed by policy (too "
            "old)");
  EXPECT_EQ(decrypt("k", "vault:v1:A"),
            "invalid ciphertext: could not decode base64");
  EXPECT_EQ(decrypt("k", "vault:v1:AAAA"), "invalid ciphertext length");
  EXPECT_EQ(decrypt("k", "vault:v1:AAAAAAAAAAAAAAAAAAAA"),
            "cipher: message authentication failed");
  EXPECT_EQ(decrypt("chacha", "vault:v1:AAAAAAAAAAAAAAAAAAAA"),
            "chacha20poly1305: message authentication failed");
}

TEST_F(DecryptTest, VersionZeroIsTheFirst) {
  make_key("k");
  std::string sealed = encrypt("k", "x");
  sealed.replace(0, 9, "vault:v0:");
  EXPECT_EQ(decrypt("k", sealed), "x");
}

TEST_F(DecryptTest, AnyFlippedBitIsSeen) {
  make_key("k");
  const std::string sealed = encrypt("k", "x", R"(,"associated_data":"YQ==")");
  EXPECT_EQ(decrypt("k", sealed), "cipher: message authentication failed");
  Bytes bytes = base64_decode(sealed.substr(9)).value();
  for (std::size_t i = 0; i < bytes.size(); ++i) {
    bytes[i] ^= 1;
    EXPECT_EQ(decrypt("k", "vault:v1:" + base64_encode(bytes),
                      R"(,"associated_data":"YQ==")"),
              "cipher: message authentication failed");
    bytes[i] ^= 1;
  }
}

TEST_F(DecryptTest, Batch) {
  make_key("k");
  const std::string one = encrypt("k", "one");
  const Outcome outcome = post(
      "decrypt/k",
      fmt::format(R"({{"batch_input":[{{"ciphertext":"{}","reference":"r"}},)"
                  R"({{"ciphertext":"nonsense"}},{{"ciphertext":""}}]}})",
                  one));
  must(outcome);
  EXPECT_EQ(outcome.status(), 400);
  EXPECT_EQ(outcome.data,
            R"({"batch_results":[{"plaintext":"b25l","reference":"r"},)"
            R"({"plaintext":"","error":"invalid ciphertext: no prefix",)"
            R"("reference":""},{"plaintext":"","error":"missing ciphertext )"
            R"(to decrypt","reference":""}]})");
  EXPECT_EQ(post_error("decrypt/k", R"({"batch_input":[{}]})"),
            "failed to parse batch input: '[0].ciphertext' missing ciphertext "
            "to decrypt");
  EXPECT_EQ(post_error("decrypt/k", R"({"batch_input":[]})"),
            "missing batch input to process");
}

TEST_F(DecryptTest, ABatchTellsOfAssociatedDataThatBindsNothing) {
  make_key("rsa", R"({"type":"rsa-2048"})");
  const Outcome outcome =
      post("decrypt/rsa",
           R"({"batch_input":[{"ciphertext":"x","associated_data":"YQ=="}]})");
  must(outcome);
  EXPECT_EQ(outcome.data,
            R"({"batch_results":[{"plaintext":"","error":"'[0].associated_)"
            R"(data' provided for non-AEAD cipher suite rsa-2048",)"
            R"("reference":""}]})");
}

TEST_F(DecryptTest, ABatchOfContextsUsesEachItsOwnKey) {
  make_key("d", R"({"derived":true})");
  const std::string x = encrypt("d", "in x", R"(,"context":"eA==")");
  const std::string y = encrypt("d", "in y", R"(,"context":"eQ==")");
  const Outcome outcome = post(
      "decrypt/d",
      fmt::format(R"({{"batch_input":[{{"ciphertext":"{0}","context":"eA=="}},)"
                  R"({{"ciphertext":"{1}","context":"eQ=="}},)"
                  R"({{"ciphertext":"{0}","context":"eA=="}}]}})",
                  x, y));
  EXPECT_EQ(outcome.at("/batch_results/0/plaintext"), b64("in x"));
  EXPECT_EQ(outcome.at("/batch_results/1/plaintext"), b64("in y"));
  EXPECT_EQ(outcome.at("/batch_results/2/plaintext"), b64("in x"));
}

TEST_F(DecryptTest, OldVersionsLoadWhenUsed) {
  make_key("k");
  const std::string old = encrypt("k", "old");
  rotate("k");
  restart();
  EXPECT_THAT(encrypt("k", "x"), StartsWith("vault:v2:"));
  may_block_ = false;
  EXPECT_EQ(
      post("decrypt/k", fmt::format(R"({{"ciphertext":"{}"}})", old)).code,
      ErrorCode::kWouldBlock);
  may_block_ = true;
  EXPECT_EQ(decrypt("k", old), "old");
  may_block_ = false;
  EXPECT_EQ(decrypt("k", old), "old");
}

}  // namespace
}  // namespace bulla::engine::transit
