#include <gmock/gmock.h>

#include "barrier/keyring.h"
#include "server/sys/sys_fixture.h"

namespace bulla::server {
namespace {

using api::Operation;
using ::testing::HasSubstr;

class RotateConfigTest : public SysFixture {
 protected:
  std::string shown() {
    return data(call(Operation::kRead, "rotate/config", {}, root_));
  }
  std::string set_error(std::string_view body) {
    return error(call(Operation::kUpdate, "rotate/config", body, root_));
  }
  std::uint32_t term() { return core_->barrier().key_status()->term; }
};

TEST_F(RotateConfigTest, KeepsWhatIsNotSent) {
  open();
  EXPECT_EQ(shown(),
            R"({"enabled":true,"interval":0,"max_operations":3865470566})");
  EXPECT_TRUE(is_none(call(Operation::kUpdate, "rotate/keyring/config",
                           R"({"interval":"48h"})", root_)));
  EXPECT_EQ(
      shown(),
      R"({"enabled":true,"interval":"48h0m0s","max_operations":3865470566})");
  EXPECT_EQ(set_error(R"({"max_operations":1000000,"enabled":false})"), "");
  EXPECT_EQ(
      shown(),
      R"({"enabled":false,"interval":"48h0m0s","max_operations":1000000})");
  rebuild();
  unseal();
  EXPECT_THAT(shown(), HasSubstr("48h0m0s")) << "stored";
  EXPECT_EQ(set_error(R"({"interval":0})"), "");
  EXPECT_THAT(shown(), HasSubstr(R"("interval":0,)"));
}

TEST_F(RotateConfigTest, RefusesWhatTheContractRefuses) {
  open();
  EXPECT_EQ(set_error(R"({"interval":"1h"})"),
            "interval must be greater or equal to 24h0m0s");
  for (const auto* number : {"999999", "3865470567", "-1"}) {
    EXPECT_EQ(set_error("{\"max_operations\":" + std::string(number) + "}"),
              "max_operations must be in the range [1000000,3865470566]");
  }
  EXPECT_THAT(shown(), HasSubstr("3865470566"));
}

TEST_F(RotateConfigTest, RotatesByTime) {
  open();
  EXPECT_EQ(set_error(R"({"interval":"24h"})"), "");
  core_->tend_keys();
  EXPECT_EQ(term(), 1U);
  clock_.time += Seconds{86'399};
  core_->tend_keys();
  EXPECT_EQ(term(), 1U);
  clock_.time += Seconds{1};
  core_->tend_keys();
  core_->tend_keys();
  EXPECT_EQ(term(), 2U);
  EXPECT_EQ(set_error(R"({"enabled":false})"), "");
  clock_.time += Seconds{1'000'000};
  core_->tend_keys();
  EXPECT_EQ(term(), 2U);
}

TEST_F(RotateConfigTest, RotatesByOperations) {
  open();
  EXPECT_EQ(set_error(R"({"max_operations":1000000})"), "");
  core_->tend_keys();
  EXPECT_EQ(term(), 1U);
  // Each restart that writes counts on from the bound that was reserved ahead.
  constexpr int kFull =
      static_cast<int>(1'000'000 / barrier::Keyring::kReserveAhead);
  int restarts = 0;
  for (; term() == 1 && restarts < 2 * kFull; ++restarts) {
    rebuild();
    unseal();
    ASSERT_TRUE(core_->barrier().put("logical/x", as_bytes("x")));
    core_->tend_keys();
  }
  EXPECT_EQ(term(), 2U);
  EXPECT_GE(restarts, kFull);
  core_->tend_keys();
  EXPECT_EQ(term(), 2U);
}

TEST_F(RotateConfigTest, DoesNothingWhileSealed) {
  core_->tend_keys();
  open();
  core_->seal();
  core_->tend_keys();
  EXPECT_FALSE(call(Operation::kRead, "rotate/config"));
}

TEST(RotationConfig, RefusesEveryTruncationAndNonsense) {
  seal::RotationConfig config;
  config.interval = Seconds{86'400};
  const Bytes bytes = config.serialise();
  EXPECT_EQ(seal::RotationConfig::parse(bytes).value(), config);
  for (std::size_t size = 0; size < bytes.size(); ++size) {
    EXPECT_FALSE(seal::RotationConfig::parse(ByteView(bytes).first(size)));
  }
  config.max_operations = 5;
  EXPECT_FALSE(seal::RotationConfig::parse(config.serialise()));
  config.max_operations = seal::RotationConfig::kOperationsMax;
  config.interval = Seconds{-86'400};
  EXPECT_FALSE(seal::RotationConfig::parse(config.serialise()));
}

}  // namespace
}  // namespace bulla::server
