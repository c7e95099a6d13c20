#include "crypto/pem.h"

#include <gtest/gtest.h>

namespace bulla::crypto {
namespace {

TEST(Pem, WritesLinesOf64Characters) {
  EXPECT_EQ(
      pem_encode("X", Bytes(48, 0)),
      "-----BEGIN X-----\n" + std::string(64, 'A') + "\n-----END X-----\n");
  EXPECT_EQ(pem_encode("X", Bytes(51, 0)), "-----BEGIN X-----\n" +
                                               std::string(64, 'A') +
                                               "\nAAAA\n-----END X-----\n");
  EXPECT_EQ(as_text(pem_encode_secret("X", SecretBytes(3)).expose()),
            "-----BEGIN X-----\nAAAA\n-----END X-----\n");
}

TEST(Pem, ReadsBlocksAndSkipsTextAround) {
  std::string_view text =
      "subject=x\r\n-----BEGIN A B-----\r\nAAAA\r\n AAAA\r\n-----END A "
      "B-----\nissuer\n-----BEGIN C-----\nAQ==\n-----END C-----";
  const auto first = next_pem_block(text);
  ASSERT_TRUE(first);
  EXPECT_EQ(first->label, "A B");
  EXPECT_EQ(pem_contents(*first), Bytes(6));
  const auto second = next_pem_block(text);
  ASSERT_TRUE(second);
  EXPECT_EQ(pem_contents(*second), Bytes{1});
  EXPECT_FALSE(next_pem_block(text));
}

TEST(Pem, RefusesWhatDoesNotEnd) {
  for (std::string_view text :
       {"", "-----BEGIN ", "-----BEGIN A-----\nAAAA\n",
        "-----BEGIN A-----\nAAAA\n-----END B-----\n",
        "-----BEGIN A-----\nAAAA\n-----END A",
        "-----BEGIN A-----\nAAAA-----END A-----\n",
        "x-----BEGIN A-----\nAAAA\n-----END A-----\n",
        "-----BEGIN A\n-----\nAAAA\n-----END A\n-----\n"}) {
    EXPECT_FALSE(next_pem_block(text)) << text;
  }
}

TEST(Pem, ContentsAreBase64Alone) {
  for (const std::string_view body :
       {"", "\n", "\nProc-Type: 4,ENCRYPTED\n\nAAAA\n", "\nAAA\n"}) {
    EXPECT_FALSE(pem_contents({"A", body})) << body;
  }
}

}  // namespace
}  // namespace bulla::crypto
