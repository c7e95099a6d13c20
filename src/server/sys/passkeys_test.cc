#include "seal/passkeys.h"

#include <gmock/gmock.h>

#include "kek/env_kek.h"
#include "server/sys/sys_fixture.h"

namespace bulla::server {
namespace {

using api::Operation;
using ::testing::HasSubstr;
using ::testing::Not;

class PasskeysEndpointTest : public SysFixture {
 protected:
  void SetUp() override {
    open();
    providers_ = [this] {
      std::map<kek::KekVersion, SecretBytes> keys;
      keys.emplace(4, SecretBytes::copy_of(Bytes(32, 4)));
      Providers all;
      all.push_back(kek::EnvKek::create("env", keys, rng_).value());
      return all;
    };
    rebuild();
    unseal();
  }
  std::string share_in(const std::string& json) {
    const std::string before = R"("keys":[")";
    const auto at = json.find(before);
    if (at == std::string::npos) return {};
    return json.substr(at + before.size(),
                       json.find('"', at + before.size()) - at - before.size());
  }
};

TEST_F(PasskeysEndpointTest, ShowsWhatThereIs) {
  const auto shown = data(call(Operation::kRead, "passkeys/shamir"));
  EXPECT_THAT(shown, HasSubstr(R"("kind":"shamir")"));
  EXPECT_THAT(shown, HasSubstr(R"("name":"shamir","provider":"")"));
  EXPECT_THAT(shown, HasSubstr(R"("shares":1,"threshold":1)"));
  EXPECT_THAT(shown, HasSubstr(R"("created":"2026-01-02T03:04:05.678Z")"));
  EXPECT_THAT(shown, HasSubstr(R"("check_value":")"));
  EXPECT_TRUE(is_none(call(Operation::kRead, "passkeys/absent")));
  const auto added =
      data(sudo(Operation::kUpdate, "passkeys/kek", R"({"kind":"env"})"));
  EXPECT_THAT(added, HasSubstr(R"("kek_version":4)"));
  EXPECT_THAT(added, Not(HasSubstr("\"keys\"")));
  EXPECT_THAT(data(call(Operation::kList, "passkeys")),
              HasSubstr(R"("keys":["kek","shamir"])"));
  EXPECT_THAT(data(call(Operation::kList, "passkeys", R"({"limit":1})")),
              HasSubstr(R"("keys":["kek"])"));
}

TEST_F(PasskeysEndpointTest, GivesSharesOnce) {
  const auto added =
      data(sudo(Operation::kUpdate, "passkeys/team",
                R"({"kind":"shamir","secret_shares":1,"secret_threshold":1})"));
  const std::string share = share_in(added);
  ASSERT_EQ(share.size(), 64U);
  EXPECT_THAT(data(call(Operation::kRead, "passkeys/team")),
              Not(HasSubstr(share)));
  EXPECT_THAT(data(call(Operation::kUpdate, "passkeys/team/verify",
                        R"({"keys":[")" + share + R"("]})")),
              HasSubstr("last_verified"));
  EXPECT_THAT(error(call(Operation::kUpdate, "passkeys/shamir/verify",
                         R"({"keys":[")" + share + R"("]})")),
              HasSubstr("these shares do not open"));
  EXPECT_EQ(error(call(Operation::kUpdate, "passkeys/team/verify",
                       R"({"keys":["?"]})")),
            "'key' must be a valid hex or base64 string");
  const auto five =
      data(sudo(Operation::kUpdate, "passkeys/five", R"({"kind":"shamir"})"));
  EXPECT_THAT(five, HasSubstr(R"("shares":5,"threshold":3)"));
}

TEST_F(PasskeysEndpointTest, ChangesNeedSudo) {
  for (const auto& [operation, path] :
       {std::pair{Operation::kUpdate, "passkeys/x"},
        std::pair{Operation::kDelete, "passkeys/shamir"},
        std::pair{Operation::kUpdate, "passkeys/shamir/rename"}}) {
    const auto refused =
        call(operation, path, R"({"kind":"env","new_name":"y"})");
    ASSERT_FALSE(refused) << path;
    EXPECT_EQ(refused.error().code(), ErrorCode::kPermissionDenied);
  }
}

TEST_F(PasskeysEndpointTest, RenamesAndDeletes) {
  EXPECT_THAT(data(sudo(Operation::kUpdate, "passkeys/shamir/rename",
                        R"({"new_name":"glass"})")),
              HasSubstr(R"("name":"glass")"));
  EXPECT_THAT(error(sudo(Operation::kDelete, "passkeys/glass")),
              HasSubstr("is the last one that opens"));
  data(sudo(Operation::kUpdate, "passkeys/kek", R"({"kind":"env"})"));
  EXPECT_TRUE(is_none(sudo(Operation::kDelete, "passkeys/glass")));
  EXPECT_TRUE(is_none(sudo(Operation::kDelete, "passkeys/glass")));
  EXPECT_THAT(data(call(Operation::kRead, "seal-status")),
              HasSubstr(R"("type":"env")"));
}

TEST_F(PasskeysEndpointTest, APassphraseUnseals) {
  const std::string body =
      R"({"kind":"passphrase","passphrase":"long enough"})";
  data(sudo(Operation::kUpdate, "passkeys/office", body));
  core_->seal();
  EXPECT_THAT(error(call(Operation::kUpdate, "unseal",
                         R"({"passphrase":"not this one"})")),
              HasSubstr("does not open passkey \"office\""));
  EXPECT_THAT(error(call(Operation::kUpdate, "unseal",
                         R"({"passphrase":"long enough","passkey":"home"})")),
              HasSubstr("no passphrase passkey is called \"home\""));
  EXPECT_THAT(data(call(Operation::kUpdate, "unseal",
                        R"({"passphrase":"long enough","passkey":"office"})")),
              HasSubstr(R"("sealed":false)"));
}

}  // namespace
}  // namespace bulla::server
