#include <gtest/gtest.h>

#include "crypto/key_wrap.h"
#include "engine/transit/test_support.h"

namespace bulla::engine::transit {
namespace {

using testing::HasSubstr;

class ImportTest : public TransitTest {
 protected:
  // What a client makes of `material` with the public wrapping key.
  std::string wrap(
      ByteView material,
      crypto::HashAlgorithm hash = crypto::HashAlgorithm::kSha2_256,
      const Bytes& aes = counting(32)) {
    const auto wrapping =
        crypto::PublicKey::from_spki_pem(get("wrapping_key").at("/public_key"));
    Bytes blob =
        wrapping->encrypt(crypto::RsaEncryption::kOaep, hash, aes).value();
    const Bytes wrapped = crypto::wrap_kwp(aes, material);
    blob.insert(blob.end(), wrapped.begin(), wrapped.end());
    return base64_encode(blob);
  }
  Outcome import(std::string_view name, std::string_view ciphertext,
                 std::string_view more = {}) {
    return post(fmt::format("keys/{}/import", name),
                fmt::format(R"({{"ciphertext":"{}"{}}})", ciphertext, more));
  }
  static crypto::PrivateKey pair() {
    crypto::SystemRng rng;
    return crypto::PrivateKey::generate(crypto::AsymmetricAlgorithm::kEcdsaP256,
                                        0, rng)
        .value();
  }
  static std::string escaped(std::string pem) {
    std::string out;
    for (const char c : pem)
      out += c == '\n' ? std::string("\\n") : std::string(1, c);
    return out;
  }
};

TEST_F(ImportTest, SymmetricKeysWithEveryHash) {
  const std::string first = get("wrapping_key").at("/public_key");
  EXPECT_EQ(get("wrapping_key").at("/public_key"), first);
  int number = 0;
  for (const auto& [name, hash] :
       {std::pair{"SHA1", crypto::HashAlgorithm::kSha1},
        std::pair{"sha224", crypto::HashAlgorithm::kSha2_224},
        std::pair{"SHA256", crypto::HashAlgorithm::kSha2_256},
        std::pair{"SHA384", crypto::HashAlgorithm::kSha2_384},
        std::pair{"Sha512", crypto::HashAlgorithm::kSha2_512}}) {
    const std::string key = fmt::format("k{}", ++number);
    must(import(key, wrap(counting(32), hash),
                fmt::format(R"(,"hash_function":"{}")", name)));
    plant("same", KeyType::kAes256Gcm96, counting(32));
    EXPECT_EQ(decrypt("same", encrypt(key, "x")), "x");
  }
  EXPECT_EQ(get("keys/k1").at("/imported_key"), "true");
  // The wrapping key shows in no list and under no name.
  EXPECT_THAT(call(api::Operation::kList, "keys").data,
              testing::Not(HasSubstr("wrapping")));
}

TEST_F(ImportTest, Refusals) {
  make_key("k");
  EXPECT_EQ(import("k", wrap(counting(32))).error,
            "the import path cannot be used with an existing key; use "
            "import-version to rotate an existing imported key");
  EXPECT_EQ(import("n", "AAAA").error, "provided ciphertext is too short");
  EXPECT_EQ(import("n", wrap(counting(32), crypto::HashAlgorithm::kSha2_256,
                             counting(16)))
                .error,
            "expected ephemeral AES key to be 256-bit");
  EXPECT_EQ(import("n", wrap(counting(31))).error,
            "error importing key: invalid key size 31 bytes for key type "
            "aes256-gcm96");
  EXPECT_EQ(import("n", wrap(counting(32)), R"(,"hash_function":"md5")").error,
            "unknown hash function: md5");
  EXPECT_EQ(import("n", wrap(counting(32)), R"(,"type":"x")").error,
            "unknown key type: x");
  EXPECT_EQ(import("n", wrap(counting(32)), R"(,"convergent_encryption":false)")
                .error,
            "import cannot be used on keys with convergent encryption enabled");
  EXPECT_EQ(
      import("n", wrap(counting(32)), R"(,"auto_rotate_period":"2h")").error,
      "allow_rotation must be set to true if auto-rotation is enabled");
  EXPECT_THAT(post_error("keys/n/import"), HasSubstr("must be set"));
  EXPECT_EQ(post_error("keys/n/import", R"({"public_key":"x"})"),
            "provided type does not support public_key import");
  EXPECT_THAT(import("n", wrap(counting(32)), R"(,"type":"ed25519")").error,
              HasSubstr("error parsing asymmetric key"));
  EXPECT_EQ(post_error("keys/no/import_version", R"({"ciphertext":""})"),
            "no key found with name no; to import a new key, use the import/ "
            "endpoint");
  EXPECT_EQ(post_error("keys/k/import_version", R"({"ciphertext":""})"),
            "the import_version endpoint can only be used with an imported "
            "key");
  EXPECT_FALSE(get("keys/n").response.present);
}

TEST_F(ImportTest, TypesInAnyCase) {
  must(import("k", wrap(counting(16)), R"(,"type":"AES128-GCM96")"));
  EXPECT_EQ(get("keys/k").at("/type"), "aes128-gcm96");
}

TEST_F(ImportTest, VersionsThatDoNotFit) {
  must(import("k", wrap(counting(32))));
  const auto error = [&](std::string_view body) {
    return post_error("keys/k/import_version", body);
  };
  EXPECT_THAT(
      error(fmt::format(R"({{"ciphertext":"{}"}})", wrap(counting(31)))),
      HasSubstr("invalid key size 31 bytes for key type aes256-gcm96"));
  // Only key pairs have halves.
  EXPECT_EQ(error(fmt::format(R"({{"ciphertext":"{}","version":1}})",
                              wrap(counting(32)))),
            "provided type does not support importing key versions");
  const std::string pem = escaped(pair().public_key().spki_pem());
  must(post("keys/e/import",
            fmt::format(R"({{"type":"ecdsa-p256","public_key":"{}"}})", pem)));
  EXPECT_EQ(
      post_error("keys/e/import_version",
                 fmt::format(R"({{"public_key":"{}","version":1}})", pem)),
      "cannot add a public key to a key version that already has a "
      "public key set");
}

TEST_F(ImportTest, PrivateHalfComesLater) {
  const crypto::PrivateKey key = pair();
  const std::string pem = escaped(key.public_key().spki_pem());
  must(post("keys/e/import",
            fmt::format(R"({{"type":"ecdsa-p256","public_key":"{}"}})", pem)));
  EXPECT_EQ(post_error("sign/e", R"({"input":"eA=="})"),
            "requested version for signing does not contain a private part");
  make_key("r", R"({"type":"rsa-2048"})");
  must(post(
      "keys/open/import",
      fmt::format(R"({{"type":"rsa-2048","public_key":"{}"}})",
                  escaped(snapshot("r")->latest().public_key()->spki_pem()))));
  EXPECT_EQ(decrypt("open", encrypt("open", "x")),
            "cannot decrypt ciphertext, key version does not have a private "
            "counterpart");
  const auto import_private = [&](const crypto::PrivateKey& given,
                                  std::string_view more = {}) {
    return post("keys/e/import_version",
                fmt::format(R"({{"ciphertext":"{}"{}}})",
                            wrap(given.pkcs8_der().expose()), more));
  };
  EXPECT_EQ(import_private(pair(), R"(,"version":1)").error,
            "cannot import key, key pair does not match");
  must(import_private(key));
  EXPECT_EQ(get("keys/e").at("/latest_version"), "1");
  EXPECT_TRUE(post("sign/e", R"({"input":"eA=="})").ok);
  EXPECT_EQ(import_private(key, R"(,"version":1)").error,
            "private key imported, key version cannot be updated");
  must(import_private(pair()));
  EXPECT_EQ(get("keys/e").at("/latest_version"), "2");
}

TEST_F(ImportTest, APublicKeyAloneDerivesNothing) {
  crypto::SystemRng rng;
  const auto made = crypto::PrivateKey::generate(
      crypto::AsymmetricAlgorithm::kEd25519, 0, rng);
  const std::string pem = escaped(made->public_key().spki_pem());
  const auto body = [&](std::string_view more) {
    return fmt::format(R"({{"public_key":"{}","type":"ed25519"{}}})", pem,
                       more);
  };
  EXPECT_THAT(post_error("keys/d/import", body(R"(,"derived":true)")),
              HasSubstr("derives no keys"));
  must(post("keys/plain/import", body("")));
  must(import("d", wrap(made->pkcs8_der().expose()),
              R"(,"type":"ed25519","derived":true)"));
  EXPECT_THAT(post_error("keys/d/import_version", body("")),
              HasSubstr("derives no keys"));
}

TEST_F(ImportTest, RotationOnlyWhereAllowed) {
  must(import("fixed", wrap(counting(32))));
  EXPECT_EQ(post_error("keys/fixed/rotate"),
            "imported key fixed does not allow rotation within Vault");
  must(import("free", wrap(counting(32)), R"(,"allow_rotation":true)"));
  rotate("free");
  EXPECT_EQ(get("keys/free").at("/imported_key"), "false");
  EXPECT_THAT(
      post_error("keys/free/import_version",
                 fmt::format(R"({{"ciphertext":"{}"}})", wrap(counting(32)))),
      HasSubstr("only be used with an imported key"));
}

TEST_F(ImportTest, ByokExportImportsElsewhere) {
  make_key("k", R"({"exportable":true})");
  make_key("dst", R"({"type":"rsa-4096"})");
  const std::string sealed = encrypt("k", "x");
  const std::string blob = get("byok-export/dst/k").at("/keys/1");
  EXPECT_EQ(get("byok-export/no/k").error,
            "no such destination key to export to");
  EXPECT_EQ(get("byok-export/dst/no").error, "no such source key for export");
  make_key("secret");
  const Outcome kept = get("byok-export/dst/secret");
  EXPECT_EQ(kept.error, "key is not exportable");
  EXPECT_EQ(kept.code, ErrorCode::kInvalidArgument);
  // Re-wrapped to this mount's own wrapping key the blob would be imported;
  // here dst's private half opens it.
  const auto dst = snapshot("dst");
  const Bytes bytes = base64_decode(blob).value();
  const auto aes = dst->latest().private_key()->decrypt(
      crypto::RsaEncryption::kOaep, crypto::HashAlgorithm::kSha2_256,
      ByteView(bytes).first(512));
  ASSERT_TRUE(aes);
  const auto material =
      crypto::unwrap_kwp(aes->expose(), ByteView(bytes).subspan(512));
  ASSERT_TRUE(material);
  plant("copy", KeyType::kAes256Gcm96, material->expose());
  EXPECT_EQ(decrypt("copy", sealed), "x");
}

}  // namespace
}  // namespace bulla::engine::transit
