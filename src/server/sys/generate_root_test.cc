#include <gmock/gmock.h>

#include "base/encoding.h"
#include "crypto/pgp_test_key.h"
#include "server/sys/sys_fixture.h"

namespace bulla::server {
namespace {

using api::Operation;
using ::testing::HasSubstr;

constexpr std::string_view kOtp = "0123456789abcdefghijklmnop";

class GenerateRootTest : public SysFixture {
 protected:
  RootGeneration& generation() { return core_->root_generation(); }
  std::string update_error(SecretBytes share, std::string_view nonce,
                           bool trusted = true) {
    const auto answer = generation().update(std::move(share), nonce, trusted);
    return answer ? "" : answer.error().message();
  }
  std::string decode(const std::string& encoded, std::string_view otp) {
    const auto json = data(call(Operation::kUpdate, "decode-token",
                                R"({"encoded_token":")" + encoded +
                                    R"(","otp":")" + std::string(otp) + "\"}"));
    const std::string opening = R"({"token":")";
    EXPECT_TRUE(json.starts_with(opening)) << json;
    return json.substr(opening.size(), json.size() - opening.size() - 2);
  }
  void expect_root(const std::string& token) {
    const auto found = core_->tokens().lookup(token, true);
    ASSERT_TRUE(found);
    EXPECT_TRUE((*found)->is_root());
    EXPECT_EQ((*found)->path, "auth/token/root");
    EXPECT_EQ((*found)->display_name, "root");
  }
};

TEST_F(GenerateRootTest, DecodesTheDocumentedVector) {
  open();
  EXPECT_EQ(decode("Qx9zcXdxc3F/cSgoKCgoKCg4ODg4ODg4OCg", kOtp),
            "s.ABCDEFGHIJKLMNOPQRSTUVWX");
  EXPECT_THAT(error(call(Operation::kUpdate, "decode-token",
                         R"({"encoded_token":"AAAA","otp":"x"})")),
              HasSubstr("length"));
  EXPECT_THAT(error(call(Operation::kUpdate, "decode-token", "{}")),
              HasSubstr("is empty"));
}

TEST_F(GenerateRootTest, MakesARootTokenForWhoHasThePassword) {
  open();
  EXPECT_EQ(data(call(Operation::kRead, "generate-root/attempt", {}, root_)),
            R"({"nonce":"","started":false,"progress":0,"required":1,)"
            R"("complete":false,"encoded_token":"","encoded_root_token":"",)"
            R"("pgp_fingerprint":"","otp":"","otp_length":26})");
  const auto begun = generation().begin({}, {});
  ASSERT_TRUE(begun);
  EXPECT_EQ(begun->otp.size(), RootGeneration::kOtpBytes);
  EXPECT_EQ(generation().status(true)->otp, "") << "shown this once";
  const auto done = generation().update(share_.clone(), begun->nonce, true);
  ASSERT_TRUE(done) << done.error().message();
  EXPECT_TRUE(done->complete);
  EXPECT_EQ(done->progress, 1U);
  expect_root(decode(done->encoded_token, begun->otp));
  EXPECT_FALSE(generation().status(true)->started);
}

TEST_F(GenerateRootTest, EncryptsToAnOpenPgpKey) {
  open();
  const crypto::PgpTestKey alice("alice");
  const auto begun = generation().begin({}, alice.base64());
  ASSERT_TRUE(begun) << begun.error().message();
  EXPECT_EQ(begun->fingerprint.size(), 40U);
  EXPECT_EQ(begun->otp, "");
  const auto done = generation().update(share_.clone(), begun->nonce, true);
  ASSERT_TRUE(done);
  expect_root(alice.decrypt(*base64_decode(done->encoded_token)));
  EXPECT_FALSE(generation().begin({}, "no key"));
}

TEST_F(GenerateRootTest, RefusesInTheContractsWords) {
  open();
  EXPECT_EQ(update_error(share_.clone(), "n"),
            "no root generation in progress");
  EXPECT_EQ(generation().begin("short", {}).error().message(),
            "OTP string has incorrect length");
  const auto begun = generation().begin(kOtp, {});
  ASSERT_TRUE(begun);
  EXPECT_EQ(generation().begin(kOtp, {}).error().message(),
            "root generation already in progress");
  EXPECT_EQ(update_error(share_.clone(), "n"),
            "incorrect nonce supplied; nonce for this root generation "
            "operation is \"" +
                begun->nonce + "\"");
  EXPECT_EQ(update_error(SecretBytes(3), begun->nonce),
            "invalid key: key is shorter than minimum 16 bytes");
  EXPECT_THAT(update_error(SecretBytes(32), begun->nonce),
              HasSubstr("root generation aborted: unseal key verification "
                        "failed"));
  // The attempt is still open, and so is its password.
  EXPECT_EQ(generation().status(true)->progress, 0U);
  const auto done = generation().update(share_.clone(), begun->nonce, true);
  ASSERT_TRUE(done);
  expect_root(decode(done->encoded_token, kOtp));
  EXPECT_EQ(
      error(call(Operation::kUpdate, "generate-root/update", "{}", root_)),
      "'key' must be specified in request body as JSON");
}

// Where no token is asked for, the nonce is what keeps strangers out.
TEST_F(GenerateRootTest, AStrangerCannotStarveTheQuorum) {
  open();
  const auto begun = generation().begin(kOtp, {});
  ASSERT_TRUE(begun);
  EXPECT_EQ(generation().status(false)->nonce, "");
  EXPECT_EQ(update_error(share_.clone(), "n", false),
            "incorrect nonce supplied");
  EXPECT_FALSE(generation().cancel({}, false));
  EXPECT_FALSE(generation().cancel("guess", false));
  EXPECT_TRUE(generation().status(true)->started);
  EXPECT_TRUE(generation().cancel(begun->nonce, false));
  ASSERT_TRUE(generation().begin(kOtp, {}));
  EXPECT_TRUE(generation().cancel({}, true)) << "with a token";
  ASSERT_TRUE(generation().begin(kOtp, {}));
  clock_.time += RootGeneration::kCancelGuard;
  EXPECT_TRUE(generation().cancel({}, false)) << "given up by its beginner";
  EXPECT_TRUE(
      is_none(call(Operation::kDelete, "generate-root/attempt", {}, root_)));
}

TEST_F(GenerateRootTest, SealingDropsTheAttempt) {
  open();
  ASSERT_TRUE(generation().begin(kOtp, {}));
  core_->seal();
  EXPECT_FALSE(generation().status(true));
  unseal();
  EXPECT_FALSE(generation().status(true)->started);
}

TEST_F(GenerateRootTest, TheEnvelopedFormIsTheSame) {
  open();
  const auto begun = call(Operation::kUpdate, "generate-root-token/attempt",
                          R"({"otp":")" + std::string(kOtp) + "\"}", root_);
  EXPECT_FALSE(begun->bare);
  const std::string nonce = generation().status(true)->nonce;
  const auto done = call(Operation::kUpdate, "generate-root-token/update",
                         R"({"nonce":")" + nonce + R"(","key":")" +
                             hex_encode(share_.expose()) + "\"}",
                         root_);
  EXPECT_THAT(data(done), HasSubstr(R"("complete":true)"));
}

}  // namespace
}  // namespace bulla::server
