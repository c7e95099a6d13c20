#include <gmock/gmock.h>

#include "base/encoding.h"
#include "base/json.h"
#include "crypto/pgp_test_key.h"
#include "server/sys/sys_fixture.h"

namespace bulla::server {
namespace {

using api::Operation;
using ::testing::HasSubstr;
using ::testing::Not;
using ::testing::StartsWith;

class SysRekeyTest : public SysFixture {
 protected:
  /// The string members of that name in `json`, flat.
  static std::string member(const std::string& json, std::string_view name) {
    const std::string opening = "\"" + std::string(name) + "\":\"";
    const auto at = json.find(opening);
    if (at == std::string::npos) return "";
    const auto begin = at + opening.size();
    return json.substr(begin, json.find('"', begin) - begin);
  }
  std::string begin(std::string_view path, std::string_view body) {
    return data(call(Operation::kUpdate, path, body, root_));
  }
  Result<api::Response> give(std::string_view path, std::string_view key,
                             std::string_view nonce) {
    return call(Operation::kUpdate, path,
                "{\"key\":\"" + std::string(key) + "\",\"nonce\":\"" +
                    std::string(nonce) + "\"}",
                root_);
  }
  std::string share() const { return base64_encode(share_.expose()); }
};

TEST_F(SysRekeyTest, GoesThroughBare) {
  open();
  EXPECT_EQ(data(call(Operation::kRead, "rekey/init", {}, root_)),
            R"({"nonce":"","started":false,"t":0,"n":0,"progress":0,)"
            R"("required":1,"pgp_fingerprints":null,"backup":false,)"
            R"("verification_required":false})");
  const auto begun =
      begin("rekey/init", R"({"secret_shares":3,"secret_threshold":2})");
  const std::string nonce = member(begun, "nonce");
  EXPECT_EQ(begun, R"({"nonce":")" + nonce +
                       R"(","started":true,"t":2,"n":3,"progress":0,)"
                       R"("required":1,"pgp_fingerprints":null,)"
                       R"("backup":false,"verification_required":false})");
  const auto done = give("rekey/update", share(), nonce);
  EXPECT_THAT(data(done), StartsWith(R"({"nonce":")" + nonce +
                                     R"(","complete":true,"keys":[")"));
  EXPECT_TRUE(done->bare);
  EXPECT_THAT(data(done), Not(HasSubstr("verification_nonce")));
}

TEST_F(SysRekeyTest, GoesThroughEnvelopedAndVerified) {
  open();
  const auto begun = begin("rotate/root/init",
                           R"({"secret_shares":1,"secret_threshold":1,
                               "require_verification":true})");
  const auto made = give("rotate/root/update", share(), member(begun, "nonce"));
  EXPECT_FALSE(made->bare);
  const std::string nonce = member(data(made), "verification_nonce");
  ASSERT_EQ(nonce.size(), 36U);
  EXPECT_EQ(data(call(Operation::kRead, "rotate/root/verify", {}, root_)),
            R"({"nonce":")" + nonce +
                R"(","started":true,"t":1,"n":1,"progress":0})");
  // One and the same operation behind both families.
  EXPECT_EQ(data(call(Operation::kRead, "rekey/verify", {}, root_)),
            data(call(Operation::kRead, "rotate/root/verify", {}, root_)));
  const auto keys = data(made).substr(data(made).find("\"keys\":[\"") + 9);
  const std::string key = keys.substr(0, keys.find('"'));
  EXPECT_EQ(data(give("rotate/root/verify", key, nonce)),
            R"({"nonce":")" + nonce + R"(","complete":true})");
  core_->seal();
  EXPECT_FALSE(core_->unseal(share_.clone()));
  EXPECT_TRUE(*core_->unseal(SecretBytes::copy_of(*hex_decode(key))));
}

