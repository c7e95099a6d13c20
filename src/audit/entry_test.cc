#include "audit/entry.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "audit/audit_fixture.h"

namespace bulla::audit {
namespace {

using testing::HasSubstr;
using testing::Not;

constexpr std::string_view kSalt = "a1b2c3d4-0000-1111-2222-333344445555";
constexpr std::string_view kTime = "2026-01-02T03:04:05.678Z";
constexpr std::string_view kToken = "s.abcdefghijklmnopqrstuvwx";
constexpr std::string_view kTokenHash =
    "hmac-sha256:"
    "361c2f1fdf329ead54589c681e6b52096c91d0534a8a117689f6d423b3fce475";

class EntryTest : public testing::Test {
 protected:
  EntryTest() {
    token_.hash = "0123";
    token_.accessor = "acc";
    token_.display_name = "token";
    token_.policies = {"default", "ops"};
    token_.meta = {{"team", "a"}};
    token_.creation_ttl = Seconds{3600};
    token_.issue_time = from_unix_nanos(1'767'323'045'000'000'000);
    mount_.path = "transit/";
    mount_.type = "transit";
    mount_.accessor = "transit_12345678";
    request_.operation = api::Operation::kUpdate;
    request_.path = "transit/encrypt/a";
    request_.id = "11111111-2222-4333-8444-555555555555";
    request_.remote_address = "127.0.0.1";
    request_.remote_port = 40000;
    event_.request = &request_;
    event_.token = &token_;
    event_.client_token = kToken;
    event_.mount = &mount_;
  }

  void body(std::string_view json) {
    const auto element = parse_json(body_parser_, json);
    ASSERT_TRUE(element);
    ASSERT_TRUE(request_.fields.bind({}, {}, JsonObject(*element)));
  }
  std::string request_line(EntryWriter& writer) {
    std::string out;
    writer.append_request(out, kTime, event_);
    return out;
  }
  std::string response_line(EntryWriter& writer, std::string_view json) {
    ResponseData data;
    if (!json.empty()) {
      const auto element = parse_json(answer_parser_, json);
      if (element && element->is_object()) data.object = JsonObject(*element);
      if (!data.object) data.raw = json;
    }
    std::string out;
    writer.append_response(out, kTime, event_, data);
    return out;
  }
  std::string hash(std::string_view value) const {
    return device_.hasher().hash(value);
  }

  JsonParser body_parser_;
  JsonParser answer_parser_;
  api::Token token_;
  api::MountConfig mount_;
  api::Request request_;
  api::Response answer_;
  Event event_;
  MemoryDevice device_{{}, kSalt};
  EntryWriter writer_{device_};
};

TEST_F(EntryTest, RequestLineIsAsDocumented) {
  body(R"({"plaintext":"c2VjcmV0","n":1})");
  const std::string expected =
      R"({"time":"2026-01-02T03:04:05.678Z","type":"request","auth":{)"
      R"("client_token":")" +
      std::string(kTokenHash) + R"(","accessor":")" + hash("acc") +
      R"(","display_name":"token","policies":["default","ops"],)"
      R"("token_policies":["default","ops"],"metadata":{"team":"a"},)"
      R"("token_type":"service","token_ttl":3600,)"
      R"("token_issue_time":"2026-01-02T03:04:05Z"},"request":{)"
      R"("id":"11111111-2222-4333-8444-555555555555","operation":"update",)"
      R"("mount_point":"transit/","mount_type":"transit",)"
      R"("mount_accessor":"transit_12345678","mount_class":"secret",)"
      R"("client_token":")" +
      std::string(kTokenHash) + R"(","client_token_accessor":")" + hash("acc") +
      R"(","namespace":{"id":"root"},"path":"transit/encrypt/a","data":{)"
      R"("plaintext":")" +
      hash("c2VjcmV0") +
      R"(","n":1},"remote_address":"127.0.0.1","remote_port":40000}})"
      "\n";
  EXPECT_EQ(request_line(writer_), expected);
  // From what it keeps, the same again.
  request_.id = "22222222-2222-4333-8444-555555555555";
  EXPECT_THAT(request_line(writer_), HasSubstr(hash("c2VjcmV0")));
}

TEST_F(EntryTest, ResponseRepeatsTheRequest) {
  body(R"({"plaintext":"c2VjcmV0"})");
  std::string request = request_line(writer_);
  request = request.substr(request.find(R"("auth":)"));
  request.resize(request.size() - 2);  // "}\n"
  event_.response = &answer_;
  const std::string cached = response_line(writer_, R"({"ciphertext":"v"})");
  EntryWriter fresh(device_);
  EXPECT_EQ(cached, response_line(fresh, R"({"ciphertext":"v"})"));
  EXPECT_EQ(cached, R"({"time":"2026-01-02T03:04:05.678Z","type":"response",)" +
                        request +
                        R"(,"response":{"mount_point":"transit/",)"
                        R"("mount_type":"transit",)"
                        R"("mount_accessor":"transit_12345678",)"
                        R"("mount_class":"secret","data":{"ciphertext":")" +
                        hash("v") + "\"}}}\n");
}

