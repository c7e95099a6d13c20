#include <gmock/gmock.h>

#include "server/sys/sys_fixture.h"

namespace bulla::server {
namespace {

using api::Operation;
using ::testing::AllOf;
using ::testing::HasSubstr;

/// So many records under one DEK, which re-encryption takes away.
class SomeRecords final : public dek::RecordHolder {
 public:
  SomeRecords(std::string dek_id, std::uint64_t count)
      : dek_id_(std::move(dek_id)), count_(count) {}
  std::string scope() const override { return "default"; }
  Result<std::uint64_t> uses(std::string_view dek_id) override {
    return dek_id == dek_id_ ? count_ : 0U;
  }
  Result<std::vector<dek::RecordUse>> list_uses(std::string_view,
                                                std::string_view,
                                                std::string_view,
                                                std::size_t) override {
    return std::vector<dek::RecordUse>();
  }
  Result<dek::ReencryptStep> reencrypt(std::string_view dek_id,
                                       std::string_view,
                                       std::size_t limit) override {
    dek::ReencryptStep step;
    if (dek_id != dek_id_) return step;
    step.visited = step.reencrypted = std::min<std::uint64_t>(limit, count_);
    count_ -= step.reencrypted;
    if (count_ > 0) step.cursor = "more";
    return step;
  }
  Result<dek::CheckStep> check(std::string_view, std::size_t) override {
    return dek::CheckStep();
  }

 private:
  std::string dek_id_;
  std::uint64_t count_;
};

class Jobs : public SysFixture {
 protected:
  void SetUp() override {
    open();
    first_ = core_->deks().list()->front().id;
    holder_ = std::make_shared<SomeRecords>(first_, 600);
    core_->record_holders().add("m", holder_);
  }
  std::string path(const std::string& rest) {
    return "encryption-keys/" + first_ + "/" + rest;
  }
  void deprecate() {
    data(call(Operation::kUpdate, "encryption-keys", R"({"name":"n"})"));
  }
  std::string id_in(const std::string& json) {
    const std::string before = R"("id":")";
    const auto at = json.find("," + before);
    return json.substr(at + 1 + before.size(), 36);
  }

  std::string first_;
  std::shared_ptr<SomeRecords> holder_;
};

TEST_F(Jobs, ReencryptTheRecordsOfAKey) {
  EXPECT_THAT(error(call(Operation::kUpdate, path("reencrypt"))),
              HasSubstr("is active"));
  deprecate();
  EXPECT_EQ(data(call(Operation::kUpdate, path("reencrypt"),
                      R"({"dry_run":true,"limit":500})")),
            R"({"dry_run":true,"total":500})");
  // Such a rate makes steps of 256.
  const auto begun =
      data(call(Operation::kUpdate, path("reencrypt"), R"({"rate":1024})"));
  EXPECT_EQ(begun,
            R"({"created_at":"2026-01-02T03:04:05.678Z","dek_id":")" + first_ +
                R"(","error":"","eta_seconds":0,"id":")" + id_in(begun) +
                R"(","kind":"reencrypt","limit":0,"rate":1024,)"
                R"("records_per_second":0,"reencrypted":0,"scope":"",)"
                R"("state":"running","total":600,)"
                R"("updated_at":"2026-01-02T03:04:05.678Z","visited":0})");
  const std::string job = "jobs/" + id_in(begun);
  core_->reencryptor().step();
  EXPECT_THAT(data(call(Operation::kRead, job)),
              HasSubstr(R"("reencrypted":256)"));
  EXPECT_THAT(data(call(Operation::kList, "jobs")),
              AllOf(HasSubstr(R"("keys":[")" + id_in(begun) + R"("])"),
                    HasSubstr(R"("reencrypted":256)")));
  EXPECT_THAT(data(call(Operation::kUpdate, job + "/pause")),
              HasSubstr(R"("state":"paused")"));
  EXPECT_THAT(data(call(Operation::kUpdate, job + "/resume")),
              HasSubstr(R"("state":"running")"));
  for (int i = 0; i < 10; ++i) core_->reencryptor().step();
  EXPECT_THAT(data(call(Operation::kRead, job)),
              AllOf(HasSubstr(R"("reencrypted":600)"),
                    HasSubstr(R"("state":"complete")")));
  EXPECT_THAT(error(call(Operation::kUpdate, job + "/cancel")),
              HasSubstr("is complete"));
}

TEST_F(Jobs, OfAScopeAndOneAtATime) {
  deprecate();
  const auto begin = [&](const std::string& body) {
    return call(Operation::kUpdate, "encryption-keys/reencrypt", body);
  };
  EXPECT_THAT(error(begin(R"({"dry_run":true,"scope":"other"})")),
              HasSubstr("no DEK is of scope \"other\""));
  const auto begun = data(begin(R"({"scope":"default","rate":8})"));
  EXPECT_THAT(begun, HasSubstr(R"("rate":8)"));
  EXPECT_EQ(data(begin(R"({"scope":"default","rate":8})")), begun);
  EXPECT_THAT(error(begin("{}")), HasSubstr(id_in(begun) + " is running"));
  EXPECT_THAT(error(begin(R"({"limit":-1})")), HasSubstr("limit"));
  data(call(Operation::kUpdate, "jobs/" + id_in(begun) + "/cancel"));
  EXPECT_NE(id_in(data(begin("{}"))), id_in(begun));
}

TEST_F(Jobs, GoOnAfterARestart) {
  deprecate();
  const auto begun = data(call(Operation::kUpdate, path("reencrypt")));
  core_->reencryptor().step();
  core_->seal();
  rebuild();
  unseal();
  core_->record_holders().add("m", holder_);
  for (int i = 0; i < 10; ++i) core_->reencryptor().step();
  EXPECT_THAT(data(call(Operation::kRead, "jobs/" + id_in(begun))),
              AllOf(HasSubstr(R"("reencrypted":600)"),
                    HasSubstr(R"("state":"complete")")));
}

TEST_F(Jobs, ThatAreNotThere) {
  EXPECT_TRUE(is_none(call(Operation::kRead, "jobs/absent")));
  EXPECT_EQ(call(Operation::kUpdate, "jobs/absent/pause").error().code(),
            ErrorCode::kNotFound);
  EXPECT_EQ(data(call(Operation::kList, "jobs")),
            R"({"key_info":{},"keys":[]})");
}

}  // namespace
}  // namespace bulla::server
