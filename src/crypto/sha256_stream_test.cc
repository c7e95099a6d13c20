#include "crypto/sha256_stream.h"

#include <gtest/gtest.h>

#include "base/encoding.h"

namespace bulla::crypto {
namespace {

// FIPS 180-4's examples.
TEST(Sha256Stream, IsSha256HoweverItIsCut) {
  Sha256Stream stream;
  EXPECT_EQ(hex_encode(stream.digest()),
            "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855");
  stream.update(as_bytes("a"));
  stream.update({});
  stream.update(as_bytes("bc"));
  EXPECT_EQ(hex_encode(stream.digest()),
            "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad");
  const std::string million(1'000'000, 'a');
  Sha256Stream long_one;
  for (std::size_t at = 0, n = 1; at < million.size(); at += n, n += 7) {
    long_one.update(as_bytes(std::string_view(million).substr(at, n)));
  }
  EXPECT_EQ(long_one.digest(), sha256(as_bytes(million)));
}

}  // namespace
}  // namespace bulla::crypto
