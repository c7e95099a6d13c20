#include <gmock/gmock.h>

#include "server/sys/sys_fixture.h"

namespace bulla::server {
namespace {

using api::Operation;
using ::testing::HasSubstr;
using ::testing::MatchesRegex;
using ::testing::Not;

/// Three records under one DEK.
class ThreeRecords final : public dek::RecordHolder {
 public:
  explicit ThreeRecords(std::string dek_id) : dek_id_(std::move(dek_id)) {}
  std::string scope() const override { return "default"; }
  Result<std::uint64_t> uses(std::string_view dek_id) override {
    return dek_id == dek_id_ ? 3U : 0U;
  }
  Result<std::vector<dek::RecordUse>> list_uses(std::string_view dek_id,
                                                std::string_view type,
                                                std::string_view after,
                                                std::size_t limit) override {
    std::vector<dek::RecordUse> uses;
    const Time time = from_unix_nanos(1'767'323'045'000'000'000);
    for (const auto& [id, kind] :
         {std::pair{"a", "cert"}, {"b", "key"}, {"c", "cert"}}) {
      if (dek_id != dek_id_ || id <= after || uses.size() == limit) continue;
      if (!type.empty() && type != kind) continue;
      uses.push_back({id, kind, std::string("kv/") + id, 2, time, time});
    }
    return uses;
  }
  Result<dek::ReencryptStep> reencrypt(std::string_view, std::string_view,
                                       std::size_t) override {
    return dek::ReencryptStep{};
  }
  Result<std::vector<std::string>> check() override {
    return std::vector<std::string>();
  }

 private:
  std::string dek_id_;
};

class EncryptionKeys : public SysFixture {
 protected:
  void SetUp() override {
    open();
    first_ = core_->deks().list()->front().id;
  }
  std::string path(const std::string& id) { return "encryption-keys/" + id; }
  std::string id_in(const std::string& json) {
    const std::string before = R"("id":")";
    const auto at = json.find(before);
    return at == std::string::npos ? "" : json.substr(at + before.size(), 36);
  }

  std::string first_;
};

TEST_F(EncryptionKeys, TheFirstStartMakesTheDefaultKey) {
  const auto shown = data(call(Operation::kRead, path(first_)));
  EXPECT_EQ(
      shown,
      R"({"algorithm":"AES-GCM-256","created_at":"2026-01-02T03:04:05.678Z",)"
      R"("description":"","encryptions":0,"id":")" +
          first_ +
          R"(","name":"Default-encryption-key","scope":"default",)"
          R"("status":"active","updated_at":"2026-01-02T03:04:05.678Z",)"
          R"("usage":0,"version":1})");
  const std::string list = R"({"key_info":{")" + first_ + R"(":)" + shown +
                           R"(},"keys":[")" + first_ + R"("]})";
  EXPECT_EQ(data(call(Operation::kList, "encryption-keys")), list);
  EXPECT_EQ(data(call(Operation::kRead, "encryption-keys")), list);
  EXPECT_TRUE(is_none(call(Operation::kRead, path("absent"))));
}