TEST_F(EntryTest, WithoutTokenOrMountOrIdStillALine) {
  event_.token = nullptr;
  event_.client_token = {};
  event_.mount = nullptr;
  request_.id = {};
  event_.error = "permission denied";
  EXPECT_EQ(request_line(writer_),
            R"({"time":"2026-01-02T03:04:05.678Z","type":"request",)"
            R"("request":{"operation":"update","namespace":{"id":"root"},)"
            R"("path":"transit/encrypt/a","remote_address":"127.0.0.1",)"
            R"("remote_port":40000},"error":"permission denied"})"
            "\n");
}

TEST_F(EntryTest, RefusedTokensAreHashedToo) {
  event_.token = nullptr;
  const std::string line = request_line(writer_);
  EXPECT_THAT(line, HasSubstr(std::string(kTokenHash)));
  EXPECT_THAT(line, Not(HasSubstr(std::string(kToken))));
  EXPECT_THAT(line, Not(HasSubstr(R"("auth")")));
}

TEST_F(EntryTest, ARenewedTokenIsWrittenAnew) {
  request_.id = {};
  EXPECT_THAT(request_line(writer_), HasSubstr("2026-01-02T03:04:05Z"));
  token_.issue_time += Seconds{60};
  EXPECT_THAT(request_line(writer_), HasSubstr("2026-01-02T03:05:05Z"));
  token_.num_uses = 7;
  EXPECT_THAT(request_line(writer_), HasSubstr(R"("remaining_uses":7)"));
}

TEST_F(EntryTest, ShowsWhatPolicySaid) {
  const std::vector<std::string> names{"default", "op\"s"};
  const PolicyResult allowed{true, &names};
  event_.policy = &allowed;
  EXPECT_THAT(
      request_line(writer_),
      HasSubstr(R"("policy_results":{"allowed":true,"granting_policies":[)"
                R"({"name":"default","namespace_id":"root","type":"acl"},)"
                R"({"name":"op\"s","namespace_id":"root","type":"acl"}]}},)"
                R"("request":{)"));
  const PolicyResult denied;
  event_.policy = &denied;
  EXPECT_THAT(request_line(writer_),
              HasSubstr(R"("policy_results":{"allowed":false}},"request":{)"));
}

TEST_F(EntryTest, ShowsTheHeadersItIsGiven) {
  const std::vector<HeaderValue> headers{
      {"x-a", "1", false}, {"x-a", "2\n", false}, {"x-secret", "canary", true}};
  event_.headers = headers;
  const std::string line = request_line(writer_);
  EXPECT_THAT(line, HasSubstr(R"("headers":{"x-a":["1","2\n"],"x-secret":[")" +
                              hash("canary") + R"("]}})"));
  EXPECT_THAT(line, Not(HasSubstr("canary")));
}

TEST_F(EntryTest, ListsAreShownAsPolicySawThem) {
  request_.operation = api::Operation::kList;
  request_.path = "transit/keys";
  EXPECT_THAT(request_line(writer_), HasSubstr(R"("path":"transit/keys/")"));
  request_.id = {};
  request_.path = "transit/keys/";
  EXPECT_THAT(request_line(writer_), HasSubstr(R"("path":"transit/keys/")"));
}

TEST_F(EntryTest, OpaqueAnswersAreHashedWhole) {
  event_.response = &answer_;
  const RawAnswer raw{"text/plain", 200};
  event_.raw = &raw;
  std::string out;
  writer_.append_response(out, kTime, event_, {std::nullopt, "m 1"});
  EXPECT_THAT(out, HasSubstr(R"("data":{"http_content_type":")" +
                             hash("text/plain") + R"(","http_raw_body":")" +
                             hash("m 1") + R"(","http_status_code":200}})"));
}

TEST_F(EntryTest, TokensThatShareASlotAreTold) {
  for (int i = 0; i < 1000; ++i) {
    token_.hash = std::to_string(i);
    token_.accessor = "accessor" + std::to_string(i);
    request_.id = {};
    EXPECT_THAT(request_line(writer_), HasSubstr(hash(token_.accessor)));
  }
}

TEST_F(EntryTest, BatchTokensAreNotMixedUp) {
  token_.hash = "";
  token_.accessor = "";
  token_.type = api::Token::Type::kBatch;
  for (const char* id : {"b.one", "b.two"}) {
    event_.client_token = id;
    request_.id = {};
    EXPECT_THAT(request_line(writer_), HasSubstr(hash(id)));
  }
}