TEST_F(SysRekeyTest, SaysWhatIsMissing) {
  EXPECT_EQ(error(call(Operation::kRead, "rekey/init")),
            "server is not yet initialized");
  open();
  EXPECT_EQ(error(call(Operation::kUpdate, "rekey/update", "{}", root_)),
            "'key' must be specified in request body as JSON");
  EXPECT_EQ(error(call(Operation::kUpdate, "rotate/root/update", "{}", root_)),
            "missing required field 'key'");
  EXPECT_EQ(error(call(Operation::kUpdate, "rotate/root/update",
                       R"({"key":"a"})", root_)),
            "missing required field 'nonce'");
  EXPECT_EQ(error(give("rekey/update", "%", "n")),
            "'key' must be a valid hex or base64 string");
  EXPECT_EQ(error(give("rekey/update", share(), "n")),
            "no barrier rekey in progress");
  EXPECT_EQ(error(call(Operation::kRead, "rekey/verify", {}, root_)),
            "no rekey configuration found");
  EXPECT_EQ(error(give("rekey/verify", share(), "n")), "no rekey in progress");
  EXPECT_EQ(error(give("rotate/root/verify", share(), "n")),
            "no rotation in progress");
  EXPECT_EQ(error(call(Operation::kRead, "rekey/backup", {}, root_)),
            "no backed-up keys found");
  EXPECT_EQ(error(call(Operation::kRead, "rekey-recovery-key/init", {}, root_)),
            "recovery rekeying not supported");
  EXPECT_TRUE(is_none(call(Operation::kUpdate, "rotate/root", {}, root_)));
  EXPECT_TRUE(is_none(call(Operation::kDelete, "rekey/init", {}, root_)));
  core_->seal();
  const auto sealed = call(Operation::kRead, "rekey/init");
  ASSERT_FALSE(sealed);
  EXPECT_EQ(sealed.error().code(), ErrorCode::kSealed);
}

TEST_F(SysRekeyTest, KeepsABackupForTheHolders) {
  open();
  const crypto::PgpTestKey alice("alice");
  const auto begun = begin(
      "rekey/init", R"({"secret_shares":1,"secret_threshold":1,"backup":true,
                        "pgp_keys":[")" +
                        alice.base64() + "\"]}");
  const auto made = data(give("rekey/update", share(), member(begun, "nonce")));
  const auto prints = made.substr(made.find("pgp_fingerprints\":[\"") + 20);
  const std::string fingerprint = prints.substr(0, 40);
  const auto backup = call(Operation::kRead, "rekey/backup", {}, root_);
  EXPECT_THAT(data(backup), HasSubstr("\"keys\":{\"" + fingerprint + "\":[\""));
  EXPECT_TRUE(backup->duplicate_at_top);
  EXPECT_THAT(data(call(Operation::kRead, "rotate/root/backup", {}, root_)),
              HasSubstr(fingerprint));
  EXPECT_TRUE(is_none(call(Operation::kDelete, "rekey/backup", {}, root_)));
  EXPECT_FALSE(call(Operation::kRead, "rekey/backup", {}, root_));
}

TEST_F(SysRekeyTest, NeedsATokenUnlessEveryListenerSaysOtherwise) {
  const auto open_rows = [&] {
    std::vector<std::string> found;
    SysBackend backend(*core_);
    for (const auto& row : backend.routes()) {
      const bool ours = row.pattern.starts_with("rekey") ||
                        row.pattern.starts_with("rotate/") ||
                        row.pattern.starts_with("generate-root");
      if (ours && row.unauthenticated) found.emplace_back(row.pattern);
    }
    std::ranges::sort(found);
    return found;
  };
  EXPECT_THAT(open_rows(), testing::IsEmpty());
  config_.listeners[0].disable_unauthed_rekey_endpoints = false;
  EXPECT_THAT(open_rows(),
              testing::ElementsAre("rekey-recovery-key/init",
                                   "rekey-recovery-key/update",
                                   "rekey-recovery-key/verify", "rekey/init",
                                   "rekey/update", "rekey/verify"));
  config_.listeners.emplace_back();
  EXPECT_THAT(open_rows(), testing::IsEmpty());
  config_.listeners.pop_back();
  config_.listeners[0].disable_unauthed_rekey_endpoints = true;
  config_.listeners[0].disable_unauthed_generate_root_endpoints = false;
  EXPECT_THAT(open_rows(), testing::ElementsAre("generate-root/attempt",
                                                "generate-root/update"));
}

}  // namespace
}  // namespace bulla::server
