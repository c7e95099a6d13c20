#include <gmock/gmock.h>

#include "server/sys/sys_fixture.h"

namespace bulla::server {
namespace {

using api::Operation;
using testing::HasSubstr;

class SysCapabilities : public SysFixture {
 protected:
  void SetUp() override {
    open();
    ASSERT_TRUE(core_->policies().set(
        "p", R"(path "secret/a" { capabilities = ["update", "read", "sudo"] }
                path "secret/no" { capabilities = ["deny"] })"));
    token_ = make_token({"p"});
  }
  Result<api::Response> ask(std::string_view path, std::string_view body,
                            std::string_view token = {}) {
    return call(Operation::kUpdate, path, body,
                token.empty() ? std::string_view(root_) : token);
  }
  std::string token_;
};

TEST_F(SysCapabilities, OfSelf) {
  const auto one = ask("capabilities-self", R"({"path":"secret/a"})", token_);
  EXPECT_TRUE(one->duplicate_at_top);
  EXPECT_EQ(data(one), R"({"capabilities":["read","sudo","update"],)"
                       R"("secret/a":["read","sudo","update"]})");
  EXPECT_EQ(
      data(ask("capabilities-self",
               R"({"paths":"secret/a, secret/no,/secret/a,other"})", token_)),
      R"({"/secret/a":["read","sudo","update"],"other":["deny"],)"
      R"("secret/a":["read","sudo","update"],"secret/no":["deny"]})");
  EXPECT_EQ(data(ask("capabilities-self", R"({"paths":["x"]})")),
            R"({"capabilities":["root"],"x":["root"]})");
}

TEST_F(SysCapabilities, OfATokenAndAnAccessor) {
  EXPECT_EQ(data(ask("capabilities", "{\"token\":\"" + token_ +
                                         "\",\"paths\":[\"secret/no\"]}")),
            R"({"capabilities":["deny"],"secret/no":["deny"]})");
  const auto found = core_->tokens().lookup(token_, true);
  ASSERT_TRUE(found);
  EXPECT_THAT(data(ask("capabilities-accessor",
                       "{\"accessor\":\"" + (*found)->accessor +
                           "\",\"paths\":[\"secret/a\"]}")),
              HasSubstr(R"(["read","sudo","update"])"));
}

TEST_F(SysCapabilities, RefusesInTheReferencesWords) {
  EXPECT_EQ(error(ask("capabilities-self", "{}")), "paths must be supplied");
  EXPECT_EQ(error(ask("capabilities-self", R"({"paths":[]})")),
            "paths must be supplied");
  const auto none = ask("capabilities", R"({"paths":["x"]})");
  ASSERT_FALSE(none);
  EXPECT_EQ(none.error().code(), ErrorCode::kInternal);
  EXPECT_EQ(none.error().message(), "no token found");
  EXPECT_EQ(error(ask("capabilities", R"({"token":"s.no","paths":["x"]})")),
            "1 error occurred:\n\t* invalid token\n\n");
  EXPECT_EQ(error(ask("capabilities-accessor", R"({"paths":["x"]})")),
            "missing accessor");
  EXPECT_EQ(
      error(ask("capabilities-accessor", R"({"accessor":"no","paths":["x"]})")),
      "1 error occurred:\n\t* invalid accessor\n\n");
}

}  // namespace
}  // namespace bulla::server
