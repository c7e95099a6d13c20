#include <gtest/gtest.h>

#include "engine/transit/backup_json.h"
#include "engine/transit/test_support.h"

namespace bulla::engine::transit {
namespace {

using testing::HasSubstr;

class BackupTest : public TransitTest {
 protected:
  void make_open(std::string_view name, std::string_view type,
                 std::string_view more = {}) {
    make_key(name, fmt::format(R"({{"type":"{}","exportable":true,)"
                               R"("allow_plaintext_backup":true{}}})",
                               type, more));
  }
  std::string backup(std::string_view name) {
    const Outcome outcome = get(fmt::format("backup/{}", name));
    return outcome.ok ? outcome.at("/backup") : outcome.error;
  }
  std::string backup_json(std::string_view name) {
    return to_text(base64_decode(backup(name)).value());
  }
  Outcome restore(std::string_view name, std::string_view blob,
                  std::string_view more = {}) {
    return post(fmt::format("restore/{}", name),
                fmt::format(R"({{"backup":"{}"{}}})", blob, more));
  }
  Outcome restore_json(std::string_view name, std::string_view json,
                       std::string_view more = {}) {
    return restore(name, b64(json), more);
  }
};

TEST_F(BackupTest, EveryTypeComesBackAsItWas) {
  for (const KeyTypeInfo& type : all_key_types()) {
    SCOPED_TRACE(type.name);
    const std::string name(type.name);
    make_open(name, type.name);
    if (type.bits < 3000) rotate(name);
    const std::string blob = backup(name);
    const std::string copy = name + "-copy";
    must(restore(copy, blob));
    EXPECT_EQ(get(fmt::format("keys/{}", copy)).at("/latest_version"),
              get(fmt::format("keys/{}", name)).at("/latest_version"));
    EXPECT_EQ(get(fmt::format("keys/{}", copy)).at("/restore_info").empty(),
              false);
    const std::string_view input = R"({"input":"eA=="})";
    if (type.hmacs()) {
      EXPECT_EQ(post(fmt::format("hmac/{}", name), input).data,
                post(fmt::format("hmac/{}", copy), input).data);
    }
    if (type.encrypts) {
      EXPECT_EQ(decrypt(copy, encrypt(name, "x")), "x");
      EXPECT_EQ(decrypt(copy, encrypt(name, "x", R"(,"key_version":1)")), "x");
    }
    if (type.signs) {
      const std::string made =
          post(fmt::format("sign/{}", name), input).at("/signature");
      EXPECT_EQ(
          post(fmt::format("verify/{}", copy),
               fmt::format(R"({{"input":"eA==","signature":"{}"}})", made))
              .at("/valid"),
          "true");
    }
  }
}

TEST_F(BackupTest, HasTheReferencesForm) {
  make_open("k", "aes256-gcm96");
  const std::string json = backup_json("k");
  EXPECT_THAT(json, testing::StartsWith(
                        R"({"policy":{"name":"k","keys":{"1":{"key":")"));
  EXPECT_THAT(json, HasSubstr(R"("archived_keys":{"keys":[{"key":null,)"
                              R"("hmac_key":null,)"
                              R"("time":"0001-01-01T00:00:00Z")"));
  EXPECT_THAT(json, testing::EndsWith("}]}}\n"));
  EXPECT_THAT(get("keys/k").data, HasSubstr("\"backup_info\":{"));
}

// The reference's minimal example, its placeholders filled in.
TEST_F(BackupTest, ReadsTheReferencesExample) {
  const std::string entry =
      R"({"key":"AAECAwQFBgcICQoLDA0ODxAREhMUFRYXGBkaGxwdHh8=",)"
      R"("hmac_key":"ICEiIyQlJicoKSorLC0uLzAxMjM0NTY3ODk6Ozw9Pj8=",)"
      R"("time":"2026-01-02T03:04:05.678901234Z","ec_x":null,"ec_y":null,)"
      R"("ec_d":null,"rsa_key":null,"rsa_public_key":null,"public_key":"",)"
      R"("convergent_version":0,"creation_time":1767323045,)"
      R"("certificate_chain":null,"external_key_ref":""})";
  const std::string policy =
      R"("derived":false,"kdf":0,"convergent_encryption":false,)"
      R"("exportable":true,"min_decryption_version":1,)"
      R"("min_encryption_version":0,"latest_version":1,"type":0,)"
      R"("allow_plaintext_backup":true,"auto_rotate_period":0)";
  must(restore_json(
      "k", fmt::format(R"({{"policy":{{"name":"x","keys":{{"1":{}}},{}}}}})",
                       entry, policy)));
  plant("same", KeyType::kAes256Gcm96, counting(32));
  EXPECT_EQ(decrypt("same", encrypt("k", "x")), "x");
  // The archive alone will do.
  must(
      restore_json("a", fmt::format(R"({{"policy":{{"name":"x",{}}},)"
                                    R"("archived_keys":{{"keys":[{{}},{}]}}}})",
                                    policy, entry)));
  EXPECT_EQ(decrypt("a", encrypt("k", "x")), "x");
}

TEST_F(BackupTest, TellsTheServersNumbersApart) {
  const auto json = [](int type, std::string_view more) {
    return fmt::format(
        R"({{"policy":{{"name":"x","latest_version":1,"type":{},)"
        R"("keys":{{"1":{{"key":"{}","hmac_key":"{}"}}}}{}}}}})",
        type, base64_encode(Bytes(32, 1)), base64_encode(Bytes(32, 2)), more);
  };
  must(restore_json("vault", json(11, R"(,"key_size":32)")));
  EXPECT_EQ(get("keys/vault").at("/type"), "hmac");
  must(restore_json("bao", json(11, R"(,"soft_deleted":false)")));
  EXPECT_EQ(get("keys/bao").at("/type"), "xchacha20-poly1305");
  must(restore_json("told", json(11, ""), R"(,"source":"vault")"));
  EXPECT_EQ(get("keys/told").at("/type"), "hmac");
  must(restore_json("ten", json(10, "")));
  EXPECT_EQ(get("keys/ten").at("/type"), "hmac");
  EXPECT_THAT(restore_json("m", json(10, ""), R"(,"source":"vault")").error,
              HasSubstr("cannot be restored"));
}

TEST_F(BackupTest, ConvergentVersionsOfOldKeys) {
  const auto json = [](int of_key, int of_version) {
    return fmt::format(
        R"({{"policy":{{"name":"x","latest_version":1,"type":0,"kdf":1,)"
        R"("derived":true,"convergent_encryption":true,)"
        R"("convergent_version":{},"keys":{{"1":{{"key":"{}",)"
        R"("convergent_version":{}}}}}}}}})",
        of_key, base64_encode(counting(32)), of_version);
  };
  const auto sealed = [&](int of_key, int of_version) {
    must(restore_json("k", json(of_key, of_version), R"(,"force":true)"));
    return encrypt("k", "hello world", R"(,"context":"bXktY29udGV4dA==")");
  };
  // reference/transit.md §14.
  constexpr std::string_view kThird =
      "vault:v1:qBGVuHYLU/LGxzvYPdKeG35Y6LqCcilxvrQ/jB7ngHXzKAMn7Tt4";
  EXPECT_EQ(sealed(-1, 3), kThird);
  EXPECT_EQ(sealed(3, 0), kThird);
  const std::string_view old =
      "refusing to support decryption with old convergent encryption key: "
      "version ";
  EXPECT_EQ(sealed(-1, 2), fmt::format("{}2", old));
  EXPECT_EQ(sealed(2, 0), fmt::format("{}2", old));
  EXPECT_EQ(sealed(0, 0), fmt::format("{}1", old));
}

TEST_F(BackupTest, MembersAsGoReadsThem) {
  const auto json = [](std::string_view more) {
    return fmt::format(R"({{"policy":{{"name":"x","latest_version":1,"type":0,)"
                       R"("keys":{{"1":{{"key":"{}"}}}},{}}}}})",
                       base64_encode(counting(32)), more);
  };
  must(restore_json(
      "i", json(R"("imported":true,"allowimportedkeyrotation":true)")));
  EXPECT_EQ(get("keys/i").at("/imported_key"), "true");
  EXPECT_EQ(get("keys/i").at("/imported_key_allow_rotation"), "true");
  EXPECT_EQ(post_error("hmac/i", R"({"input":""})"),
            "no HMAC key exists for that key version");
  must(restore_json("t", json(R"("version_template":"vault:v{{version}}:")")));
  EXPECT_THAT(
      restore_json("o", json(R"("version_template":"x{{version}}:")")).error,
      HasSubstr("version_template"));
}

TEST_F(BackupTest, Refusals) {
  make_key("k");
  EXPECT_EQ(backup("k"), "exporting is disallowed on the policy");
  must(post("keys/k/config", R"({"exportable":true})"));
  EXPECT_EQ(backup("k"), "plaintext backup is disallowed on the policy");
  EXPECT_EQ(backup("no"), "key \"no\" not found");
  EXPECT_EQ(post_error("restore"), "'backup' must be supplied");
  make_open("o", "aes256-gcm96");
  const std::string blob = backup("o");
  EXPECT_EQ(restore("o", blob).error, "key \"o\" already exists");
  must(restore("o", blob, R"(,"force":true)"));
  EXPECT_EQ(post_error("restore",
                       fmt::format(R"({{"backup":"{}","name":"a/b"}})", blob)),
            "key names cannot be paths");
  EXPECT_THAT(restore("n", "!").error, HasSubstr("illegal base64"));
  EXPECT_THAT(restore_json("n", "{").error, HasSubstr("cannot read"));
  EXPECT_THAT(
      restore_json("n", R"({"policy":{"latest_version":3,"type":0}})").error,
      HasSubstr("version 1 is missing"));
  EXPECT_FALSE(get("keys/n").response.present);
}

TEST(BackupJson, LongNumbersAreQuotedAndNothingElse) {
  const auto quoted = [](std::string_view json) {
    return to_text(quote_long_numbers(json).expose());
  };
  EXPECT_EQ(quoted(R"({"a":12,"b":123456789012345678901})"),
            R"({"a":12,"b":"123456789012345678901"})");
  EXPECT_EQ(quoted(R"({"1234567890123456789012":"9999999999999999999999"})"),
            R"({"1234567890123456789012":"9999999999999999999999"})");
  EXPECT_EQ(quoted(R"("\"1234567890123456789012")"),
            R"("\"1234567890123456789012")");
  EXPECT_EQ(quoted(""), "");
}

}  // namespace
}  // namespace bulla::engine::transit
