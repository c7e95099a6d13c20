#include "crypto/x509.h"

#include <gtest/gtest.h>
#include <openssl/x509.h>

#include "crypto/key_fixtures_test.h"
#include "crypto/pem.h"

namespace bulla::crypto {
namespace {

const PrivateKey& leaf_key() {
  static const PrivateKey made =
      PrivateKey::from_pkcs8(fixtures::der(fixtures::kP256Pkcs8)).value();
  return made;
}

std::string bundle(std::initializer_list<std::string_view> parts) {
  std::string text;
  for (const auto part : parts) text += part;
  return text;
}

// A request as OpenSSL sees it.
class Seen {
 public:
  explicit Seen(const std::string& pem) {
    std::string_view text = pem;
    const auto block = next_pem_block(text);
    EXPECT_EQ(block->label, "CERTIFICATE REQUEST");
    EXPECT_EQ(text, "\n");
    der_ = pem_contents(*block).value();
    const std::uint8_t* data = der_.data();
    request_ = d2i_X509_REQ(nullptr, &data, static_cast<long>(der_.size()));
    EXPECT_NE(request_, nullptr);
  }
  Seen(const Seen&) = delete;
  Seen& operator=(const Seen&) = delete;
  ~Seen() { X509_REQ_free(request_); }

  bool signature_holds() const {
    return X509_REQ_verify(request_, X509_REQ_get0_pubkey(request_)) == 1;
  }
  int attributes() const { return X509_REQ_get_attr_count(request_); }
  std::string subject() const {
    char* const line =
        X509_NAME_oneline(X509_REQ_get_subject_name(request_), nullptr, 0);
    std::string text = line;
    OPENSSL_free(line);
    return text;
  }
  bool holds_text(std::string_view text) const {
    return as_text(der_).find(text) != std::string_view::npos;
  }

 private:
  Bytes der_;
  X509_REQ* request_ = nullptr;
};

TEST(Csr, OfEveryAlgorithm) {
  SystemRng rng;
  for (const auto algorithm :
       {AsymmetricAlgorithm::kEd25519, AsymmetricAlgorithm::kEcdsaP256,
        AsymmetricAlgorithm::kEcdsaP384, AsymmetricAlgorithm::kEcdsaP521,
        AsymmetricAlgorithm::kRsa}) {
    const auto key = PrivateKey::generate(algorithm, 2048, rng).value();
    for (const std::string_view from :
         {std::string_view(), fixtures::kRequest}) {
      const Seen seen(make_csr(key, from).value());
      EXPECT_TRUE(seen.signature_holds());
      EXPECT_EQ(seen.attributes(), from.empty() ? 0 : 1);
      EXPECT_EQ(seen.subject(), from.empty() ? "" : "/O=Bulla/CN=leaf.example");
      EXPECT_EQ(seen.holds_text("\x87\x04\xc0\x00\x02\x07"), !from.empty());
      EXPECT_TRUE(seen.holds_text(as_text(key.public_key().spki_der())));
    }
  }
}

TEST(Csr, TemplatesThatAreNone) {
  const auto text_of = [](std::string_view text) {
    return make_csr(leaf_key(), text).error().message();
  };
  EXPECT_EQ(text_of("x"), "could not decode PEM CSR");
  EXPECT_EQ(text_of(fixtures::kLeafCertificate), "could not decode PEM CSR");
  EXPECT_EQ(text_of(pem_encode("CERTIFICATE REQUEST", Bytes(10))),
            "the CSR does not parse");
  std::string_view request = fixtures::kRequest;
  Bytes der = *pem_contents(*next_pem_block(request));
  der.push_back(0);
  EXPECT_EQ(text_of(pem_encode("CERTIFICATE REQUEST", der)),
            "the CSR does not parse");
}

TEST(Certificates, ComeInOrder) {
  const auto chain =
      parse_certificates(bundle({"subject=leaf\n", fixtures::kLeafCertificate,
                                 "\n\n", fixtures::kCaCertificate, "\n"}));
  ASSERT_TRUE(chain);
  ASSERT_EQ(chain->size(), 2U);
  EXPECT_EQ(certificate_pem((*chain)[0]) + "\n", fixtures::kLeafCertificate);
  EXPECT_EQ(certificate_pem((*chain)[1]) + "\n", fixtures::kCaCertificate);
}

TEST(Certificates, OtherBlocksAreSkipped) {
  std::string_view leaf = fixtures::kLeafCertificate;
  const Bytes der = *pem_contents(*next_pem_block(leaf));
  const auto chain = parse_certificates(
      bundle({fixtures::kRequest, pem_encode("X509 CERTIFICATE", der), "\n"}));
  ASSERT_TRUE(chain);
  EXPECT_EQ(*chain, std::vector<Bytes>{der});
}

TEST(Certificates, BundlesThatAreNone) {
  const std::string leaf(fixtures::kLeafCertificate);
  std::string many;
  for (std::size_t i = 0; i <= kCertificatesMax; ++i) many += leaf;
  for (const std::string& text :
       {std::string(), std::string("x"), leaf.substr(0, leaf.size() - 10),
        leaf + leaf.substr(0, 100), leaf + "x", std::string(fixtures::kRequest),
        pem_encode("CERTIFICATE", Bytes(10)), many}) {
    EXPECT_EQ(parse_certificates(text).error().code(),
              ErrorCode::kInvalidArgument);
  }
}

TEST(Chain, IsOfThisKeyAndEndsInACa) {
  const auto leaf =
      parse_certificates(fixtures::kLeafCertificate).value().front();
  const auto ca = parse_certificates(fixtures::kCaCertificate).value().front();
  const PublicKey& key = leaf_key().public_key();
  EXPECT_TRUE(check_chain({leaf}, key));
  EXPECT_TRUE(check_chain({leaf, ca}, key));
  const auto text_of = [&](const std::vector<Bytes>& chain,
                           const PublicKey& of) {
    return check_chain(chain, of).error().message();
  };
  EXPECT_EQ(text_of({}, key), "no certificates");
  EXPECT_EQ(text_of({ca}, key), "the first certificate is a CA's");
  for (const auto& chain : {std::vector<Bytes>{leaf, leaf}, {leaf, leaf, ca}}) {
    EXPECT_EQ(text_of(chain, key),
              "a certificate that is not the first one is not a CA's");
  }
  EXPECT_EQ(text_of({Bytes(3)}, key), "a certificate does not parse");
  SystemRng rng;
  const auto other =
      PrivateKey::generate(AsymmetricAlgorithm::kEcdsaP256, 0, rng).value();
  EXPECT_EQ(text_of({leaf}, other.public_key()),
            "the first certificate's public key is not this key's");
  const auto rsa =
      PrivateKey::from_pkcs8(fixtures::der(fixtures::kRsaPkcs8)).value();
  EXPECT_EQ(text_of({leaf}, rsa.public_key()),
            "the first certificate's public key is of another algorithm");
}

}  // namespace
}  // namespace bulla::crypto
