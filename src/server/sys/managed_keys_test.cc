#include <gmock/gmock.h>

#include <atomic>
#include <chrono>
#include <thread>

#include "kek/softhsm_test.h"
#include "server/sys/sys_fixture.h"

namespace bulla::server {
namespace {

using api::Operation;
using testing::HasSubstr;
using testing::Not;

constexpr std::string_view kPath = "managed-keys/pkcs11/k";

class ManagedKeysTest : public SysFixture {
 protected:
  ManagedKeysTest() {
    config_.kms_libraries = {{"hsm", kek::SoftHsm::kModule}};
    rebuild();
    open();
  }
  static std::string body(std::string_view more = {}) {
    return fmt::format(R"({{"library":"hsm","token_label":"apps","pin":"1234",)"
                       R"("key_label":"k","mechanism":"CKM_ECDSA",)"
                       R"("allow_generate_key":true,"any_mount":true{}}})",
                       more);
  }
  std::string write(std::string_view json) {
    return error(call(Operation::kUpdate, kPath, json));
  }

  kek::SoftHsm hsm_{{"apps"}};
};

TEST_F(ManagedKeysTest, IsShownWithoutItsPin) {
  EXPECT_TRUE(is_none(call(Operation::kList, "managed-keys/pkcs11")));
  EXPECT_TRUE(is_none(call(Operation::kRead, kPath)));
  EXPECT_EQ(write(body(R"(,"usages":["verify","sign","sign"])")), "");
  const std::string shown = data(call(Operation::kRead, kPath));
  EXPECT_THAT(shown, HasSubstr(R"("pin":"redacted")"));
  EXPECT_THAT(shown, HasSubstr(R"("usages":["sign","verify"])"));
  EXPECT_THAT(shown, HasSubstr(R"("allow_generate_key":true)"));
  EXPECT_THAT(shown, Not(HasSubstr("1234")));
  EXPECT_EQ(data(call(Operation::kList, "managed-keys/pkcs11")),
            R"({"keys":["k"]})");
  core_->seal();
  EXPECT_TRUE(core_->managed_keys().list().empty());
  unseal();
  EXPECT_EQ(data(call(Operation::kRead, kPath)), shown);
}

TEST_F(ManagedKeysTest, SaysWhatIsWrongAndKeepsNothing) {
  EXPECT_THAT(write(R"({"library":"/bin/sh","pin":"1234"})"),
              HasSubstr("no kms_library called"));
  EXPECT_THAT(write(body(R"(,"usages":"fly")")), HasSubstr("usage \"fly\""));
  EXPECT_THAT(write(body(R"(,"allow_store_key":true)")),
              HasSubstr("neither replaced nor imported"));
  EXPECT_THAT(
      write(body(fmt::format(R"(,"curve":"{}")", std::string(600, 'x')))),
      HasSubstr("curve: longer than 512 bytes"));
  EXPECT_TRUE(is_none(call(Operation::kRead, kPath)));
}

TEST_F(ManagedKeysTest, SignsToProveItself) {
  const std::string sign = std::string(kPath) + "/test/sign";
  EXPECT_THAT(error(call(Operation::kUpdate, sign)),
              HasSubstr("no managed key called \"k\""));
  EXPECT_EQ(write(body()), "");
  EXPECT_EQ(error(call(Operation::kUpdate, sign)), "");
  EXPECT_THAT(
      error(call(Operation::kUpdate, sign, R"({"hash_algorithm":"md5"})")),
      HasSubstr("invalid hash algorithm"));
}

TEST_F(ManagedKeysTest, WhatMountsGet) {
  api::ManagedKeys& keys = core_->managed_keys();
  EXPECT_EQ(write(body(R"(,"usages":"sign")")), "");
  const auto found = keys.find("uuid", "k", {});
  ASSERT_TRUE(found) << found.error().message();
  const auto half = crypto::PublicKey::from_spki_der(found->public_key);
  ASSERT_TRUE(half);
  const api::ManagedKeys::Use use{"uuid", found->id};
  for (const auto encoding :
       {crypto::EcdsaEncoding::kDer, crypto::EcdsaEncoding::kFixed}) {
    crypto::SignatureScheme scheme;
    scheme.encoding = encoding;
    scheme.hash = crypto::HashAlgorithm::kSha2_512;
    const auto made = keys.sign(use, scheme, as_bytes("m"));
    ASSERT_TRUE(made) << made.error().message();
    EXPECT_TRUE(half->verify(scheme, as_bytes("m"), *made).value());
  }
  EXPECT_TRUE(keys.check(use, api::KeyUsage::kSign));
  EXPECT_FALSE(keys.check(use, api::KeyUsage::kVerify));
  EXPECT_THAT(keys.decrypt(use, {}, {}).error().message(),
              HasSubstr("do not name decrypt"));
  EXPECT_THAT(keys.find("uuid", "k", "other").error().message(),
              HasSubstr("different keys"));
  EXPECT_FALSE(keys.find("uuid", {}, "other"));
}

TEST_F(ManagedKeysTest, AHoldKeepsItAsItIs) {
  EXPECT_EQ(write(body()), "");
  auto found = core_->managed_keys().find("uuid", "k", {});
  ASSERT_TRUE(found);
  std::atomic<bool> removed{false};
  std::thread remover([&] {
    EXPECT_TRUE(core_->managed_keys().remove("k"));
    removed = true;
  });
  std::this_thread::sleep_for(std::chrono::milliseconds(50));
  EXPECT_FALSE(removed);
  found->hold.reset();
  remover.join();
  EXPECT_TRUE(core_->managed_keys().list().empty());
}

TEST_F(ManagedKeysTest, OnlyMountsThatNameIt) {
  EXPECT_EQ(write(body(R"(,"any_mount":false)")), "");
  ASSERT_TRUE(call(Operation::kUpdate, "mounts/f", R"({"type":"fake"})"));
  const std::string uuid = core_->mounts().at("f/")->config.uuid;
  api::ManagedKeys& keys = core_->managed_keys();
  EXPECT_THAT(keys.find(uuid, "k", {}).error().message(),
              HasSubstr("allowed_managed_keys of \"f/\""));
  ASSERT_TRUE(call(Operation::kUpdate, "mounts/f/tune",
                   R"({"allowed_managed_keys":"k"})"));
  EXPECT_TRUE(keys.find(uuid, "k", {}));
  EXPECT_THAT(data(call(Operation::kRead, "mounts/f/tune")),
              HasSubstr(R"("allowed_managed_keys":["k"])"));
}

}  // namespace
}  // namespace bulla::server
