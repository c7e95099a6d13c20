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

TEST(RequestDecoder, TrailingSlashes) {
  EXPECT_EQ(*path_of("/v1/a/", net::Method::kList), "a");
  EXPECT_EQ(*path_of("/v1/a/?list=true"), "a");
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
  EXPECT_EQ(operation("/v1/a?help=1", net::Method::kGet), Operation::kHelp);
  EXPECT_EQ(operation("/v1/a", net::Method::kPut), Operation::kUpdate);
  EXPECT_EQ(operation("/v1/a", net::Method::kDelete), Operation::kDelete);
  const Target bad("/v1/a?list=maybe");
  Decoded decoded;
  EXPECT_FALSE(decode_target(bad.request, decoded));
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
}

}  // namespace
}  // namespace bulla::server
