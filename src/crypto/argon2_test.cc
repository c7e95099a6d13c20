#include "crypto/argon2.h"

#include <gtest/gtest.h>

#include "base/encoding.h"

namespace bulla::crypto {
namespace {

std::string derived(const Argon2Input& input, const Argon2Cost& cost,
                    std::size_t size = 32) {
  const auto key = argon2id(input, cost, size);
  return key ? hex_encode(key->expose()) : key.error().message();
}

TEST(Argon2id, GivesTheVectorOfRfc9106) {
  // Section 5.3.
  const Bytes password(32, 1);
  const Bytes salt(16, 2);
  const Bytes secret(8, 3);
  const Bytes data(12, 4);
  EXPECT_EQ(derived({password, salt, secret, data},
                    {.memory_kib = 32, .passes = 3, .lanes = 4}),
            "0d640df58d78766c08c037a34a8b53c9d01ef0452d75b65eb52520e96b01e659");
}

TEST(Argon2id, GivesTheVectorsOfTheReferenceImplementation) {
  // phc-winner-argon2, src/test.c, version 0x13.
  const Argon2Input input{as_bytes("password"), as_bytes("somesalt"), {}, {}};
  EXPECT_EQ(derived(input, {.memory_kib = 256, .passes = 2, .lanes = 1}),
            "9dfeb910e80bad0311fee20f9c0e2b12c17987b4cac90c2ef54d5b3021c68bfe");
  EXPECT_EQ(derived(input, {.memory_kib = 256, .passes = 2, .lanes = 2}),
            "6d093c501fd5999645e0ea3bf620d7b8be7fd2db59c20d9fff9539da2bf57037");
  EXPECT_EQ(derived(input, {.memory_kib = 65536, .passes = 1, .lanes = 1}),
            "f6a5adc1ba723dddef9b5ac1d464e180fcd9dffc9d1cbf76cca2fed795d9ca98");
}

TEST(Argon2id, RefusesWhatTheStandardDoes) {
  const Bytes salt(16, 2);
  const Argon2Input good{as_bytes("x"), salt, {}, {}};
  const auto code = [&](const Argon2Input& input, const Argon2Cost& cost) {
    const auto key = argon2id(input, cost, 32);
    return key ? ErrorCode::kInternal : key.error().code();
  };
  EXPECT_EQ(code(good, {.memory_kib = 7}), ErrorCode::kInvalidArgument);
  EXPECT_EQ(code(good, {.memory_kib = 64, .passes = 0}),
            ErrorCode::kInvalidArgument);
  EXPECT_EQ(code(good, {.memory_kib = 64, .lanes = 0}),
            ErrorCode::kInvalidArgument);
  EXPECT_EQ(code({as_bytes("x"), as_bytes("short"), {}, {}}, {}),
            ErrorCode::kInvalidArgument);
}

}  // namespace
}  // namespace bulla::crypto
