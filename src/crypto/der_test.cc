#include "crypto/der.h"

#include <gtest/gtest.h>

#include "base/encoding.h"

namespace bulla::crypto {
namespace {

Bytes hex(std::string_view text) { return hex_decode(text).value(); }

TEST(DerReader, ReadsElementsInTurn) {
  const Bytes der = hex("0201050401aa0500");
  DerReader reader(der);
  EXPECT_FALSE(reader.read(der_tag::kOctetString));
  EXPECT_EQ(to_bytes(reader.read_unsigned().value()), hex("05"));
  EXPECT_TRUE(reader.next_is(der_tag::kOctetString));
  EXPECT_EQ(to_bytes(reader.read_whole(der_tag::kOctetString).value()),
            hex("0401aa"));
  EXPECT_EQ(reader.read(der_tag::kNull)->size(), 0U);
  EXPECT_TRUE(reader.empty());
  EXPECT_FALSE(reader.read(der_tag::kNull));
}

TEST(DerReader, RefusesLengthsThatAreNotDer) {
  for (const char* const text :
       {"04", "0402aa", "0480", "0481", "048101aa", "04820001aa", "0485000000",
        "04840000000", "0484ffffffffaa", "04ff"}) {
    const auto bytes = hex_decode(text);
    if (!bytes) continue;
    DerReader reader(*bytes);
    EXPECT_FALSE(reader.read(der_tag::kOctetString)) << text;
    EXPECT_EQ(reader.rest().size(), bytes->size());
  }
}

TEST(DerReader, IntegersAreMinimal) {
  const auto unsigned_of = [](std::string_view text) -> std::string {
    const Bytes der = hex(text);
    const auto number = DerReader(der).read_unsigned();
    return number ? hex_encode(*number) : "refused";
  };
  EXPECT_EQ(unsigned_of("020100"), "");
  EXPECT_EQ(unsigned_of("02017f"), "7f");
  EXPECT_EQ(unsigned_of("02020080"), "80");
  EXPECT_EQ(unsigned_of("0200"), "refused");
  EXPECT_EQ(unsigned_of("0202007f"), "refused");
  EXPECT_EQ(unsigned_of("020180"), "refused");
  const Bytes negative = hex("020180");
  EXPECT_TRUE(DerReader(negative).read_integer());
  const Bytes padded = hex("0202ff80");
  EXPECT_FALSE(DerReader(padded).read_integer());
}

TEST(DerReader, BitStringsHaveWholeBytes) {
  const Bytes whole = hex("030200aa");
  EXPECT_EQ(to_bytes(DerReader(whole).read_bit_string().value()), hex("aa"));
  for (const char* const text : {"0300", "030204a0"}) {
    const Bytes der = hex(text);
    EXPECT_FALSE(DerReader(der).read_bit_string()) << text;
  }
}

TEST(DerWriter, WritesWhatTheReaderReads) {
  for (const std::size_t size : {0U, 1U, 127U, 128U, 255U, 256U, 65536U}) {
    Bytes buffer(size + 16);
    DerWriter out(buffer);
    const std::size_t end = out.mark();
    out.element(der_tag::kOctetString, Bytes(size, 0xAA));
    out.unsigned_integer(hex("000080"));
    out.header(der_tag::kSequence, end);
    DerReader outer(out.written());
    DerReader reader(outer.read(der_tag::kSequence).value());
    EXPECT_TRUE(outer.empty());
    EXPECT_EQ(to_bytes(reader.read_unsigned().value()), hex("80"));
    EXPECT_EQ(reader.read(der_tag::kOctetString)->size(), size);
  }
}

TEST(DerWriterDeathTest, TheBufferMustHoldIt) {
  Bytes buffer(2);
  EXPECT_DEATH(DerWriter(buffer).element(der_tag::kNull, Bytes(1)),
               "assertion failed");
}

}  // namespace
}  // namespace bulla::crypto
