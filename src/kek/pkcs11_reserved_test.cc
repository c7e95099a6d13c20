// The seal's token, under whatever name it is asked for.

#include "kek/pkcs11_reserved.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "kek/softhsm_test.h"

namespace bulla::kek {
namespace {

using ::testing::HasSubstr;

class Pkcs11ReservedTest : public ::testing::Test {
 protected:
  static Pkcs11Place labelled(std::string label) {
    return {SoftHsm::kModule, std::nullopt, std::move(label)};
  }
  static CK_SLOT_ID slot_of(const std::string& label) {
    return Pkcs11Module::load(SoftHsm::kModule)
        .value()
        ->find_slot(std::nullopt, label)
        .value();
  }
  static std::string refusal(const Pkcs11Reserved& reserved,
                             const Pkcs11Place& wanted) {
    const auto checked = reserved.check(wanted);
    return checked ? std::string() : checked.error().message();
  }
  SoftHsm hsm_{{"seal", "apps"}};
  // While it lives the slots keep their numbers.
  std::shared_ptr<Pkcs11Module> module_ =
      Pkcs11Module::load(SoftHsm::kModule).value();
};

TEST_F(Pkcs11ReservedTest, KnowsItByLabelAndBySlot) {
  const Pkcs11Place by_slot = {SoftHsm::kModule, slot_of("seal"), ""};
  for (const Pkcs11Place& place : {labelled("seal"), by_slot}) {
    Pkcs11Reserved reserved;
    reserved.add("hsm", place);
    for (const Pkcs11Place& wanted : {labelled("seal"), by_slot}) {
      const auto checked = reserved.check(wanted);
      ASSERT_FALSE(checked);
      EXPECT_EQ(checked.error().code(), ErrorCode::kInvalidArgument);
      EXPECT_THAT(checked.error().message(),
                  HasSubstr("is that of the seal \"hsm\""));
    }
    EXPECT_EQ(refusal(reserved, labelled("apps")), "");
  }
}

TEST_F(Pkcs11ReservedTest, KnowsASealThatCannotBeAskedByItsName) {
  Pkcs11Reserved reserved;
  reserved.add("hsm", {"/no/such/module.so", std::nullopt, "apps"});
  EXPECT_THAT(refusal(reserved, labelled("apps")), HasSubstr("seal \"hsm\""));
  EXPECT_EQ(refusal(reserved, labelled("seal")), "");
}

TEST_F(Pkcs11ReservedTest, ATokenThatIsAwayIsNoneOfThem) {
  Pkcs11Reserved reserved;
  EXPECT_TRUE(reserved.check(labelled("gone")));
  reserved.add("hsm", labelled("seal"));
  const auto checked = reserved.check(labelled("gone"));
  ASSERT_FALSE(checked);
  EXPECT_EQ(checked.error().code(), ErrorCode::kUnavailable);
}

}  // namespace
}  // namespace bulla::kek
