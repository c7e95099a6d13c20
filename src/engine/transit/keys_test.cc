// Creating, showing, listing and deleting keys.

#include <gtest/gtest.h>

#include "engine/transit/test_support.h"

namespace bulla::engine::transit {
namespace {

class KeysTest : public TransitTest {};

TEST_F(KeysTest, AFreshKeysBody) {
  const Outcome made = post("keys/k");
  must(made);
  EXPECT_EQ(
      made.data,
      R"({"allow_plaintext_backup":false,"auto_rotate_period":0,)"
      R"("deletion_allowed":false,"derived":false,"exportable":false,)"
      R"("imported_key":false,"keys":{"1":1700000000},"latest_version":1,)"
      R"("max_operations":4026531840,)"
      R"("min_available_version":0,"min_decryption_version":1,)"
      R"("min_encryption_version":0,"name":"k","operations":{"1":0},)"
      R"("soft_deleted":false,)"
      R"("supports_decryption":true,"supports_derivation":true,)"
      R"("supports_encryption":true,"supports_signing":false,)"
      R"("type":"aes256-gcm96"})");
  EXPECT_EQ(get("keys/k").data, made.data);
  EXPECT_TRUE(made.response.warnings.empty());
}

TEST_F(KeysTest, DerivedAndConvergentBodies) {
  make_key("d", R"({"derived":true,"convergent_encryption":true})");
  const Outcome body = get("keys/d");
  EXPECT_EQ(body.at("/kdf"), "hkdf_sha256");
  EXPECT_EQ(body.at("/kdf_mode"), "<absent>");
  EXPECT_EQ(body.at("/convergent_encryption"), "true");
  EXPECT_EQ(body.at("/convergent_encryption_version"), "-1");
  make_key("p", R"({"derived":true})");
  EXPECT_EQ(get("keys/p").at("/convergent_encryption"), "false");
  EXPECT_EQ(get("keys/p").at("/convergent_encryption_version"), "<absent>");
  plant("old", KeyType::kAes256Gcm96, counting(32), true, false, Kdf::kCounter);
  EXPECT_EQ(get("keys/old").at("/kdf"), "hmac-sha256-counter");
  EXPECT_EQ(get("keys/old").at("/kdf_mode"), "hmac-sha256-counter");
}

TEST_F(KeysTest, HmacKeysHaveASizeAndShowNoVersions) {
  make_key("m", R"({"type":"hmac","key_size":64})");
  EXPECT_EQ(get("keys/m").at("/key_size"), "64");
  EXPECT_EQ(get("keys/m").at("/keys"), "<absent>");
  EXPECT_EQ(get("keys/m").at("/supports_encryption"), "false");
  make_key("n", R"({"type":"hmac"})");
  EXPECT_EQ(get("keys/n").at("/key_size"), "32");
}

TEST_F(KeysTest, CreateRefusals) {
  const auto error = [&](std::string_view body) {
    return post_error("keys/k", body);
  };
  EXPECT_EQ(error(R"({"type":"rsa-2048x"})"), "unknown key type rsa-2048x");
  EXPECT_EQ(error(R"({"external_key_ref":"x"})"),
            "must provide type=external-key to use external_key_ref");
  EXPECT_EQ(error(R"({"convergent_encryption":true})"),
            "convergent encryption requires derivation to be enabled");
  EXPECT_EQ(error(R"({"auto_rotate_period":"59m"})"),
            "auto rotate period must be 0 to disable or at least an hour");
  EXPECT_EQ(error(R"({"key_size":32})"),
            "key_size is not valid for algorithm aes256-gcm96");
  EXPECT_EQ(error(R"({"type":"hmac","key_size":31})"), "invalid key_size 31");
  EXPECT_EQ(error(R"({"type":"hmac","key_size":513})"), "invalid key_size 513");
  const Outcome derived = post("keys/k", R"({"type":"hmac","derived":true})");
  EXPECT_EQ(derived.code, ErrorCode::kInternal);
  EXPECT_EQ(derived.error,
            "key derivation and convergent encryption not supported for keys "
            "of type hmac");
  EXPECT_FALSE(get("keys/k").response.present);
  EXPECT_EQ(post("keys/" + std::string(257, 'x')).code,
            ErrorCode::kInvalidArgument);
}

TEST_F(KeysTest, CreatingAgainChangesNothing) {
  make_key("k", R"({"exportable":true})");
  const std::string sealed = encrypt("k", "x");
  const Outcome again = post("keys/k", R"({"type":"chacha20-poly1305"})");
  must(again);
  EXPECT_EQ(again.at("/type"), "aes256-gcm96");
  EXPECT_EQ(again.at("/exportable"), "true");
  EXPECT_THAT(again.response.warnings,
              testing::ElementsAre("key k already existed"));
  EXPECT_EQ(decrypt("k", sealed), "x");
}

TEST_F(KeysTest, ReadingWithABadContext) {
  make_key("k");
  api::Context context = request_context(loop_);
  EXPECT_EQ(run(*backend_, context, api::Operation::kRead, "keys/k",
                R"({"context":"!"})")
                .error,
            "failed to base64-decode context");
  EXPECT_FALSE(get("keys/absent").response.present);
}

TEST_F(KeysTest, ListIsSortedAndPaged) {
  EXPECT_FALSE(call(api::Operation::kList, "keys").response.present);
  for (const char* name : {"b", "a.b", "c-c", "a"}) make_key(name);
  EXPECT_EQ(call(api::Operation::kList, "keys").data,
            R"({"keys":["a","a.b","b","c-c"]})");
  EXPECT_EQ(
      call(api::Operation::kList, "keys", R"({"after":"a","limit":2})").data,
      R"({"keys":["a.b","b"]})");
  EXPECT_EQ(call(api::Operation::kList, "keys", R"({"limit":-1})").data,
            R"({"keys":["a","a.b","b","c-c"]})");
}

TEST_F(KeysTest, DeleteNeedsPermission) {
  make_key("k");
  const auto erase = [&] { return call(api::Operation::kDelete, "keys/k"); };
  EXPECT_EQ(erase().error,
            "error deleting policy k: deletion is not allowed for this key");
  must(post("keys/k/config", R"({"deletion_allowed":true})"));
  const std::string sealed = encrypt("k", "x");
  EXPECT_TRUE(erase().ok);
  EXPECT_EQ(erase().error,
            "error deleting policy k: could not delete key; not found");
  EXPECT_EQ(decrypt("k", sealed), "encryption key not found");
  EXPECT_EQ(stored_versions("k"), 0U);
  EXPECT_TRUE(view_.list("purge/").value().empty());
  // A namesake is another key.
  make_key("k");
  EXPECT_EQ(decrypt("k", sealed), "cipher: message authentication failed");
}

TEST_F(KeysTest, DeletionIsSeenByEveryThreadsCache) {
  make_key("k", "{}");
  must(post("keys/k/config", R"({"deletion_allowed":true})"));
  api::LoopState other;
  api::Context context = request_context(other);
  const auto use = [&] {
    return run(*backend_, context, api::Operation::kUpdate, "hmac/k",
               R"({"input":""})");
  };
  EXPECT_TRUE(use().ok);
  must(call(api::Operation::kDelete, "keys/k"));
  EXPECT_EQ(use().error, "encryption key not found");
}

}  // namespace
}  // namespace bulla::engine::transit
