#include <gmock/gmock.h>

#include "kek/env_kek.h"
#include "server/sys/sys_fixture.h"

namespace bulla::server {
namespace {

using api::Operation;
using ::testing::HasSubstr;

class KekEndpointTest : public SysFixture {
 protected:
  void SetUp() override {
    load({1});
    auto made = core_->initialize({});
    ASSERT_TRUE(made) << made.error().message();
    load({1, 2});
    ASSERT_TRUE(*core_->auto_unseal());
  }
  void load(const std::vector<kek::KekVersion>& versions) {
    providers_ = [this, versions] {
      std::map<kek::KekVersion, SecretBytes> keys;
      for (const auto version : versions) {
        keys.emplace(version, SecretBytes::copy_of(Bytes(
                                  32, static_cast<std::uint8_t>(version))));
      }
      Providers all;
      all.push_back(kek::EnvKek::create("env", keys, rng_).value());
      return all;
    };
    rebuild();
  }
  std::string write(std::string_view path, std::string_view body) {
    return data(sudo(Operation::kUpdate, path, body));
  }
};

TEST_F(KekEndpointTest, ShowsVersions) {
  EXPECT_EQ(data(call(Operation::kRead, "kek")),
            R"({"seals":[{"active_version":1,"configured":true,)"
            R"("envelopes":{"1":1},"kind":"env","loaded_versions":[1,2],)"
            R"("name":"env","nodes":[],"recorded":true,"removed_versions":[],)"
            R"("target_version":0}]})");
}

TEST_F(KekEndpointTest, RotatesAndRemoves) {
  EXPECT_EQ(write("kek/verify", R"({"target":2})"),
            R"({"dry_run":true,"envelopes":1,"from_version":1,"kind":"env",)"
            R"("name":"env","rewrapped":1,"to_version":2})");
  EXPECT_THAT(write("kek/rotate", R"({"to_version":2,"dry_run":true})"),
              HasSubstr(R"("dry_run":true)"));
  EXPECT_EQ(
      write("kek/rotate", R"({"seal":"env","from_version":1,"to_version":2})"),
      R"({"dry_run":false,"envelopes":1,"from_version":1,"kind":"env",)"
      R"("name":"env","rewrapped":1,"to_version":2})");
  EXPECT_EQ(write("kek/remove", R"({"version":1})"),
            R"({"kind":"env","name":"env","version":1})");
  EXPECT_THAT(data(call(Operation::kRead, "kek")),
              HasSubstr(R"("removed_versions":[1])"));
}

TEST_F(KekEndpointTest, RefusesWhatIsNoVersion) {
  for (const std::string_view body :
       {"{}", R"({"version":0})", R"({"version":-1})",
        R"({"version":4294967296})"}) {
    const auto refused = sudo(Operation::kUpdate, "kek/remove", body);
    ASSERT_FALSE(refused);
    EXPECT_EQ(refused.error().code(), ErrorCode::kInvalidArgument);
  }
  EXPECT_THAT(error(sudo(Operation::kUpdate, "kek/verify", "{}")),
              HasSubstr("target is missing"));
  const auto made = sudo(Operation::kUpdate, "kek/pkcs11-init",
                         R"({"seal":"env","version":2})");
  ASSERT_FALSE(made);
  EXPECT_EQ(made.error().code(), ErrorCode::kUnsupported);
  EXPECT_THAT(
      error(sudo(Operation::kUpdate, "kek/pkcs11-init", R"({"version":2})")),
      HasSubstr("no seal \"pkcs11\" is configured"));
}

TEST_F(KekEndpointTest, NeedsSudo) {
  for (const auto* path :
       {"kek/verify", "kek/rotate", "kek/remove", "kek/pkcs11-init"}) {
    const api::Route* found = route(path);
    ASSERT_NE(found, nullptr);
    EXPECT_TRUE(found->sudo);
    EXPECT_FALSE(found->unauthenticated || found->while_sealed);
  }
}

}  // namespace
}  // namespace bulla::server
