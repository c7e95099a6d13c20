#include <gmock/gmock.h>

#include "server/sys/sys_fixture.h"

namespace bulla::server {
namespace {

using api::Operation;
using ::testing::HasSubstr;
using ::testing::Not;

class HealthTest : public SysFixture {
 protected:
  Result<api::Response> health(std::string_view query = "{}") {
    return call(Operation::kRead, "health", query);
  }
  int status(std::string_view query = "{}") {
    const auto answer = health(query);
    return answer ? answer->status : -1;
  }
};

// As the Go client asks.
constexpr std::string_view kAll299 = R"({"uninitcode":"299",
  "sealedcode":"299","standbycode":"299","drsecondarycode":"299",
  "performancestandbycode":"299","removedcode":"299","haunhealthycode":"299"})";

TEST_F(HealthTest, AnswersInEachState) {
  EXPECT_EQ(status(), 501);
  EXPECT_EQ(status(kAll299), 299);
  EXPECT_THAT(data(health()),
              HasSubstr(R"("initialized":false,"sealed":true)"));
  open();
  EXPECT_EQ(status(), 200);
  EXPECT_EQ(status(kAll299), 200);
  const std::string body = data(health());
  EXPECT_THAT(body, HasSubstr(R"({"initialized":true,"sealed":false,)"
                              R"("standby":false,"performance_standby":false,)"
                              R"("replication_performance_mode":"disabled",)"
                              R"("replication_dr_mode":"disabled",)"
                              R"("server_time_utc":1767323045,"version":")"));
  EXPECT_THAT(body, HasSubstr(R"("cluster_name":")"));
  EXPECT_THAT(body, HasSubstr(R"("cluster_id":")"));
  core_->seal();
  EXPECT_EQ(status(), 503);
  EXPECT_EQ(status(kAll299), 299);
  EXPECT_EQ(status(R"({"sealedcode":"204"})"), 204);
  EXPECT_THAT(data(health()), HasSubstr(R"("initialized":true,"sealed":true)"));
  EXPECT_THAT(data(health()), Not(HasSubstr("cluster_")));
}

TEST_F(HealthTest, HonoursCodesOfTheActiveNode) {
  open();
  EXPECT_EQ(status(R"({"activecode":"299"})"), 299);
  EXPECT_EQ(status(R"({"standbyok":"true","perfstandbyok":"1"})"), 200);
  EXPECT_EQ(status(R"({"standbyok":""})"), 200);
}

TEST_F(HealthTest, RefusesWhatIsNoCode) {
  open();
  for (const char* query :
       {R"({"activecode":"x"})", R"({"sealedcode":""})",
        R"({"standbycode":"2 "})", R"({"uninitcode":"-1"})",
        R"({"removedcode":"99999999999999999999"})", R"({"activecode":"0"})"}) {
    const auto answer = health(query);
    ASSERT_TRUE(answer);
    EXPECT_EQ(answer->status, 400) << query;
    EXPECT_THAT(answer->data, HasSubstr(R"({"errors":[]})"));
  }
  EXPECT_EQ(error(health(R"({"standbyok":"maybe"})")),
            "bad value for standbyok parameter: strconv.ParseBool: parsing "
            "\"maybe\": invalid syntax");
}

TEST_F(HealthTest, NeedsNoToken) {
  const api::Route* found = route("health");
  ASSERT_NE(found, nullptr);
  EXPECT_TRUE(found->unauthenticated && found->while_sealed);
  EXPECT_FALSE(found->audited);
}

}  // namespace
}  // namespace bulla::server
