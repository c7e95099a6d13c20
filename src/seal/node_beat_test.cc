#include "seal/node_beat.h"

#include <gtest/gtest.h>

#include "base/encoding.h"

namespace bulla::seal {
namespace {

NodeBeat sample() {
  NodeBeat beat;
  beat.name = "host/127.0.0.1:8200";
  beat.seen = from_unix_nanos(7);
  beat.loaded = {{{"env", "main"}, {1, 2}}, {{"static", "static"}, {1}}};
  return beat;
}

// Golden: docs/formats/seal.md.
TEST(NodeBeat, HasTheDocumentedBytesAndRoundTrips) {
  NodeBeat beat = sample();
  beat.loaded.pop_back();
  EXPECT_EQ(hex_encode(beat.serialise()),
            "01"
            "00000013686f73742f3132372e302e302e313a38323030"
            "0000000000000007"
            "00000001"
            "00000003656e76"
            "000000046d61696e"
            "00000002"
            "00000001"
            "00000002");
  const auto parsed = NodeBeat::parse(sample().serialise());
  ASSERT_TRUE(parsed);
  EXPECT_EQ(parsed->serialise(), sample().serialise());
  EXPECT_TRUE(parsed->has({"env", "main"}, 2));
  EXPECT_FALSE(parsed->has({"env", "main"}, 3));
  EXPECT_FALSE(parsed->has({"env", "other"}, 1));
  EXPECT_EQ(NodeBeat::path_of("host/127.0.0.1:8200"),
            "core/nodes/57cdebbcbce9aba7a541b5a4842f76ac");
}

TEST(NodeBeat, RefusesHostileRecords) {
  const Bytes bytes = sample().serialise();
  for (std::size_t n = 0; n < bytes.size(); ++n) {
    const auto parsed = NodeBeat::parse(ByteView(bytes).first(n));
    ASSERT_FALSE(parsed) << n;
    EXPECT_EQ(parsed.error().code(), ErrorCode::kCorrupt);
  }
  NodeBeat beat = sample();
  beat.name.clear();
  EXPECT_FALSE(NodeBeat::parse(beat.serialise()));
  beat = sample();
  beat.loaded[0].versions = {2, 1};
  EXPECT_FALSE(NodeBeat::parse(beat.serialise()));
  beat.loaded[0].versions = {1, 1};
  EXPECT_FALSE(NodeBeat::parse(beat.serialise()));
  beat = sample();
  beat.loaded[0].id.kind.clear();
  EXPECT_FALSE(NodeBeat::parse(beat.serialise()));
  beat.loaded.assign(SealConfig::kProvidersMax + 1, {{"a", "b"}, {}});
  EXPECT_FALSE(NodeBeat::parse(beat.serialise()));
}

}  // namespace
}  // namespace bulla::seal
