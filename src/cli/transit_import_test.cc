#include <gmock/gmock.h>

#include "base/encoding.h"
#include "cli/command_fixture.h"
#include "crypto/asymmetric.h"
#include "crypto/key_fixtures_test.h"
#include "crypto/key_wrap.h"
#include "crypto/pem.h"
#include "crypto/rng.h"

namespace bulla::cli {
namespace {

using testing::HasSubstr;
using testing::Not;
using testing::StartsWith;

class Import : public Commands {
 protected:
  static const crypto::PrivateKey& wrapping_key() {
    static const crypto::PrivateKey made = [] {
      crypto::SystemRng rng;
      return crypto::PrivateKey::generate(crypto::AsymmetricAlgorithm::kRsa,
                                          4096, rng)
          .value();
    }();
    return made;
  }
  void answer_wrapping_key() {
    Value data = Value::object();
    data.set("public_key",
             Value::string(wrapping_key().public_key().spki_pem()));
    host_.answer(200, to_json(Value::object().set("data", std::move(data))));
  }
  std::string file(std::string_view contents) {
    const std::string path = (host_.home / "key").string();
    std::ofstream(path, std::ios::binary) << contents;
    return path;
  }
  /// What the last request carries, unwrapped; its other members in `others`.
  std::string unwrapped(std::string_view path) {
    EXPECT_THAT(host_.request(1),
                StartsWith("PUT " + std::string(kBase) + std::string(path)));
    others_ = parse_value(host_.requests.at(1).body).value();
    const Bytes blob = base64_decode(others_.text_of("ciphertext")).value();
    const auto aes = wrapping_key().decrypt(crypto::RsaEncryption::kOaep, hash_,
                                            ByteView(blob).first(512));
    if (!aes) return aes.error().message();
    const auto key =
        crypto::unwrap_kwp(aes->expose(), ByteView(blob).subspan(512));
    return key ? to_text(key->expose()) : key.error().message();
  }

  crypto::HashAlgorithm hash_ = crypto::HashAlgorithm::kSha2_256;
  Value others_;
};

TEST_F(Import, APemFile) {
  const Bytes der = crypto::fixtures::der(crypto::fixtures::kP256Pkcs8);
  const std::string pem = crypto::pem_encode("PRIVATE KEY", der);
  answer_wrapping_key();
  host_.answer(204);
  sent({"transit", "import", "transit/keys/k", "@" + file(pem),
        "type=ecdsa-p256", "exportable=true"});
  EXPECT_EQ(host_.request(0),
            "GET " + std::string(kBase) + "transit/wrapping_key");
  EXPECT_EQ(unwrapped("transit/keys/k/import "), to_text(der));
  EXPECT_EQ(others_.text_of("type"), "ecdsa-p256");
  EXPECT_EQ(others_.text_of("exportable"), "true");
  EXPECT_THAT(printed(), HasSubstr("Success! Imported the key to: "
                                   "transit/keys/k"));
}

TEST_F(Import, AVersionFromInputUnderAnotherHash) {
  const std::string key = "0123456789abcdef0123456789abcde\xff";
  host_.console.input = base64_encode(as_bytes(key)) + "\n";
  hash_ = crypto::HashAlgorithm::kSha2_512;
  answer_wrapping_key();
  host_.answer(204);
  sent(
      {"transit", "import-version", "a/b/keys/k", "-", "hash_function=sha512"});
  EXPECT_EQ(unwrapped("a/b/keys/k/import_version "), key);
}

TEST_F(Import, RawBytesOfAFile) {
  answer_wrapping_key();
  host_.answer(204);
  sent({"transit", "import", "transit/keys/k", "-raw", file("AAAAAAAAAAAAAAAA"),
        "type=aes128-gcm96"});
  EXPECT_EQ(unwrapped("transit/keys/k/import "), "AAAAAAAAAAAAAAAA");
}

TEST_F(Import, APublicKeyGoesAsItIs) {
  const std::string pem = wrapping_key().public_key().spki_pem();
  host_.answer(204);
  sent({"transit", "import", "transit/keys/k", file(pem), "type=rsa-4096"});
  ASSERT_EQ(host_.requests.size(), 1U);
  const Value body = parse_value(host_.requests.at(0).body).value();
  EXPECT_EQ(body.text_of("public_key"), pem);
  EXPECT_EQ(body.find("ciphertext"), nullptr);
}

TEST_F(Import, RefusesOnThisSide) {
  const std::string key = "c2VjcmV0c2VjcmV0c2VjcmV0c2VjcmV0";
  const auto refused = [this](std::vector<std::string> arguments) {
    arguments.insert(arguments.begin(), {"transit", "import"});
    EXPECT_EQ(sent(arguments, 1).size(), 0U);
    return host_.console.complained;
  };
  EXPECT_THAT(refused({"transit/k", "-"}), HasSubstr("MOUNT/keys/NAME"));
  EXPECT_THAT(refused({"/keys/k", "-"}), HasSubstr("MOUNT/keys/NAME"));
  EXPECT_THAT(refused({"transit/keys/a/b", "-"}), HasSubstr("MOUNT/keys/NAME"));
  const std::string argv = refused({"transit/keys/k", key});
  EXPECT_THAT(argv, HasSubstr("name of a file"));
  EXPECT_THAT(argv, Not(HasSubstr(key)));
  EXPECT_THAT(refused({"transit/keys/k", "-", "type=-"}),
              HasSubstr("only once"));
  host_.console.input = key;
  EXPECT_THAT(refused({"transit/keys/k", "-", "hash_function=MD5"}),
              HasSubstr("hash_function must be"));
}

TEST_F(Import, SaysWhatTheServerSaid) {
  host_.console.input = "c2VjcmV0c2VjcmV0c2VjcmV0c2VjcmV0";
  answer_wrapping_key();
  host_.answer(400, R"({"errors":["unknown key type: x"]})");
  sent({"transit", "import", "transit/keys/k", "-", "type=x"}, 2);
  EXPECT_THAT(host_.console.complained, HasSubstr("unknown key type: x"));
  host_.answer(200, R"({"data":{"public_key":"none"}})");
  sent({"transit", "import", "transit/keys/k", "-"}, 2);
  EXPECT_THAT(host_.console.complained, HasSubstr("no RSA-4096 key"));
}

}  // namespace
}  // namespace bulla::cli
