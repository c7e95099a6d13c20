#include "audit/redact.h"

#include <gtest/gtest.h>

#include <string>
#include <vector>

namespace bulla::audit {
namespace {

constexpr std::string_view kSalt = "a1b2c3d4-0000-1111-2222-333344445555";

class RedactTest : public testing::Test {
 protected:
  std::string redact(std::string_view json, bool raw = false) {
    const auto element = parse_json(parser_, json);
    EXPECT_TRUE(element) << json;
    std::string out;
    Redactor(hasher_, exempt_, raw).append(out, *element);
    return out;
  }
  std::string hashed(std::string_view value) const {
    return '"' + hasher_.hash(value) + '"';
  }

  JsonParser parser_;
  ValueHasher hasher_{kSalt};
  std::vector<std::string> exempt_;
};

TEST_F(RedactTest, HashesAsTheReferenceDoes) {
  EXPECT_EQ(hasher_.hash("s.abcdefghijklmnopqrstuvwx"),
            "hmac-sha256:"
            "361c2f1fdf329ead54589c681e6b52096c91d0534a8a117689f6d423b3fce475");
}

TEST_F(RedactTest, HashesStringsAtAnyDepthAndNothingElse) {
  EXPECT_EQ(redact(R"({"a":"x","n":-1,"u":18446744073709551615,"d":1.5,)"
                   R"("b":true,"z":null,"o":{"k":["x",[2,"y"],{}]},"e":[]})"),
            R"({"a":)" + hashed("x") +
                R"(,"n":-1,"u":18446744073709551615,"d":1.5,"b":true,)"
                R"("z":null,"o":{"k":[)" +
                hashed("x") + ",[2," + hashed("y") + R"(],{}]},"e":[]})");
}

TEST_F(RedactTest, LeavesTimestampsInClear) {
  EXPECT_EQ(redact(R"(["2026-01-02T03:04:05Z","2026-01-02T03:04:05.6+01:00"])"),
            R"(["2026-01-02T03:04:05Z","2026-01-02T03:04:05.6+01:00"])");
  for (const char* near :
       {"2026-01-02T03:04:05", "2026-13-02T03:04:05Z", "2026-01-02 03:04:05Z",
        "2026-01-02T03:04:05Zx", " 2026-01-02T03:04:05Z"}) {
    EXPECT_EQ(redact('"' + std::string(near) + '"'), hashed(near));
  }
}

TEST_F(RedactTest, ExemptsByTheNearestKey) {
  exempt_ = {"open"};
  EXPECT_EQ(redact(R"({"open":"a\"b","list":{"open":["c",["d"]]},)"
                   R"("shut":{"open":{"inner":"e"}}})"),
            R"({"open":"a\"b","list":{"open":["c",["d"]]},)"
            R"("shut":{"open":{"inner":)" +
                hashed("e") + "}}}");
}

TEST_F(RedactTest, TopLevelScalarsHaveNoKey) {
  exempt_ = {"open"};
  EXPECT_EQ(redact(R"("x")"), hashed("x"));
  EXPECT_EQ(redact(R"(["x"])"), "[" + hashed("x") + "]");
}

TEST_F(RedactTest, RawLeavesAll) {
  EXPECT_EQ(redact(R"({"a":["x",{"b":"y"}]})", true),
            R"({"a":["x",{"b":"y"}]})");
}

TEST_F(RedactTest, UnescapesBeforeItHashes) {
  EXPECT_EQ(redact(R"("\u0041\n")"), hashed("A\n"));
}

TEST_F(RedactTest, ElidesLists) {
  const auto element =
      parse_json(parser_, R"({"keys":["a","b"],"key_info":{"a":{"x":"y"}},)"
                          R"("other":{"keys":["c"]}})");
  ASSERT_TRUE(element);
  std::string out;
  Redactor(hasher_, exempt_, false).append_elided(out, JsonObject(*element));
  EXPECT_EQ(
      out, R"({"keys":2,"key_info":1,"other":{"keys":[)" + hashed("c") + "]}}");
}

}  // namespace
}  // namespace bulla::audit
