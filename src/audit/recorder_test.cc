#include <gmock/gmock.h>

#include <thread>

#include "audit/audit_fixture.h"
#include "audit/file_device.h"

namespace bulla::audit {
namespace {

using testing::HasSubstr;
using testing::Not;

class RecorderTest : public AuditTest {
 protected:
  RecorderTest() {
    request_.operation = api::Operation::kUpdate;
    request_.path = "transit/encrypt/a";
    request_.id = "id";
    event_.time = clock_.now();
    event_.request = &request_;
  }
  // Makes every later write of that device fail.
  void break_device(std::size_t index) {
    const auto device = (*broker_.devices().load())[index];
    const int fd = static_cast<FileDevice&>(*device).descriptor();
    const int full = ::open("/dev/full", O_WRONLY | O_CLOEXEC);
    ASSERT_EQ(::dup2(full, fd), fd);
    ::close(full);
  }

  api::Request request_;
  Event event_;
};

TEST_F(RecorderTest, WithoutDevicesNothingIsAsked) {
  Recorder recorder(broker_);
  EXPECT_FALSE(recorder.active());
  recorder.request(event_);
  EXPECT_FALSE(recorder.pending());
  EXPECT_TRUE(recorder.flush());
}

TEST_F(RecorderTest, LinesWaitForTheFlush) {
  ASSERT_TRUE(broker_.enable(file_config("file", file("a"))));
  Recorder recorder(broker_);
  ASSERT_TRUE(recorder.active());
  recorder.request(event_);
  event_.response_data = R"({"ciphertext":"vault:v1:x"})";
  recorder.response(event_);
  EXPECT_TRUE(recorder.pending());
  EXPECT_EQ(lines(file("a")).size(), 1U);
  EXPECT_TRUE(recorder.flush());
  EXPECT_FALSE(recorder.pending());
  const auto written = lines(file("a"));
  ASSERT_EQ(written.size(), 3U);
  EXPECT_THAT(written[1], HasSubstr(R"("type":"request")"));
  EXPECT_THAT(written[2], HasSubstr(R"("ciphertext":"hmac-sha256:)"));
}

TEST_F(RecorderTest, DevicesComeAndGo) {
  Recorder recorder(broker_);
  EXPECT_FALSE(recorder.active());
  ASSERT_TRUE(broker_.enable(file_config("file", file("a"))));
  ASSERT_TRUE(recorder.active());
  recorder.request(event_);
  // What waits still reaches the device it was written for.
  ASSERT_TRUE(broker_.disable("file"));
  EXPECT_TRUE(recorder.active());
  EXPECT_TRUE(recorder.flush());
  EXPECT_EQ(lines(file("a")).size(), 2U);
  EXPECT_FALSE(recorder.active());
}

TEST_F(RecorderTest, FailsClosed) {
  ASSERT_TRUE(broker_.enable(file_config("file", file("a"))));
  Recorder recorder(broker_);
  break_device(0);
  recorder.request(event_);
  EXPECT_FALSE(recorder.flush());
  // What was refused is gone; the next line is judged by itself.
  EXPECT_FALSE(recorder.pending());
  EXPECT_TRUE(recorder.flush());
  ASSERT_TRUE(broker_.reopen());
  recorder.request(event_);
  EXPECT_TRUE(recorder.flush());
}

TEST_F(RecorderTest, OneDeviceThatWritesIsEnough) {
  ASSERT_TRUE(broker_.enable(file_config("a", file("a"))));
  ASSERT_TRUE(broker_.enable(file_config("b", file("b"))));
  Recorder recorder(broker_);
  break_device(0);
  recorder.request(event_);
  EXPECT_TRUE(recorder.flush());
  EXPECT_EQ(lines(file("b")).size(), 2U);
  break_device(1);
  recorder.request(event_);
  EXPECT_FALSE(recorder.flush());
}

TEST_F(RecorderTest, EachDeviceHasItsOwnSalt) {
  ASSERT_TRUE(broker_.enable(file_config("a", file("a"))));
  ASSERT_TRUE(broker_.enable(file_config("b", file("b"))));
  event_.client_token = "s.token";
  Recorder recorder(broker_);
  recorder.request(event_);
  ASSERT_TRUE(recorder.flush());
  const std::string hash_a = broker_.hash("a", "s.token").value();
  const std::string hash_b = broker_.hash("b", "s.token").value();
  EXPECT_NE(hash_a, hash_b);
  EXPECT_THAT(read(file("a")), HasSubstr(hash_a));
  EXPECT_THAT(read(file("b")), HasSubstr(hash_b));
}

// Every shape a client can give a field: the value is never seen.
TEST_F(RecorderTest, CanariesNeverAppear) {
  ASSERT_TRUE(broker_.enable(file_config("file", file("a"))));
  Recorder recorder(broker_);
  JsonParser parser;
  for (const char* body : {
           R"({"plaintext":"CANARY"})",
           R"({"plaintext":["CANARY",["CANARY"]]})",
           R"({"plaintext":{"a":{"b":"CANARY"}}})",
           R"({"batch_input":[{"plaintext":"CANARY","context":"CANARY"}]})",
           R"({"nonsense":"CANARY","x":null,"y":[],"z":{}})",
           R"({"plaintext":"\u0043ANARY","more":"CANARY\u0000"})",
           R"({"2026-01-02T03:04:05Z":"CANARY"})",
           R"({"time":"2026-01-02T03:04:05ZCANARY"})",
       }) {
    const auto element = parse_json(parser, body);
    ASSERT_TRUE(element) << body;
    api::Request request;
    request.operation = api::Operation::kUpdate;
    request.path = "transit/encrypt/a";
    ASSERT_TRUE(request.fields.bind({}, {}, JsonObject(*element)));
    Event event = event_;
    event.request = &request;
    event.client_token = "CANARY";
    recorder.request(event);
    for (const char* answer :
         {body, R"("CANARY")", "[\"CANARY\"]", "CANARY", "{\"x\":\"CANARY",
          "{\"CANARY\"", "{\"a\":1}CANARY"}) {
      event.response_data = answer;
      recorder.response(event);
    }
  }
  ASSERT_TRUE(recorder.flush());
  EXPECT_THAT(read(file("a")), Not(HasSubstr("CANARY")));
  JsonParser check;
  for (const std::string& line : lines(file("a"))) {
    EXPECT_TRUE(parse_json(check, line)) << line;
  }
}

TEST_F(RecorderTest, LinesOfManyRecordersNeverMix) {
  ASSERT_TRUE(broker_.enable(file_config("file", file("a"))));
  constexpr int kThreads = 6;
  constexpr int kTurns = 200;
  constexpr int kLines = 5;
  std::vector<std::thread> threads;
  for (int t = 0; t < kThreads; ++t) {
    threads.emplace_back([&, t] {
      Recorder recorder(broker_);
      api::Request request;
      request.path = "sys/mounts";
      const std::string id(static_cast<std::size_t>(50 * t + 1), 'x');
      request.id = id;
      Event event;
      event.request = &request;
      for (int turn = 0; turn < kTurns; ++turn) {
        for (int line = 0; line < kLines; ++line) recorder.request(event);
        EXPECT_TRUE(recorder.flush());
      }
    });
  }
  threads.emplace_back([&] {
    for (int i = 0; i < 50; ++i) EXPECT_TRUE(broker_.reopen());
  });
  for (auto& thread : threads) thread.join();
  const auto written = lines(file("a"));
  EXPECT_EQ(written.size(), 1U + kThreads * kTurns * kLines);
  JsonParser parser;
  for (const std::string& line : written) {
    const auto element = parse_json(parser, line);
    ASSERT_TRUE(element && element->is_object()) << line;
  }
}

}  // namespace
}  // namespace bulla::audit
