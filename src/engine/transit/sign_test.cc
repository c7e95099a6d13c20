#include <gtest/gtest.h>

#include "engine/transit/test_support.h"

namespace bulla::engine::transit {
namespace {

using testing::HasSubstr;
using testing::StartsWith;

constexpr std::array<std::string_view, 4> kNonRsa{"ed25519", "ecdsa-p256",
                                                  "ecdsa-p384", "ecdsa-p521"};

class SignTest : public TransitTest {
 protected:
  Outcome sign(std::string_view path, std::string_view more = {}) {
    return post(fmt::format("sign/{}", path),
                fmt::format(R"({{"input":"{}"{}}})", b64("hello world"), more));
  }
  std::string verify(std::string_view path, std::string_view signature,
                     std::string_view more = {}) {
    const Outcome outcome =
        post(fmt::format("verify/{}", path),
             fmt::format(R"({{"input":"{}","signature":"{}"{}}})",
                         b64("hello world"), signature, more));
    return outcome.ok ? outcome.at("/valid") : outcome.error;
  }
  std::string signature(std::string_view path, std::string_view more = {}) {
    const Outcome outcome = sign(path, more);
    return outcome.ok ? outcome.at("/signature") : outcome.error;
  }
};

TEST_F(SignTest, EveryTypeVerifiesWhatItSigned) {
  for (const std::string_view type : kNonRsa) {
    SCOPED_TRACE(type);
    make_key(type, fmt::format(R"({{"type":"{}"}})", type));
    const Outcome made = sign(type);
    must(made);
    EXPECT_EQ(made.at("/key_version"), "1");
    EXPECT_THAT(made.at("/signature"), StartsWith("vault:v1:"));
    EXPECT_EQ(verify(type, made.at("/signature")), "true");
    const Outcome other =
        post(fmt::format("verify/{}", type),
             fmt::format(R"({{"input":"{}","signature":"{}"}})", b64("other"),
                         made.at("/signature")));
    EXPECT_EQ(other.at("/valid"), "false");
  }
}

TEST_F(SignTest, Ed25519ReferenceVectors) {
  plant_ed25519("k", counting(32), false);
  plant_ed25519("d", counting(32), true);
  EXPECT_EQ(signature("k"),
            "vault:v1:yeiKBsiIVap1+QvP3FqHt2qZwNIEQRS4kx5yCJ57jHrGtKl3a1cyby14"
            "GqjaiCH+a0xylv3gtjyiTX9jQ6xqCg==");
  const std::string_view context = R"(,"context":"bXktY29udGV4dA==")";
  const Outcome derived = sign("d", context);
  must(derived);
  EXPECT_EQ(derived.at("/signature"),
            "vault:v1:71z4Hz0WFyGj9nOLCDGgo8IpEc8PF0SLWz3i4bBQBpDbPC5j0aam9Xn8"
            "5FUAmSEWz4TBZF6Fy3UjKBhhUxIBBQ==");
  EXPECT_EQ(derived.at("/public_key"),
            "OIvIl/P5BgXI5mVbCspIin8B4+5fbJBqqp0rjRBwXjc=");
  EXPECT_EQ(verify("d", derived.at("/signature"), context), "true");
  EXPECT_EQ(verify("d", derived.at("/signature"), R"(,"context":"eA==")"),
            "false");
  EXPECT_THAT(signature("d"), HasSubstr("missing 'context'"));
}

TEST_F(SignTest, RsaSchemes) {
  make_key("r", R"({"type":"rsa-2048"})");
  for (const std::string_view more :
       {"", R"(,"signature_algorithm":"pkcs1v15")",
        R"(,"signature_algorithm":"pss","salt_length":"hash")",
        R"(,"salt_length":"20")", R"(,"hash_algorithm":"sha3-512")",
        R"(,"hash_algorithm":"sha1","signature_algorithm":"pkcs1v15")",
        R"(,"marshaling_algorithm":"jws")"}) {
    SCOPED_TRACE(more);
    const std::string made = signature("r", more);
    EXPECT_EQ(verify("r", made, more), "true");
  }
  EXPECT_EQ(verify("r", signature("r", R"(,"signature_algorithm":"pkcs1v15")")),
            "false");
  EXPECT_EQ(verify("r", signature("r", R"(,"salt_length":20)"),
                   R"(,"salt_length":"hash")"),
            "false");
  const Outcome unknown = sign("r", R"(,"signature_algorithm":"x")");
  EXPECT_EQ(unknown.code, ErrorCode::kInternal);
  EXPECT_EQ(unknown.error, "unsupported rsa signature algorithm x");
  EXPECT_THAT(signature("r", R"(,"salt_length":"5000")"),
              HasSubstr("requested salt length 5000 is invalid"));
}

TEST_F(SignTest, HashNoneIsRawPkcs1) {
  make_key("r", R"({"type":"rsa-2048"})");
  const std::string_view none = R"(,"hash_algorithm":"none")";
  EXPECT_EQ(signature("r", none),
            "hash_algorithm=none requires both prehashed=true and "
            "signature_algorithm=pkcs1v15");
  const std::string_view raw =
      R"(,"prehashed":true,"signature_algorithm":"pkcs1v15")";
  const std::string made = signature("r/none", raw);
  EXPECT_THAT(made, StartsWith("vault:v1:"));
  EXPECT_EQ(verify("r/none", made, raw), "true");
}

TEST_F(SignTest, PrehashedInputIsNotHashedAgain) {
  make_key("e", R"({"type":"ecdsa-p256"})");
  const auto digest =
      crypto::hash(crypto::HashAlgorithm::kSha2_256, as_bytes("hello world"));
  const Outcome made =
      post("sign/e", fmt::format(R"({{"input":"{}","prehashed":true}})",
                                 base64_encode(digest.view())));
  must(made);
  EXPECT_EQ(verify("e", made.at("/signature")), "true");
}

TEST_F(SignTest, JwsIsFixedWidthInBase64Url) {
  make_key("e", R"({"type":"ecdsa-p521"})");
  const std::string_view jws = R"(,"marshaling_algorithm":"jws")";
  const std::string made = signature("e", jws);
  const auto bytes = base64url_decode(made.substr(9));
  ASSERT_TRUE(bytes) << made;
  EXPECT_EQ(bytes->size(), 132U);
  EXPECT_EQ(verify("e", made, jws), "true");
  EXPECT_EQ(verify("e", made), "invalid base64 signature value");
}

TEST_F(SignTest, Refusals) {
  make_key("k");
  make_key("e", R"({"type":"ecdsa-p256"})");
  EXPECT_EQ(signature("no"), "signing key not found");
  EXPECT_EQ(signature("k"), "key type aes256-gcm96 does not support signing");
  EXPECT_EQ(signature("e/md5"), "invalid hash algorithm \"md5\"");
  EXPECT_EQ(signature("e", R"(,"marshaling_algorithm":"x")"),
            "invalid marshaling type \"x\"");
  EXPECT_EQ(signature("e", R"(,"salt_length":"x")"),
            "salt length neither 'auto', 'hash', nor an int: x");
  EXPECT_EQ(signature("e", R"(,"salt_length":"-2")"),
            "salt length is invalid: -2");
  EXPECT_EQ(signature("e", R"(,"key_version":-1)"),
            "requested version for signing is negative");
  EXPECT_EQ(signature("e", R"(,"key_version":2)"),
            "requested version for signing is higher than the latest key "
            "version");
  EXPECT_EQ(post_error("sign/e", R"({"input":"!"})"),
            "unable to decode input as base64: illegal base64 data at input "
            "byte 0");
  rotate("e");
  must(post("keys/e/config", R"({"min_encryption_version":2})"));
  EXPECT_EQ(signature("e", R"(,"key_version":1)"),
            "requested version for signing is less than the minimum encryption "
            "key version");
}

TEST_F(SignTest, AlgorithmIsReadWhereHashAlgorithmIsNot) {
  make_key("e", R"({"type":"ecdsa-p256"})");
  const std::string_view alias = R"(,"algorithm":"sha2-512")";
  const std::string made = signature("e", alias);
  EXPECT_EQ(verify("e", made, R"(,"hash_algorithm":"sha2-512")"), "true");
  EXPECT_EQ(verify("e", made, alias), "true");
  EXPECT_EQ(verify("e", made), "false");
  EXPECT_EQ(verify("e", made, R"(,"hash_algorithm":"","algorithm":"md5")"),
            "invalid hash algorithm \"md5\"");
  EXPECT_EQ(verify("e", signature("e"),
                   R"(,"hash_algorithm":"sha2-256","algorithm":"md5")"),
            "true");
}

TEST_F(SignTest, Ed25519HashesNothing) {
  make_key("k", R"({"type":"ed25519"})");
  EXPECT_EQ(verify("k/none", signature("k/none")), "true");
  EXPECT_EQ(signature("k/none"), signature("k"));
}

TEST_F(SignTest, SoftDeletedKeysSignNothing) {
  make_key("k", R"({"type":"ed25519"})");
  must(call(api::Operation::kDelete, "keys/k/soft-delete"));
  const Outcome refused = sign("k");
  EXPECT_EQ(refused.code, ErrorCode::kInternal);
  EXPECT_EQ(refused.error, "refusing to use soft-deleted key");
}

TEST_F(SignTest, VerifyRefusals) {
  make_key("k");
  make_key("e", R"({"type":"ecdsa-p256"})");
  const std::string made = signature("e");
  EXPECT_EQ(verify("no", made), "signature verification key not found");
  EXPECT_EQ(verify("k", made),
            "key type aes256-gcm96 does not support verification");
  EXPECT_EQ(verify("e", "v1:AA=="), "invalid signature: no prefix");
  EXPECT_EQ(verify("e", "vault:v1"),
            "invalid signature: wrong number of fields");
  EXPECT_EQ(verify("e", "vault:vx:AA=="),
            "invalid signature: version number could not be decoded");
  EXPECT_EQ(verify("e", "vault:v2:AA=="),
            "invalid signature: version is too new");
  EXPECT_EQ(verify("e", "vault:v1:!"), "invalid base64 signature value");
  EXPECT_EQ(verify("e", "vault:v1:AA=="), "supplied signature is invalid");
  rotate("e");
  must(post("keys/e/config", R"({"min_decryption_version":2})"));
  EXPECT_EQ(verify("e", made),
            "ciphertext or signature version is disallowed by policy (too "
            "old)");
}

TEST_F(SignTest, Batches) {
  make_key("e", R"({"type":"ecdsa-p256"})");
  const Outcome made =
      post("sign/e", R"({"batch_input":[{"input":"eA==","reference":"r"},{},)"
                     R"({"input":"!"}]})");
  must(made);
  EXPECT_EQ(made.status(), 0);
  EXPECT_EQ(made.at("/batch_results/0/reference"), "r");
  EXPECT_EQ(made.at("/batch_results/0/key_version"), "1");
  EXPECT_EQ(made.at("/batch_results/1"),
            R"({"key_version":0,"error":"missing input","reference":""})");
  const std::string signature = made.at("/batch_results/0/signature");
  const Outcome checked = post(
      "verify/e",
      fmt::format(R"({{"batch_input":[{{"input":"eA==","signature":"{0}"}},)"
                  R"({{"input":"eQ==","signature":"{0}"}},)"
                  R"({{"input":"eA==","signature":"x"}}]}})",
                  signature));
  must(checked);
  EXPECT_EQ(checked.at("/batch_results/0"), R"({"valid":true,"reference":""})");
  EXPECT_EQ(checked.at("/batch_results/1"),
            R"({"valid":false,"reference":""})");
  EXPECT_EQ(checked.at("/batch_results/2"),
            R"({"valid":false,"error":"invalid signature: no prefix",)"
            R"("reference":""})");
}

TEST_F(SignTest, HeavyWorkLeavesTheLoop) {
  make_key("e", R"({"type":"ecdsa-p256"})");
  make_key("r", R"({"type":"rsa-2048"})");
  const std::string made = signature("r");
  const std::string sealed = encrypt("r", "secret");
  may_block_ = false;
  EXPECT_TRUE(sign("e").ok);
  EXPECT_EQ(sign("r").code, ErrorCode::kWouldCompute);
  EXPECT_EQ(verify("r", made), "true");
  EXPECT_EQ(
      post("decrypt/r", fmt::format(R"({{"ciphertext":"{}"}})", sealed)).code,
      ErrorCode::kWouldCompute);
}

TEST_F(SignTest, RsaEncrypts) {
  make_key("r", R"({"type":"rsa-2048"})");
  EXPECT_EQ(decrypt("r", encrypt("r", "secret")), "secret");
  const std::string_view pkcs1 = R"(,"padding_scheme":"pkcs1v15")";
  const std::string sealed = encrypt("r", "secret", pkcs1);
  EXPECT_EQ(decrypt("r", sealed, pkcs1), "secret");
  const Outcome moved =
      post("rewrap/r",
           fmt::format(
               R"({{"ciphertext":"{}","decrypt_padding_scheme":"pkcs1v15"}})",
               sealed));
  must(moved);
  EXPECT_EQ(decrypt("r", moved.at("/ciphertext")), "secret");
  EXPECT_EQ(encrypt("r", "x", R"(,"associated_data":"eA==")"),
            "'[0].associated_data' provided for non-AEAD cipher suite "
            "rsa-2048");
  EXPECT_EQ(encrypt("r", std::string(300, 'x')),
            "failed to RSA encrypt the plaintext: crypto/rsa: message too long "
            "for RSA key size");
  EXPECT_EQ(
      decrypt("r", fmt::format("vault:v1:{}", b64(std::string(256, 'x')))),
      "failed to RSA decrypt the ciphertext: crypto/rsa: decryption "
      "error");
  const Outcome batch =
      post("encrypt/r", R"({"batch_input":[{"plaintext":"eA==",)"
                        R"("associated_data":"eA=="},{"plaintext":"eA=="}]})");
  must(batch);
  EXPECT_EQ(batch.status(), 0);
  EXPECT_EQ(batch.at("/batch_results/0/error"),
            "'[0].associated_data' provided for non-AEAD cipher suite "
            "rsa-2048");
}

}  // namespace
}  // namespace bulla::engine::transit
