#include <gtest/gtest.h>

#include "engine/transit/test_support.h"

namespace bulla::engine::transit {
namespace {

using testing::ElementsAre;
using testing::IsEmpty;

constexpr std::string_view kRefused = "refusing to use soft-deleted key";

class KeysSoftDeleteTest : public TransitTest {
 protected:
  Outcome soft_delete(std::string_view name) {
    return call(api::Operation::kDelete,
                fmt::format("keys/{}/soft-delete", name));
  }
  Outcome put_back(std::string_view name) {
    return post(fmt::format("keys/{}/soft-delete-restore", name));
  }
};

TEST_F(KeysSoftDeleteTest, MissingKeysAreNoError) {
  for (const Outcome& outcome : {soft_delete("no"), put_back("no")}) {
    EXPECT_TRUE(outcome.ok);
    EXPECT_FALSE(outcome.response.present);
  }
}

TEST_F(KeysSoftDeleteTest, RepeatsWarn) {
  make_key("k");
  const Outcome first = soft_delete("k");
  must(first);
  EXPECT_EQ(first.at("/soft_deleted"), "true");
  EXPECT_THAT(first.response.warnings, IsEmpty());
  EXPECT_THAT(soft_delete("k").response.warnings,
              ElementsAre("key was already marked as soft deleted"));
  const Outcome back = put_back("k");
  EXPECT_EQ(back.at("/soft_deleted"), "false");
  EXPECT_THAT(back.response.warnings, IsEmpty());
  EXPECT_THAT(put_back("k").response.warnings,
              ElementsAre("key was already restored"));
}

TEST_F(KeysSoftDeleteTest, NothingUsesIt) {
  make_key("k");
  const std::string sealed = encrypt("k", "x");
  const Outcome mac = post("hmac/k", R"({"input":""})");
  const std::string verify =
      fmt::format(R"({{"input":"","hmac":"{}"}})", mac.at("/hmac"));
  must(soft_delete("k"));
  for (const bool again : {false, true}) {
    if (again) restart();
    EXPECT_EQ(encrypt("k", "x"), kRefused);
    EXPECT_EQ(decrypt("k", sealed), kRefused);
    EXPECT_EQ(
        post_error("rewrap/k", fmt::format(R"({{"ciphertext":"{}"}})", sealed)),
        kRefused);
    EXPECT_EQ(post_error("datakey/plaintext/k"), kRefused);
    EXPECT_EQ(post_error("hmac/k", R"({"input":""})"), kRefused);
    EXPECT_EQ(post_error("verify/k", verify), kRefused);
    const Outcome rotated = post("keys/k/rotate");
    EXPECT_EQ(rotated.code, ErrorCode::kInternal);
    EXPECT_EQ(rotated.error, kRefused);
  }
  const Outcome batch =
      post("encrypt/k", R"({"batch_input":[{"plaintext":""}]})");
  EXPECT_EQ(batch.status(), 400);
  EXPECT_EQ(batch.at("/batch_results/0/error"), kRefused);
  must(put_back("k"));
  EXPECT_EQ(decrypt("k", sealed), "x");
  EXPECT_EQ(post_error("verify/k", verify), "ok");
}

// Which refusal is told first: as OpenBao has it.
TEST_F(KeysSoftDeleteTest, NothingTakesItAway) {
  make_key("k");
  must(soft_delete("k"));
  EXPECT_EQ(get("backup/k").error, kRefused);
  EXPECT_EQ(get("export/encryption-key/k").error,
            "private key material is not exportable");
  must(post("keys/k/config",
            R"({"exportable":true,"allow_plaintext_backup":true})"));
  EXPECT_EQ(get("export/encryption-key/k").error, kRefused);
  EXPECT_EQ(get("export/signing-key/k").error, kRefused);
  make_key("dst", R"({"type":"rsa-2048"})");
  EXPECT_EQ(get("byok-export/dst/k").error,
            "for source key: refusing to use soft-deleted key");
}

TEST_F(KeysSoftDeleteTest, ItIsStillKeptAndChanged) {
  make_key("k");
  must(soft_delete("k"));
  EXPECT_EQ(call(api::Operation::kList, "keys").data, R"({"keys":["k"]})");
  // Making it again shows it as it is.
  EXPECT_EQ(post("keys/k").at("/soft_deleted"), "true");
  must(post("keys/k/config", R"({"deletion_allowed":true})"));
  EXPECT_TRUE(call(api::Operation::kDelete, "keys/k").ok);
  EXPECT_FALSE(get("keys/k").response.present);
}

TEST_F(KeysSoftDeleteTest, ItDoesNotRotateByItself) {
  make_key("k", R"({"auto_rotate_period":"1h"})");
  must(soft_delete("k"));
  clock_.time += Seconds(7200);
  backend_->tick(clock_.time);
  EXPECT_EQ(get("keys/k").at("/latest_version"), "1");
}

}  // namespace
}  // namespace bulla::engine::transit