TEST_F(EncryptionKeys, ANewOneDeprecatesTheLast) {
  const auto made =
      data(call(Operation::kUpdate, "encryption-keys",
                R"({"name":"n","description":"d","algorithm":"AES-GCM-128"})"));
  EXPECT_THAT(made, HasSubstr(R"("algorithm":"AES-GCM-128")"));
  EXPECT_THAT(made, HasSubstr(R"("status":"active")"));
  EXPECT_THAT(data(call(Operation::kRead, path(first_))),
              HasSubstr(R"("status":"deprecated")"));
  const auto page = data(call(Operation::kList, "encryption-keys",
                              R"({"after":")" + first_ + R"("})"));
  EXPECT_THAT(page, Not(HasSubstr(R"("name":"Default)")));
  EXPECT_EQ(error(call(Operation::kUpdate, "encryption-keys")),
            "name is missing");
  EXPECT_THAT(error(call(Operation::kUpdate, "encryption-keys",
                         R"({"name":"n","algorithm":"DES"})")),
              HasSubstr("expected AES-GCM-256 or AES-GCM-128"));
}

TEST_F(EncryptionKeys, AreEdited) {
  const auto changed =
      data(call(Operation::kUpdate, path(first_),
                R"({"name":"x","description":"y","cas":1,"scope":"default"})"));
  EXPECT_THAT(changed, HasSubstr(R"("name":"x")"));
  EXPECT_THAT(changed, HasSubstr(R"("version":2)"));
  const auto refused = [&](const std::string& body) {
    const auto answer = call(Operation::kUpdate, path(first_), body);
    EXPECT_FALSE(answer);
    EXPECT_EQ(answer.error().code(), ErrorCode::kInvalidArgument);
    return answer.error().message();
  };
  EXPECT_THAT(refused(R"({"name":"z","cas":1})"), HasSubstr("check-and-set"));
  EXPECT_THAT(refused(R"({"cas":-1})"), HasSubstr("cas"));
  EXPECT_THAT(refused(R"({"algorithm":"AES-GCM-128"})"),
              HasSubstr("algorithm is immutable"));
  EXPECT_THAT(refused(R"({"scope":"s"})"), HasSubstr("scope is immutable"));
  EXPECT_THAT(refused(R"({"status":"inactive"})"), HasSubstr("is active"));
  EXPECT_EQ(call(Operation::kUpdate, path("absent"), R"({"name":"z"})")
                .error()
                .code(),
            ErrorCode::kNotFound);
}

TEST_F(EncryptionKeys, ShowTheirRecords) {
  const auto holder = std::make_shared<ThreeRecords>(first_);
  core_->record_holders().add("m", holder);
  EXPECT_THAT(data(call(Operation::kRead, path(first_))),
              HasSubstr(R"("usage":3)"));
  const auto usage = [&](const std::string& body) {
    return data(call(Operation::kList, path(first_) + "/usage", body));
  };
  EXPECT_EQ(
      usage(R"({"limit":1})"),
      R"({"key_info":{"a":{"created_at":"2026-01-02T03:04:05Z",)"
      R"("name":"kv/a","type":"cert","updated_at":"2026-01-02T03:04:05Z",)"
      R"("version":2}},"keys":["a"],"total":3})");
  EXPECT_THAT(usage(R"({"after":"a"})"), HasSubstr(R"("keys":["b","c"])"));
  EXPECT_THAT(usage(R"({"type":"cert"})"), HasSubstr(R"("keys":["a","c"])"));
  EXPECT_THAT(usage(R"({"after":"c"})"),
              MatchesRegex(R"(.*"keys":\[\],"total":3.*)"));
  EXPECT_EQ(call(Operation::kRead, path("absent") + "/usage").error().code(),
            ErrorCode::kNotFound);
  data(call(Operation::kUpdate, "encryption-keys", R"({"name":"n"})"));
  EXPECT_THAT(
      error(call(Operation::kUpdate, path(first_), R"({"status":"inactive"})")),
      HasSubstr("in use by 3 records"));
  core_->record_holders().remove("m");
  EXPECT_THAT(
      data(call(Operation::kUpdate, path(first_), R"({"status":"inactive"})")),
      HasSubstr(R"("status":"inactive")"));
}

TEST_F(EncryptionKeys, OutliveARestart) {
  const auto made =
      data(call(Operation::kUpdate, "encryption-keys", R"({"name":"n"})"));
  rebuild();
  EXPECT_EQ(call(Operation::kList, "encryption-keys").error().code(),
            ErrorCode::kSealed);
  unseal();
  EXPECT_EQ(data(call(Operation::kRead, path(id_in(made)))), made);
}

}  // namespace
}  // namespace bulla::server
