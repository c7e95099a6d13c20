#include "server/request_decoder.h"

#include <gtest/gtest.h>

#include <random>

namespace bulla::server {
namespace {

struct Target {
  explicit Target(std::string text, net::Method method = net::Method::kGet)
      : target(std::move(text)) {
    request.target = target;
    request.method = method;
    request.method_text = "X";
  }
  std::string target;
  net::Request request;
};

Result<std::string> path_of(const std::string& target,
                            net::Method method = net::Method::kGet) {
  const Target sent(target, method);
  Decoded decoded;
  TRY(decode_target(sent.request, decoded));
  return std::string(decoded.path);
}

TEST(RequestDecoder, DecodesOnce) {
  EXPECT_EQ(*path_of("/v1/a/b%20c?x=1"), "a/b c");
  EXPECT_EQ(*path_of("/v1/a%2fb"), "a/b");
  EXPECT_EQ(*path_of("/v1/a/%252e%252e/b"), "a/%2e%2e/b");
}

TEST(RequestDecoder, RefusesUncleanPaths) {
  for (const std::string target :
       {"/v1/../x", "/v1/a/..", "/v1/a/%2e%2e/b", "/v1/.", "/v1/a//b", "/v1//a",
        "/v1/a%2f%2e%2e%2fb", "/v1/a%00", "/v1/a%0a", "/v1/a%7f", "/v1/%zz",
        "/v1/a%"}) {
    const auto path = path_of(target);
    ASSERT_FALSE(path) << target;
    EXPECT_EQ(path.error().code(), ErrorCode::kInvalidArgument) << target;
  }
  EXPECT_EQ(path_of("/v2/a").error().code(), ErrorCode::kNotFound);
}

TEST(RequestDecoder, RefusesWhatCannotBeSeen) {
  for (const std::string target :
       {"/v1/a%ff", "/v1/a%c0%af", "/v1/a%ed%a0%80", "/v1/a%c2%85",
        "/v1/a%c2%a0", "/v1/a%e2%80%8bb", "/v1/a%e2%80%aeb", "/v1/a%ef%bb%bf",
        "/v1/a%ee%80%80", "/v1/a%f3%a0%80%81", "/v1/a\x80"}) {
    const auto path = path_of(target);
    ASSERT_FALSE(path) << target;
    EXPECT_EQ(path.error().message(), "path contains unprintable characters")
        << target;
  }
  for (const std::string target :
       {"/v1/%c3%a9", "/v1/%e2%82%ac", "/v1/%e6%97%a5%e6%9c%ac",
        "/v1/%f0%9f%94%91", "/v1/caf\xc3\xa9 x"}) {
    EXPECT_TRUE(path_of(target)) << target;
  }
}

TEST(RequestDecoder, TrailingSlashes) {
  EXPECT_EQ(*path_of("/v1/a/", net::Method::kList), "a");
  EXPECT_EQ(*path_of("/v1/a/?list=true"), "a");
  EXPECT_EQ(*path_of("/v1/a/?scan=true"), "a");
  EXPECT_EQ(*path_of("/v1/a/"), "a/");
  EXPECT_EQ(path_of("/v1/a/", net::Method::kPost).error().message(),
            "cannot write to a path ending in '/'");
}

TEST(RequestDecoder, Operations) {
  const auto operation = [](std::string target, net::Method method) {
    const Target sent(std::move(target), method);
    Decoded decoded;
    EXPECT_TRUE(decode_target(sent.request, decoded));
    return decoded.operation;
  };
  using api::Operation;
  EXPECT_EQ(operation("/v1/a", net::Method::kGet), Operation::kRead);
  EXPECT_EQ(operation("/v1/a?list=1", net::Method::kGet), Operation::kList);
  EXPECT_EQ(operation("/v1/a?scan=1", net::Method::kGet), Operation::kScan);
  EXPECT_EQ(operation("/v1/a", net::Method::kScan), Operation::kScan);
  EXPECT_EQ(operation("/v1/a?help=1", net::Method::kGet), Operation::kHelp);
  EXPECT_EQ(operation("/v1/a", net::Method::kPut), Operation::kUpdate);
  EXPECT_EQ(operation("/v1/a", net::Method::kDelete), Operation::kDelete);
  Decoded decoded;
  for (const char* const query :
       {"list=maybe", "scan=maybe", "list=1&scan=1"}) {
    const Target bad(std::string("/v1/a?") + query);
    EXPECT_FALSE(decode_target(bad.request, decoded)) << query;
  }
  const Target options("/v1/a", net::Method::kOptions);
  EXPECT_EQ(decode_target(options.request, decoded).error().code(),
            ErrorCode::kUnsupported);
}

// Whatever is sent: what comes out holds no segment that could climb.
TEST(RequestDecoder, PropertyNoPathClimbs) {
  std::mt19937 random(20261123);
  constexpr std::string_view kPieces[] = {"a",  "..", ".", "/",   "%2e", "%2f",
                                          "//", "%",  "b", "%25", "%00"};
  for (int i = 0; i < 20'000; ++i) {
    std::string target = "/v1/";
    for (unsigned n = random() % 9; n > 0; --n) {
      target += kPieces[random() % std::size(kPieces)];
    }
    const auto path = path_of(target);
    if (!path) continue;
    const std::string walled = "/" + *path + "/";
    EXPECT_EQ(walled.find("/../"), std::string::npos) << target;
    EXPECT_EQ(walled.find("/./"), std::string::npos) << target;
    EXPECT_EQ(path->find("//"), std::string::npos) << target;
    EXPECT_EQ(path->find('\0'), std::string::npos) << target;
  }
}

TEST(RequestDecoder, Bodies) {
  JsonParser parser;
  std::string scratch;
  const auto decode = [&](Target& sent, std::string_view body) {
    std::string padded(body);
    padded.resize(body.size() + net::kBodyPadding);
    sent.request.body = std::string_view(padded).substr(0, body.size());
    Decoded decoded;
    EXPECT_TRUE(decode_target(sent.request, decoded));
    auto object = decode_body(sent.request, decoded, {}, parser, scratch);
    if (!object) return object.error().message();
    return *object ? simdjson::minify(**object) : std::string("absent");
  };
  Target post("/v1/a", net::Method::kPost);
  EXPECT_EQ(decode(post, R"({"a":1})"), R"({"a":1})");
  EXPECT_EQ(decode(post, ""), "absent");
  EXPECT_TRUE(decode(post, "[1]").starts_with("failed to decode JSON input"));
  // What clients send that have nothing to say: `vault write -f`, a newline.
  for (const auto* nothing : {"null", " null\n", " ", "\n\t\r "}) {
    EXPECT_EQ(decode(post, nothing), "absent") << nothing;
  }
  Target form("/v1/a", net::Method::kPost);
  const net::Header type{"content-type", "application/x-www-form-urlencoded"};
  form.request.headers = {&type, 1};
  EXPECT_EQ(decode(form, "a=b&c=d&c=e"), R"({"a":"b","c":"d,e"})");
  Target get("/v1/a?x=1&y=a%20b&x=2");
  EXPECT_EQ(decode(get, ""), R"({"x":["1","2"],"y":"a b"})");
  Target list("/v1/a?list=true&after=k");
  EXPECT_EQ(decode(list, ""), R"({"after":"k"})");
  Target remove("/v1/a", net::Method::kDelete);
  EXPECT_EQ(decode(remove, ""), "absent");
  EXPECT_EQ(decode(remove, R"({"nonce":"n"})"), R"({"nonce":"n"})");
  Target versions("/v1/a?versions=1", net::Method::kDelete);
  EXPECT_EQ(decode(versions, R"({"versions":"2"})"), R"({"versions":"1"})");
}

TEST(RequestDecoder, Forms) {
  JsonParser parser;
  std::string scratch;
  const std::vector<net::Header> headers{
      {"Content-Type", "application/x-www-form-urlencoded; charset=utf-8"}};
  const auto decode = [&](std::string_view body) {
    Target sent("/v1/a", net::Method::kPost);
    std::string padded(body);
    padded.resize(body.size() + net::kBodyPadding);
    sent.request.body = std::string_view(padded).substr(0, body.size());
    sent.request.headers = headers;
    Decoded decoded;
    EXPECT_TRUE(decode_target(sent.request, decoded));
    auto object = decode_body(sent.request, decoded, {}, parser, scratch);
    if (!object) return object.error().message();
    return *object ? simdjson::minify(**object) : std::string("absent");
  };
  EXPECT_EQ(decode("a=1&b=x+y&help=%26"), R"({"a":"1","b":"x y","help":"&"})");
  EXPECT_EQ(decode("a=1&b=2&a=3&a="), R"({"a":"1,3,","b":"2"})");
  EXPECT_EQ(decode("{\"a\":1}"), R"({"a":1})");
  EXPECT_EQ(decode("a=%"), "invalid URL escape \"%\"");
  // As many as an object may have entries, and in linear time.
  std::string many;
  for (int i = 0; i < 10'000; ++i) many += "k" + std::to_string(i) + "&";
  EXPECT_TRUE(decode(many).starts_with("{"));
  EXPECT_EQ(decode(many + "one-more"), "more than 10000 parameters");
}

}  // namespace
}  // namespace bulla::server
