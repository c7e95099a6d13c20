#include "crypto/cmac.h"

#include <gtest/gtest.h>
#include <openssl/evp.h>

#include <numeric>

#include "crypto/wycheproof_test.h"

namespace bulla::crypto {
namespace {

Bytes hex(std::string_view text) { return hex_decode(text).value(); }

constexpr std::string_view kMessage =
    "6bc1bee22e409f96e93d7e117393172aae2d8a571e03ac9c9eb76fac45af8e51"
    "30c81c46a35ce411e5fbc1191a0a52eff69f2445df4f9b17ad2b417be66c3710";

struct Example {
  std::string_view key;
  std::string_view tags[4];  // of 0, 16, 40 and 64 bytes of kMessage
};
// RFC 4493 section 4, NIST SP 800-38B appendix D.
constexpr Example kExamples[] = {
    {"2b7e151628aed2a6abf7158809cf4f3c",
     {"bb1d6929e95937287fa37d129b756746", "070a16b46b4d4144f79bdd9dd04a287c",
      "dfa66747de9ae63030ca32611497c827", "51f0bebf7e3b9d92fc49741779363cfe"}},
    {"8e73b0f7da0e6452c810f32b809079e562f8ead2522c6b7b",
     {"d17ddf46adaacde531cac483de7a9367", "9e99a7bf31e710900662f65e617c5184",
      "8a1de5be2eb31aad089a82e6ee908b0e", "a1d5df0eed790f794d77589659f39a11"}},
    {"603deb1015ca71be2b73aef0857d77811f352c073b6108d72d9810a30914dff4",
     {"028962f61b7bf89efc6b551f4667d983", "28a7023f452e8f82bd4bf28d8c37c35c",
      "aaf3d8f1de5640c232f5b169b9c911e6", "e1992190549f6ed5696a2c056c315410"}},
};

TEST(Cmac, Rfc4493AndSp80038b) {
  const Bytes message = hex(kMessage);
  for (const Example& example : kExamples) {
    const Cmac mac = Cmac::create(hex(example.key)).value();
    std::size_t i = 0;
    for (const std::size_t size : {0U, 16U, 40U, 64U}) {
      EXPECT_EQ(hex_encode(mac.sign(ByteView(message).first(size))),
                example.tags[i++])
          << size;
    }
  }
}

Bytes openssl_cmac(const Bytes& key, const Bytes& message) {
  Bytes tag(kCmacBytes);
  std::size_t size = 0;
  EXPECT_NE(EVP_Q_mac(nullptr, "CMAC", nullptr, "AES-256-CBC", nullptr,
                      key.data(), key.size(), message.data(), message.size(),
                      tag.data(), tag.size(), &size),
            nullptr);
  return tag;
}

TEST(Cmac, LongMessagesAgreeWithOpenSsl) {
  const Bytes key(32, 7);
  const Cmac mac = Cmac::create(key).value();
  for (const std::size_t size :
       {15U, 17U, 1023U, 1024U, 1025U, 1040U, 2048U, 2049U, 40000U}) {
    Bytes message(size);
    std::iota(message.begin(), message.end(), std::uint8_t{1});
    EXPECT_EQ(to_bytes(mac.sign(message)), openssl_cmac(key, message)) << size;
  }
}

TEST(Cmac, KeysAreOfAes) {
  for (const std::size_t size : {0U, 15U, 17U, 31U, 33U}) {
    EXPECT_EQ(Cmac::create(Bytes(size)).error().code(),
              ErrorCode::kInvalidArgument);
  }
  Cmac mac = Cmac::create(Bytes(16)).value();
  const CmacTag tag = mac.sign({});
  Cmac moved = std::move(mac);
  EXPECT_EQ(moved.sign({}), tag);
}

TEST(Wycheproof, AesCmac) {
  Wycheproof vectors("aes_cmac_test.json");
  BULLA_SKIP_WITHOUT(vectors);
  int checked = 0;
  vectors.each([&](const JsonElement& group, const JsonElement& test) {
    const auto id = Wycheproof::number(test, "tcId");
    const auto mac = Cmac::create(Wycheproof::hex(test, "key"));
    if (!mac) {
      EXPECT_FALSE(Wycheproof::valid(test)) << id;
      return;
    }
    ++checked;
    const auto bytes =
        static_cast<std::size_t>(Wycheproof::number(group, "tagSize")) / 8;
    const CmacTag tag = mac->sign(Wycheproof::hex(test, "msg"));
    EXPECT_EQ(
        to_bytes(ByteView(tag).first(bytes)) == Wycheproof::hex(test, "tag"),
        Wycheproof::valid(test))
        << id;
  });
  EXPECT_GT(checked, 250);
}

}  // namespace
}  // namespace bulla::crypto