TEST_F(EntryTest, OptionsDecideWhatIsHashed) {
  body(R"({"plaintext":"c2VjcmV0"})");
  MemoryDevice clear({.hmac_accessor = false}, kSalt);
  EntryWriter clear_writer(clear);
  EXPECT_THAT(request_line(clear_writer), HasSubstr(R"("accessor":"acc")"));
  EXPECT_THAT(request_line(clear_writer), Not(HasSubstr(std::string(kToken))));
  MemoryDevice raw({.log_raw = true}, kSalt);
  EntryWriter raw_writer(raw);
  const std::string line = request_line(raw_writer);
  EXPECT_THAT(line, HasSubstr(R"("client_token":")" + std::string(kToken)));
  EXPECT_THAT(line, HasSubstr(R"("plaintext":"c2VjcmV0")"));
}

TEST_F(EntryTest, MountsExemptKeys) {
  body(R"({"open":"seen","shut":"hidden"})");
  mount_.audit_non_hmac_request_keys = {"open"};
  mount_.audit_non_hmac_response_keys = {"out"};
  event_.response = &answer_;
  const std::string line =
      response_line(writer_, R"({"out":"clear","open":"dark"})");
  EXPECT_THAT(line, HasSubstr(R"("open":"seen","shut":"hmac-sha256:)"));
  EXPECT_THAT(line, HasSubstr(R"("out":"clear","open":"hmac-sha256:)"));
}

TEST_F(EntryTest, AnswersAuthAndWrapInfoAreHashed) {
  answer_.auth = std::make_unique<api::Auth>();
  answer_.auth->client_token = "s.newtoken";
  answer_.auth->display_name = "token-x";
  answer_.auth->accessor = "newaccessor";
  answer_.auth->policies = {"default"};
  answer_.auth->lease_duration = Seconds{60};
  answer_.lease_id = "aws/creds/x/1";
  answer_.warnings = {"careful"};
  answer_.wrap_info = std::make_unique<api::WrapInfo>(
      api::WrapInfo{.token = "s.wrapping",
                    .accessor = "wrapaccessor",
                    .ttl = Seconds{30},
                    .creation_time = from_unix_nanos(1'000'000'000),
                    .creation_path = "secret/a",
                    .wrapped_accessor = {}});
  event_.response = &answer_;
  const std::string line = response_line(writer_, "");
  EXPECT_THAT(line, HasSubstr(R"("response":{"auth":{"client_token":")" +
                              hash("s.newtoken") + R"(","accessor":")" +
                              hash("newaccessor") +
                              R"(","display_name":"token-x",)"
                              R"("policies":["default"],)"
                              R"("token_type":"service","token_ttl":60})"));
  EXPECT_THAT(line, HasSubstr(R"("secret":{"lease_id":"aws/creds/x/1"})"));
  EXPECT_THAT(line, HasSubstr(R"("warnings":["careful"])"));
  EXPECT_THAT(line, HasSubstr(R"("wrap_info":{"ttl":30,"token":")" +
                              hash("s.wrapping") + R"(","accessor":")" +
                              hash("wrapaccessor") +
                              R"(","creation_time":"1970-01-01T00:00:01Z",)"
                              R"("creation_path":"secret/a"})"));
}

TEST_F(EntryTest, BodiesThatAreNoObjectAreHashedWhole) {
  event_.response = &answer_;
  const std::string line = response_line(writer_, "canary text");
  EXPECT_THAT(line,
              HasSubstr(R"("data":{"http_raw_body":")" + hash("canary text")));
  EXPECT_THAT(line, Not(HasSubstr("canary")));
}

TEST_F(EntryTest, ListsAreElidedOnlyWhenAsked) {
  request_.operation = api::Operation::kList;
  event_.response = &answer_;
  EXPECT_THAT(response_line(writer_, R"({"keys":["a","b"]})"),
              HasSubstr(hash("a")));
  MemoryDevice eliding({.elide_list_responses = true}, kSalt);
  EntryWriter writer(eliding);
  EXPECT_THAT(response_line(writer, R"({"keys":["a","b"]})"),
              HasSubstr(R"("data":{"keys":2})"));
}

TEST_F(EntryTest, HostileTextCannotBreakTheLine) {
  request_.path = "a\"},\n{\"x\":\xff";
  token_.display_name = "d\n\"";
  token_.meta = {{"k\n", "v\""}};
  body("{\"k\\n\\\"\":\"v\"}");
  event_.error = "e\n\"";
  const std::string line = request_line(writer_);
  EXPECT_EQ(line.find('\n'), line.size() - 1);
  EXPECT_TRUE(parse_json(answer_parser_, line));
}

TEST(TimeText, IsRfc3339Nano) {
  TimeText text;
  const auto at = [&](std::int64_t nanos) {
    return std::string(text.format(from_unix_nanos(nanos)));
  };
  EXPECT_EQ(at(1'767'323'045'000'000'000), "2026-01-02T03:04:05Z");
  EXPECT_EQ(at(1'767'323'045'678'000'000), "2026-01-02T03:04:05.678Z");
  EXPECT_EQ(at(1'767'323'045'000'000'001), "2026-01-02T03:04:05.000000001Z");
  EXPECT_EQ(at(1'767'323'046'100'000'000), "2026-01-02T03:04:06.1Z");
  EXPECT_EQ(at(0), "1970-01-01T00:00:00Z");
}

}  // namespace
}  // namespace bulla::audit
