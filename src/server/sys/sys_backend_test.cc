#include "server/sys/sys_backend.h"

#include <gmock/gmock.h>

#include <set>

#include "server/sys/sys_fixture.h"

namespace bulla::server {
namespace {

using testing::UnorderedElementsAreArray;

class SysBackendTest : public SysFixture {
 protected:
  // The patterns whose rows `chosen` holds for.
  template <typename Predicate>
  std::set<std::string> patterns(Predicate chosen) {
    std::set<std::string> found;
    SysBackend backend(*core_);
    for (const api::Route& row : backend.routes()) {
      if (chosen(row)) found.emplace(row.pattern);
    }
    return found;
  }
};

// The whole list, so that adding to it is a decision and not an accident.
TEST_F(SysBackendTest, NoTokenOnlyWhereTheReferenceSaysSo) {
  const std::set<std::string> allowed{"init",
                                      "seal-status",
                                      "unseal",
                                      "leader",
                                      "health",
                                      "decode-token",
                                      "internal/specs/openapi",
                                      "internal/ui/mounts",
                                      "internal/ui/mounts/*path",
                                      "internal/ui/namespaces",
                                      "wrapping/lookup"};
  EXPECT_EQ(patterns([](const api::Route& row) { return row.unauthenticated; }),
            allowed);
}

TEST_F(SysBackendTest, SudoWhereTheReferenceSaysSo) {
  const auto sudo = patterns([](const api::Route& row) { return row.sudo; });
  for (const char* pattern :
       {"auth/*path", "auth/:path~/tune", "remount", "audit", "audit/*path",
        "rotate", "rotate/root", "rotate/keyring", "seal"}) {
    EXPECT_TRUE(sudo.contains(pattern)) << pattern;
  }
}

TEST_F(SysBackendTest, WhileSealedOnlyWhatOpens) {
  const std::set<std::string> allowed{"init",
                                      "seal-status",
                                      "unseal",
                                      "leader",
                                      "health",
                                      "seal",
                                      "step-down",
                                      "storage/restore",
                                      "storage/restore/:id",
                                      "storage/restore/:id/part/:offset",
                                      "storage/restore/:id/apply"};
  for (const std::string& pattern :
       patterns([](const api::Route& row) { return row.while_sealed; })) {
    // These only say what is wrong: see check_serving() in rekey.cc.
    if (pattern.starts_with("rekey")) continue;
    EXPECT_TRUE(allowed.contains(pattern)) << pattern;
  }
}

TEST_F(SysBackendTest, EveryRowDescribesItself) {
  const auto bare = patterns([](const api::Route& row) {
    bool complete = !row.synopsis.empty() && !row.methods.empty();
    for (const auto& field : row.fields) {
      complete = complete && !field.description.empty();
    }
    for (const auto& each : row.methods) complete = complete && each.handler;
    return !complete;
  });
  EXPECT_EQ(bare, std::set<std::string>{});
}

TEST_F(SysBackendTest, FieldsFit) {
  const auto wide = patterns([](const api::Route& row) {
    return row.fields.size() > api::Fields::kFieldsMax;
  });
  EXPECT_EQ(wide, std::set<std::string>{});
}

}  // namespace
}  // namespace bulla::server
