#include <gtest/gtest.h>

#include "base/json_writer.h"
#include "crypto/key_fixtures_test.h"
#include "crypto/pem.h"
#include "engine/transit/test_support.h"

namespace bulla::engine::transit {
namespace {

using crypto::fixtures::kRequest;
using testing::EndsWith;
using testing::HasSubstr;
using testing::StartsWith;

class CsrTest : public TransitTest {
 protected:
  static std::string quoted(std::string_view text) {
    std::string out;
    append_json_string(out, text);
    return out;
  }
  static std::string der_of(std::string_view pem) {
    const auto block = crypto::next_pem_block(pem);
    if (!block) return {};
    return to_text(crypto::pem_contents(*block).value());
  }
  std::string spki(std::string_view name, std::uint32_t number) {
    return to_text(snapshot(name)->loaded(number)->public_key()->spki_der());
  }
};

TEST_F(CsrTest, OfEveryTypeThatSigns) {
  for (const std::string_view type :
       {"ed25519", "ecdsa-p256", "ecdsa-p384", "ecdsa-p521", "rsa-2048"}) {
    SCOPED_TRACE(type);
    make_key(type, fmt::format(R"({{"type":"{}"}})", type));
    const Outcome made = post(fmt::format("keys/{}/csr", type));
    must(made);
    EXPECT_EQ(made.at("/name"), type);
    EXPECT_EQ(made.at("/type"), type);
    EXPECT_THAT(made.at("/csr"),
                StartsWith("-----BEGIN CERTIFICATE REQUEST-----\n"));
    EXPECT_THAT(made.at("/csr"),
                EndsWith("-----END CERTIFICATE REQUEST-----\n"));
    EXPECT_THAT(der_of(made.at("/csr")), HasSubstr(spki(type, 1)));
  }
}

TEST_F(CsrTest, TakesOverATemplate) {
  make_key("k", R"({"type":"ecdsa-p256"})");
  const Outcome made =
      post("keys/k/csr", fmt::format(R"({{"csr":{}}})", quoted(kRequest)));
  must(made);
  EXPECT_THAT(der_of(made.at("/csr")), HasSubstr("leaf.example"));
  EXPECT_THAT(der_of(made.at("/csr")), HasSubstr(spki("k", 1)));
  EXPECT_THAT(post_error("keys/k/csr", R"({"csr":"no PEM"})"),
              HasSubstr("could not decode PEM CSR"));
}

TEST_F(CsrTest, OfAVersion) {
  make_key("k", R"({"type":"ed25519"})");
  rotate("k");
  const Outcome first = post("keys/k/csr", R"({"version":1})");
  must(first);
  EXPECT_THAT(der_of(first.at("/csr")), HasSubstr(spki("k", 1)));
  const Outcome latest = post("keys/k/csr");
  must(latest);
  EXPECT_THAT(der_of(latest.at("/csr")), HasSubstr(spki("k", 2)));
  for (const int version : {-1, 0, 3}) {
    EXPECT_EQ(
        post_error("keys/k/csr", fmt::format(R"({{"version":{}}})", version)),
        "could not create the csr: no such key version");
  }
  must(post("keys/k/config", R"({"min_decryption_version":2})"));
  EXPECT_THAT(post_error("keys/k/csr", R"({"version":1})"),
              HasSubstr("no such key version"));
}

TEST_F(CsrTest, RefusesWhatDoesNotSign) {
  EXPECT_EQ(post_error("keys/none/csr"),
            "key with provided name 'none' not found");
  make_key("a");
  EXPECT_EQ(post_error("keys/a/csr"),
            "key type 'aes256-gcm96' does not support signing");
  make_key("d", R"({"type":"ed25519","derived":true})");
  EXPECT_EQ(post_error("keys/d/csr"),
            "operation not supported for keys with derivation enabled");
  make_key("s", R"({"type":"ed25519"})");
  must(call(api::Operation::kDelete, "keys/s/soft-delete"));
  EXPECT_EQ(post_error("keys/s/csr"), "refusing to use soft-deleted key");
}

TEST_F(CsrTest, RefusesAPublicKeyAlone) {
  const auto pair = crypto::PrivateKey::from_ed25519_seed(counting(32)).value();
  KeyRecord record;
  record.type = KeyType::kEd25519;
  record.imported = true;
  ASSERT_TRUE(backend_->keys().create(
      "k", record, clock_.time,
      KeyPairMaterial{.pkcs8 = {},
                      .spki = pair.public_key().spki_der(),
                      .certificates = {}}));
  EXPECT_EQ(post_error("keys/k/csr"),
            "could not create the csr: private key not imported for key "
            "version selected");
}

}  // namespace
}  // namespace bulla::engine::transit
