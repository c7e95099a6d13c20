#include <gmock/gmock.h>

#include "server/sys/sys_fixture.h"

namespace bulla::server {
namespace {

using api::Operation;
using ::testing::HasSubstr;

class RotateTest : public SysFixture {};

TEST_F(RotateTest, AddsATermUnderEitherName) {
  open();
  EXPECT_THAT(data(call(Operation::kRead, "key-status")),
              HasSubstr(R"("install_time":"2026-01-02T03:04:05.678Z",)"
                        R"("term":1})"));
  EXPECT_TRUE(is_none(call(Operation::kUpdate, "rotate")));
  EXPECT_TRUE(is_none(call(Operation::kUpdate, "rotate/keyring")));
  const auto status = call(Operation::kRead, "key-status");
  EXPECT_THAT(data(status), HasSubstr(R"({"encryptions":)"));
  EXPECT_THAT(data(status), HasSubstr(R"("term":3})"));
  EXPECT_TRUE(status->duplicate_at_top);
  rebuild();
  unseal();
  EXPECT_THAT(data(call(Operation::kRead, "key-status")),
              HasSubstr(R"("term":3})"));
}

TEST_F(RotateTest, NeedsSudoAndAnOpenServer) {
  for (const auto* path : {"rotate", "rotate/keyring"}) {
    const api::Route* found = route(path);
    ASSERT_NE(found, nullptr);
    EXPECT_TRUE(found->sudo);
    EXPECT_FALSE(found->unauthenticated || found->while_sealed);
  }
  const auto answer = call(Operation::kUpdate, "rotate");
  ASSERT_FALSE(answer);
  EXPECT_EQ(answer.error().code(), ErrorCode::kSealed);
}

}  // namespace
}  // namespace bulla::server
