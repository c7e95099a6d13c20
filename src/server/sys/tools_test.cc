#include <gmock/gmock.h>

#include "server/sys/sys_fixture.h"

namespace bulla::server {
namespace {

using api::Operation;
using testing::HasSubstr;

class SysTools : public SysFixture {
 protected:
  void SetUp() override { open(); }
  Result<api::Response> post(std::string_view path, std::string_view body) {
    return call(Operation::kUpdate, path, body, root_);
  }
};

TEST_F(SysTools, Random) {
  const auto one = data(post("tools/random", R"({"format":"hex"})"));
  EXPECT_EQ(one.size(), std::string(R"({"random_bytes":""})").size() + 64);
  EXPECT_NE(one, data(post("tools/random", R"({"format":"hex"})")));
  EXPECT_EQ(data(post("tools/random/3", R"({"format":"hex"})")).size(),
            one.size() - 58);
  EXPECT_EQ(data(post("tools/random/all/4", R"({"format":"hex"})")).size(),
            one.size() - 56);
  EXPECT_EQ(error(post("tools/random/0", "{}")),
            "'bytes' cannot be less than 1");
  EXPECT_FALSE(post("tools/random", R"({"format":"octal"})"));
}

TEST_F(SysTools, Hash) {
  EXPECT_EQ(data(post("tools/hash", R"({"input":"YWJj"})")),
            R"({"sum":"ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff6)"
            R"(1f20015ad"})");
  EXPECT_THAT(data(post("tools/hash/sha2-224", R"({"input":"YWJj"})")),
              HasSubstr("23097d223405d8228642a477bda255b3"));
  EXPECT_FALSE(post("tools/hash/md5", R"({"input":"YWJj"})"));
  EXPECT_FALSE(post("tools/hash", R"({"input":"not base64"})"));
}

}  // namespace
}  // namespace bulla::server
