#include "snapshot/reader.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "base/encoding.h"
#include "snapshot/test_support.h"

namespace bulla::snapshot {
namespace {

using ::testing::HasSubstr;

Header golden_header() {
  Header header;
  header.installation = "i";
  header.taken = from_unix_nanos(3);
  header.server_version = "0.1.0";
  header.storage = "lmdb";
  header.passkeys = {{"main", "static", "hsm", 7, "k1", 0, 0,
                      from_unix_nanos(1), from_unix_nanos(2)}};
  return header;
}

Bytes golden() {
  Bytes out;
  auto writer = Writer::begin(into(out), golden_header()).value();
  EXPECT_TRUE(writer.add("a", as_bytes("one")));
  EXPECT_TRUE(writer.add("b/c", {}));
  const auto summary = writer.finish().value();
  EXPECT_EQ(summary.entries, 2U);
  EXPECT_EQ(summary.bytes, out.size());
  EXPECT_EQ(hex_encode(summary.sha256),
            hex_encode(ByteView(out).last(crypto::kSha256Bytes)));
  return out;
}

/// Reads to the end; the error, or kInternal for none.
Result<Summary> read_all(ByteView bytes) {
  TRY_ASSIGN(auto reader, Reader::open(source_of(bytes)));
  while (true) {
    TRY_ASSIGN(const auto item, reader.next());
    if (!item) return reader.summary();
  }
}

TEST(Snapshot, IsWhatThePageSays) {
  EXPECT_EQ(hex_encode(golden()),
            "42554c4c41534e50"
            "00000001"
            "0000005d"
            "0000000169"
            "0000000000000003"
            "00000005302e312e30"
            "000000046c6d6462"
            "00000001"
            "000000046d61696e"
            "00000006737461746963"
            "0000000368736d"
            "00000007"
            "000000026b31"
            "00000000"
            "00000000"
            "0000000000000001"
            "0000000000000002"
            "b9c65eb4d82697a7ae8bb5c002b3df16579cdc3cc99ce6fe8b24bac50b500dd7"
            "00000017"
            "0000000161"
            "000000036f6e65"
            "00000003622f63"
            "00000000"
            "6b544b528365e5987eac11f632795b84dce70a65919bfef6938e4c5fabfb2897"
            "00000000"
            "0000000000000002"
            "df7e1a8b7b3fac827445b040cd2260b1bc15783f3cd906d9c76fee66dc3361fa");
}

TEST(Snapshot, ReadsWhatItWrote) {
  const Bytes bytes = golden();
  auto reader = Reader::open(source_of(bytes)).value();
  EXPECT_EQ(reader.header(), golden_header());
  auto item = reader.next().value();
  ASSERT_TRUE(item);
  EXPECT_EQ(item->path, "a");
  EXPECT_EQ(as_text(item->value), "one");
  item = reader.next().value();
  ASSERT_TRUE(item);
  EXPECT_EQ(item->path, "b/c");
  EXPECT_TRUE(item->value.empty());
  EXPECT_FALSE(reader.next().value());
  EXPECT_FALSE(reader.next().value());
  EXPECT_EQ(reader.summary().entries, 2U);
  EXPECT_EQ(reader.summary().bytes, bytes.size());
}

TEST(Snapshot, IsRefusedCutShortAnywhere) {
  const Bytes bytes = golden();
  for (std::size_t size = 0; size < bytes.size(); ++size) {
    const auto read = read_all(ByteView(bytes).first(size));
    ASSERT_FALSE(read) << size;
    EXPECT_EQ(read.error().code(), ErrorCode::kCorrupt) << size;
  }
  Bytes longer = bytes;
  longer.push_back(0);
  EXPECT_THAT(read_all(longer).error().message(), HasSubstr("follows its end"));
}

TEST(Snapshot, IsRefusedAlteredAnywhere) {
  const Bytes bytes = golden();
  for (std::size_t at = 0; at < bytes.size(); ++at) {
    for (const std::uint8_t mask : {0x01, 0x80}) {
      Bytes altered = bytes;
      altered[at] ^= mask;
      const auto read = read_all(altered);
      ASSERT_FALSE(read) << at;
      const bool newer = read.error().code() == ErrorCode::kUnsupported;
      EXPECT_TRUE(newer || read.error().code() == ErrorCode::kCorrupt) << at;
    }
  }
}

TEST(Snapshot, KeepsManyAndLargeEntries) {
  Bytes out;
  auto writer = Writer::begin(into(out), golden_header()).value();
  const Bytes largest(storage::Storage::kValueBytesMax, 'v');
  const std::string longest(storage::Storage::kPathBytesMax - 1, 'p');
  for (int i = 0; i < 4; ++i) {
    ASSERT_TRUE(writer.add(longest + std::to_string(i), largest));
  }
  for (int i = 10'000; i < 20'000; ++i) {
    ASSERT_TRUE(writer.add("q" + std::to_string(i), Bytes(100, 'w')));
  }
  ASSERT_TRUE(writer.finish());
  const auto read = read_all(out);
  ASSERT_TRUE(read) << read.error().message();
  EXPECT_EQ(read->entries, 10'004U);
}

TEST(Snapshot, RefusesWhatTheWriterWouldNotWrite) {
  // Two chunks where one was due, each with a digest that holds.
  Bytes one;
  auto writer = Writer::begin(into(one), golden_header()).value();
  const std::size_t head = one.size();
  ASSERT_TRUE(writer.add("a", {}));
  ASSERT_TRUE(writer.finish());
  Bytes two = one;
  two.resize(head);
  for (const char name : {'a', 'b'}) {
    Bytes chunk(4 + 4 + 1 + 4);
    put_be32(chunk.data(), 9);
    put_be32(chunk.data() + 4, 1);
    chunk[8] = static_cast<std::uint8_t>(name);
    const auto digest = crypto::sha256(chunk);
    two.insert(two.end(), chunk.begin(), chunk.end());
    two.insert(two.end(), digest.begin(), digest.end());
  }
  EXPECT_THAT(read_all(two).error().message(),
              HasSubstr("a chunk of impossible length"));
  Bytes out;
  auto disorder = Writer::begin(into(out), golden_header()).value();
  ASSERT_TRUE(disorder.add("b", {}));
  ASSERT_TRUE(disorder.add("a", {}));
  ASSERT_TRUE(disorder.finish());
  EXPECT_THAT(read_all(out).error().message(), HasSubstr("out of order"));
}

TEST(Snapshot, NamesAFormatThatIsNewer) {
  Bytes bytes = golden();
  bytes[11] = 2;
  const auto read = read_all(bytes);
  ASSERT_FALSE(read);
  EXPECT_EQ(read.error().code(), ErrorCode::kUnsupported);
  EXPECT_EQ(read_all(as_bytes("hello")).error().message(),
            "this is no snapshot of Bulla");
}

}  // namespace
}  // namespace bulla::snapshot
