#include <gtest/gtest.h>

#include "engine/transit/test_support.h"

namespace bulla::engine::transit {
namespace {

using testing::StartsWith;

class EncryptTest : public TransitTest {};

std::string plain(std::string_view text, std::string_view more = {}) {
  return fmt::format(R"({{"plaintext":"{}"{}}})", b64(text), more);
}

TEST_F(EncryptTest, ZeroNonceVectors) {
  ZeroRng zeros;
  request_rng_ = &zeros;
  plant("aes", KeyType::kAes256Gcm96, counting(32));
  plant("xchacha", KeyType::kXChaCha20Poly1305, counting(32));
  plant("derived", KeyType::kAes256Gcm96, counting(32), true);
  EXPECT_EQ(encrypt("aes", "hello world", R"(,"associated_data":"Zm9v")"),
            "vault:v1:AAAAAAAAAAAAAAAAZtnZstoM9NJ6xM37CSR+ZzN7qB8ryPL732MS");
  EXPECT_EQ(encrypt("aes", ""),
            "vault:v1:AAAAAAAAAAAAAAAA8F12rkq5n+Wm9psxSMI2PQ==");
  EXPECT_EQ(encrypt("xchacha", "hello world"),
            "vault:v1:AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA/"
            "WPgq4OoknZk4hsE8/ujcMSSeBXbtjSljRU8");
  EXPECT_EQ(
      encrypt("derived", "hello world", R"(,"context":"bXktY29udGV4dA==")"),
      "vault:v1:AAAAAAAAAAAAAAAA1YeJiaNloKk7GG4gO/tshLNYNpnShDq1251g");
}

TEST_F(EncryptTest, ConvergentVectors) {
  struct Vector {
    KeyType type;
    std::size_t key_bytes;
    const char* ciphertext;
  };
  const Vector vectors[] = {
      {KeyType::kAes256Gcm96, 32,
       "vault:v1:qBGVuHYLU/LGxzvYPdKeG35Y6LqCcilxvrQ/jB7ngHXzKAMn7Tt4"},
      {KeyType::kChaCha20Poly1305, 32,
       "vault:v1:qBGVuHYLU/LGxzvYAntv8Dgfy/8Nos6O8JYssPHcRTOEA7m3bD3M"},
      {KeyType::kXChaCha20Poly1305, 32,
       "vault:v1:qBGVuHYLU/LGxzvYg85uFACNc8M+p4s9V/"
       "qowqmeIssi5/RnnPu3mSjlH19SUxExPdGi"},
      {KeyType::kAes128Gcm96, 16,
       "vault:v1:KIPBYq9R5t+A6uROxT2LDlMPKMnwyEeX00CPYvimeaswKXbBgHtu"},
  };
  int number = 0;
  for (const Vector& v : vectors) {
    const std::string name = fmt::format("k{}", ++number);
    plant(name, v.type, counting(v.key_bytes), true, true);
    const std::string_view context = R"(,"context":"bXktY29udGV4dA==")";
    EXPECT_EQ(encrypt(name, "hello world", context), v.ciphertext);
    EXPECT_EQ(decrypt(name, v.ciphertext, context), "hello world");
  }
}

TEST_F(EncryptTest, CounterKdfKeysSealUnderTheCounterDerivation) {
  ZeroRng zeros;
  request_rng_ = &zeros;
  plant("old", KeyType::kAes256Gcm96, counting(32), true, false, Kdf::kCounter);
  // ccc7…1788 is the reference's counter-KDF output for this key and context.
  plant("derived", KeyType::kAes256Gcm96,
        hex_decode("ccc7f29489db3c07f210b4e50bfe8b66a25a27c04c669500e3223ec9"
                   "c2851788")
            .value());
  EXPECT_EQ(encrypt("old", "hello world", R"(,"context":"bXktY29udGV4dA==")"),
            encrypt("derived", "hello world"));
  // Shorter keys are the first bytes of it, as OpenBao seals with.
  plant("short", KeyType::kAes128Gcm96, counting(16), true, false,
        Kdf::kCounter);
  plant("derived_short", KeyType::kAes128Gcm96,
        hex_decode("406e41fb708dc28dadefdbfa6b08a6e4").value());
  EXPECT_EQ(encrypt("short", "hello world", R"(,"context":"bXktY29udGV4dA==")"),
            encrypt("derived_short", "hello world"));
  // A nonce key beside it would take more than there is.
  plant("wide", KeyType::kAes256Gcm96, counting(32), true, true, Kdf::kCounter);
  const Outcome bad = post("encrypt/wide", plain("x", R"(,"context":"eA==")"));
  EXPECT_EQ(bad.code, ErrorCode::kInternal);
  EXPECT_EQ(bad.error, "could not derive enc key, length not correct");
}

TEST_F(EncryptTest, AnswersCiphertextAndKeyVersion) {
  make_key("k");
  const Outcome outcome = post("encrypt/k", plain("hello"));
  must(outcome);
  EXPECT_THAT(outcome.data, StartsWith(R"({"ciphertext":"vault:v1:)"));
  EXPECT_EQ(outcome.at("/key_version"), "1");
  EXPECT_NE(encrypt("k", "hello"), encrypt("k", "hello"));
}

TEST_F(EncryptTest, SingleErrors) {
  make_key("k");
  make_key("d", R"({"derived":true})");
  make_key("mac", R"({"type":"hmac"})");
  EXPECT_EQ(post_error("encrypt/k"), "missing plaintext to encrypt");
  EXPECT_EQ(post_error("encrypt/k", R"({"plaintext":"%%%"})"),
            "illegal base64 data at input byte 0");
  EXPECT_EQ(post_error("encrypt/k", plain("x", R"(,"key_version":-1)")),
            "requested version for encryption is negative");
  EXPECT_EQ(post_error("encrypt/k", plain("x", R"(,"key_version":2)")),
            "requested version for encryption is higher than the latest key "
            "version");
  EXPECT_EQ(post_error("encrypt/mac", plain("x")),
            "message encryption not supported for key type hmac");
  EXPECT_THAT(post_error("encrypt/d", plain("x")),
              StartsWith("missing 'context' for key derivation; the key was"));
  const Outcome aad =
      post("encrypt/k", plain("x", R"(,"associated_data":"!")"));
  EXPECT_EQ(aad.code, ErrorCode::kInternal);
  EXPECT_EQ(aad.error,
            "unable to get associated_data/additional_data from factory[0]: "
            "illegal base64 data at input byte 0");
}

TEST_F(EncryptTest, KeyVersionHonoursTheMinimums) {
  make_key("k");
  rotate("k");
  rotate("k");
  EXPECT_THAT(encrypt("k", "x", R"(,"key_version":2)"),
              StartsWith("vault:v2:"));
  must(post("keys/k/config", R"({"min_encryption_version":3})"));
  EXPECT_EQ(encrypt("k", "x", R"(,"key_version":2)"),
            "requested version for encryption is less than the minimum "
            "encryption key version");
  must(post("keys/k/config",
            R"({"min_decryption_version":2,"min_encryption_version":0})"));
  EXPECT_EQ(encrypt("k", "x", R"(,"key_version":1)"), "no such key version");
}

TEST_F(EncryptTest, UpsertMakesTheKey) {
  const Outcome made = post("encrypt/new", plain("x"));
  must(made);
  EXPECT_TRUE(made.response.warnings.empty());
  EXPECT_EQ(get("keys/new").at("/type"), "aes256-gcm96");
  EXPECT_EQ(get("keys/new").at("/derived"), "false");
  must(post("encrypt/ctx",
            plain("x", R"(,"context":"eA==","convergent_encryption":true,)"
                       R"("type":"chacha20-poly1305")")));
  EXPECT_EQ(get("keys/ctx").at("/type"), "chacha20-poly1305");
  EXPECT_EQ(get("keys/ctx").at("/derived"), "true");
  EXPECT_EQ(get("keys/ctx").at("/convergent_encryption"), "true");
}

TEST_F(EncryptTest, UpsertRefusals) {
  EXPECT_EQ(post_error("encrypt/n", plain("x", R"(,"type":"ecdsa-p256")")),
            "key type ecdsa-p256 not supported for this operation");
  EXPECT_EQ(post_error("encrypt/n", plain("x", R"(,"type":"hmac")")),
            "unknown key type hmac");
  EXPECT_EQ(post_error("encrypt/n", plain("x", R"(,"type":"what")")),
            "unknown key type what");
  EXPECT_EQ(
      post_error("encrypt/n", plain("x", R"(,"convergent_encryption":true)")),
      "convergent encryption requires derivation to be enabled, so context is "
      "required");
  must(post("config/keys", R"({"disable_upsert":true})"));
  EXPECT_EQ(post_error("encrypt/n", plain("x")), "encryption key not found");
  EXPECT_FALSE(get("keys/n").response.present);
}

TEST_F(EncryptTest, LostRaceToCreateIsWarnedOf) {
  make_key("k");
  const Outcome late = call(api::Operation::kCreate, "encrypt/k", plain("x"));
  must(late);
  EXPECT_THAT(
      late.response.warnings,
      testing::ElementsAre("Attempted creation of the key during the encrypt "
                           "operation, but it was created beforehand"));
}

TEST_F(EncryptTest, OnALoopOnlyKnownKeysAreServed) {
  make_key("k");
  may_block_ = false;
  EXPECT_EQ(post("encrypt/absent", plain("x")).code, ErrorCode::kWouldBlock);
  EXPECT_TRUE(post("encrypt/k", plain("x")).ok);
  restart();
  EXPECT_EQ(post("encrypt/k", plain("x")).code, ErrorCode::kWouldBlock);
}

TEST_F(EncryptTest, BatchKeepsOrderAndReferences) {
  make_key("k");
  const Outcome outcome =
      post("encrypt/k",
           R"({"batch_input":[{"plaintext":"YQ==","reference":"r\"1"},)"
           R"({"plaintext":""},{"plaintext":"Yg==","key_version":1}]})");
  must(outcome);
  EXPECT_EQ(outcome.status(), 0);
  EXPECT_EQ(outcome.at("/batch_results/0/reference"), "r\"1");
  EXPECT_EQ(outcome.at("/batch_results/1/reference"), "");
  EXPECT_EQ(outcome.at("/batch_results/2/key_version"), "1");
  EXPECT_EQ(decrypt("k", outcome.at("/batch_results/0/ciphertext")), "a");
  EXPECT_EQ(decrypt("k", outcome.at("/batch_results/1/ciphertext")), "");
  EXPECT_EQ(decrypt("k", outcome.at("/batch_results/2/ciphertext")), "b");
}

TEST_F(EncryptTest, BatchItemsFailAlone) {
  make_key("k");
  const std::string_view mixed =
      R"("batch_input":[{"plaintext":"YQ=="},{"plaintext":"!","reference":"x"}])";
  const Outcome outcome = post("encrypt/k", fmt::format("{{{}}}", mixed));
  must(outcome);
  EXPECT_EQ(outcome.status(), 400);
  EXPECT_EQ(
      outcome.at("/batch_results/1"),
      R"({"error":"illegal base64 data at input byte 0","reference":"x"})");
  const std::string_view code = "partial_failure_response_code";
  EXPECT_EQ(post("encrypt/k", fmt::format(R"({{{},"{}":207}})", mixed, code))
                .status(),
            207);
  const Outcome wild =
      post("encrypt/k", fmt::format(R"({{{},"{}":600}})", mixed, code));
  EXPECT_EQ(wild.status(), 400);
  ASSERT_EQ(wild.response.warnings.size(), 1U);
  EXPECT_THAT(wild.response.warnings[0], testing::EndsWith("reverting to 400"));
  // An answer cannot be an interim one: clients would wait for the real one.
  for (const int interim : {1, 99, 100, 101, 199}) {
    EXPECT_EQ(post("encrypt/k",
                   fmt::format(R"({{{},"{}":{}}})", mixed, code, interim))
                  .status(),
              400);
  }
  // Nothing succeeded: the override does not apply.
  EXPECT_EQ(post("encrypt/k", R"({"batch_input":[{"plaintext":"!"}],)"
                              R"("partial_failure_response_code":207})")
                .status(),
            400);
  // Internal errors alone are 500.
  EXPECT_EQ(post("encrypt/k", R"({"batch_input":[{"plaintext":"YQ==",)"
                              R"("associated_data":"!"}]})")
                .status(),
            500);
}

TEST_F(EncryptTest, BatchesThatAreNoneFailWhole) {
  make_key("k");
  const auto error = [&](std::string_view input) {
    return post_error("encrypt/k",
                      fmt::format(R"({{"batch_input":{}}})", input));
  };
  EXPECT_EQ(error("[]"), "missing batch input to process");
  EXPECT_EQ(error(R"("x")"),
            "failed to parse batch input: source data must be an array or "
            "slice, got string");
  EXPECT_EQ(error("[1]"),
            "failed to parse batch input: [0] expected a map, got "
            "'json.Number'");
  EXPECT_EQ(error(R"([{"context":1},{"plaintext":null}])"),
            "failed to parse batch input: '[0].context' expected type "
            "'string', got unconvertible type 'json.Number'\n"
            "'[0].plaintext' missing plaintext to encrypt\n"
            "'[1].plaintext' expected type 'string', got unconvertible type "
            "'<nil>'");
  EXPECT_EQ(error(R"([{"plaintext":"","key_version":"1"}])"),
            "failed to parse batch input: '[0].key_version' expected type "
            "'int', got unconvertible type 'string'");
  EXPECT_EQ(error(R"([{"plaintext":"","context":"eA=="},{"plaintext":""}])"),
            "context should be set either in all the request blocks or in "
            "none");
  EXPECT_EQ(post("encrypt/k", R"({"batch_input":[{}]})").code,
            ErrorCode::kInternal);
}

TEST_F(EncryptTest, BatchUpsertLooksAtTheFirstContext) {
  must(post("encrypt/n",
            R"({"batch_input":[{"plaintext":"","context":"eA=="}]})"));
  EXPECT_EQ(get("keys/n").at("/derived"), "true");
}

}  // namespace
}  // namespace bulla::engine::transit
