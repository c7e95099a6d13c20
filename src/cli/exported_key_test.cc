#include "cli/exported_key.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "base/encoding.h"
#include "crypto/asymmetric.h"
#include "crypto/decimal.h"
#include "crypto/key_fixtures_test.h"
#include "crypto/pem.h"

namespace bulla::cli {
namespace {

using testing::HasSubstr;

Value versions(std::string_view one) {
  Value keys = Value::object();
  return std::move(keys.set("1", Value::string(one)));
}

Value key_of(std::string_view type, Value shown = Value()) {
  Value keys = Value::object();
  keys.set("1", std::move(shown));
  Value key = Value::object();
  key.set("name", Value::string("k")).set("type", Value::string(type));
  key.set("latest_version", Value::number(1));
  key.set("min_decryption_version", Value::number(1));
  return std::move(key.set("keys", std::move(keys)));
}

// The entry of version 1, or why there is none.
Value entry_of(const Value& key, std::string_view exported) {
  const ExportedKeys keys{versions(exported), versions("aGs=")};
  const auto backup = backup_of_export(
      key, *find_transit_type(key.text_of("type")), keys, from_unix_nanos(0));
  if (!backup) return Value::string(backup.error().message());
  return *backup->find("policy")->find("keys")->find("1");
}

std::string decimal(ByteView bytes) { return crypto::to_decimal(bytes); }

TEST(ExportedKey, Ed25519) {
  const auto pair = crypto::PrivateKey::from_ed25519_seed(Bytes(32, 7)).value();
  Bytes both = to_bytes(pair.ed25519_seed().expose());
  const Bytes raw = pair.public_key().ed25519_raw();
  both.insert(both.end(), raw.begin(), raw.end());
  const Value entry = entry_of(key_of("ed25519"), base64_encode(both));
  EXPECT_EQ(entry.text_of("key"), base64_encode(both));
  EXPECT_EQ(entry.text_of("public_key"), base64_encode(raw));
  EXPECT_EQ(entry.text_of("hmac_key"), "aGs=");
  EXPECT_THAT(entry_of(key_of("ed25519"), "AAAA").text, HasSubstr("64 bytes"));
}

TEST(ExportedKey, EcAndItsCertificates) {
  Value shown = Value::object();
  shown.set("creation_time", Value::string("2024-01-02T03:04:05.6Z"));
  shown.set("certificate_chain",
            Value::string(crypto::fixtures::kLeafCertificate));
  const Value entry = entry_of(key_of("ecdsa-p256", std::move(shown)),
                               crypto::fixtures::kP256TraditionalPem);
  const auto pair = crypto::PrivateKey::from_pkcs8(
                        crypto::fixtures::der(crypto::fixtures::kP256Pkcs8))
                        .value();
  const auto numbers = pair.ec_numbers();
  EXPECT_EQ(entry.find("ec_d")->text, decimal(numbers.d.expose()));
  EXPECT_EQ(entry.find("ec_x")->text, decimal(numbers.x));
  EXPECT_EQ(entry.text_of("public_key"), pair.public_key().spki_pem());
  EXPECT_EQ(entry.text_of("time"), "2024-01-02T03:04:05.6Z");
  EXPECT_EQ(entry.find("certificate_chain")->items.size(), 1U);
}

TEST(ExportedKey, RsaAndItsPublicHalf) {
  const auto pair = crypto::PrivateKey::from_pkcs8(
                        crypto::fixtures::der(crypto::fixtures::kRsaPkcs8))
                        .value();
  const auto numbers = pair.rsa_numbers();
  const Value entry =
      entry_of(key_of("rsa-2048"), crypto::fixtures::kRsaTraditionalPem);
  const Value& rsa = *entry.find("rsa_key");
  EXPECT_EQ(rsa.find("N")->text, decimal(numbers.n));
  EXPECT_EQ(rsa.find("D")->text, decimal(numbers.d.expose()));
  EXPECT_EQ(rsa.find("Primes")->items[0].text, decimal(numbers.p.expose()));
  Value shown = Value::object();
  shown.set("public_key", Value::string(pair.public_key().spki_pem()));
  const Value half = entry_of(key_of("rsa-2048", std::move(shown)), "");
  EXPECT_TRUE(half.find("rsa_key")->is_null());
  EXPECT_EQ(half.find("rsa_public_key")->find("N")->text, decimal(numbers.n));
}

TEST(ExportedKey, HmacKeysAreTheirOwn) {
  const ExportedKeys keys{versions("AAECAw=="), Value()};
  Value key = key_of("hmac");
  key.set("max_operations", Value::number(1000));
  const auto backup =
      backup_of_export(key, *find_transit_type("hmac"), keys,
                       from_unix_nanos(1'700'000'000'000'000'000))
          .value();
  const Value& policy = *backup.find("policy");
  EXPECT_EQ(policy.integer_of("key_size"), 4);
  EXPECT_EQ(policy.integer_of("type"), 10);
  EXPECT_EQ(policy.integer_of("max_operations"), 1000);
  EXPECT_EQ(policy.find("keys")->find("1")->text_of("hmac_key"), "AAECAw==");
}

TEST(ExportedKey, RefusesKeysOfAnotherType) {
  EXPECT_THAT(
      entry_of(key_of("rsa-2048"), crypto::fixtures::kP256TraditionalPem).text,
      HasSubstr("another type"));
  EXPECT_THAT(
      entry_of(key_of("ecdsa-p256"), crypto::fixtures::kRsaTraditionalPem).text,
      HasSubstr("another type"));
  EXPECT_FALSE(entry_of(key_of("ecdsa-p256"), "").text.empty());
  EXPECT_THAT(entry_of(key_of("aes256-gcm96"), "").text, HasSubstr("no key"));
}

TEST(ExportedKey, SaysWhatStandsInTheWay) {
  Value key = key_of("aes256-gcm96");
  EXPECT_TRUE(export_obstacle(key));
  key.set("exportable", Value::boolean(true));
  EXPECT_FALSE(export_obstacle(key));
  key.set("soft_deleted", Value::boolean(true));
  EXPECT_THAT(std::string(export_obstacle(key).value_or("")),
              HasSubstr("soft-delete-restore"));
  key.set("soft_deleted", Value::boolean(false));
  key.set("convergent_encryption", Value::boolean(true));
  key.set("convergent_encryption_version", Value::number(-1));
  EXPECT_FALSE(export_obstacle(key));
  key.set("convergent_encryption_version", Value::number(1));
  EXPECT_TRUE(export_obstacle(key));
  EXPECT_EQ(find_transit_type("ml-dsa"), nullptr);
}

}  // namespace
}  // namespace bulla::cli
