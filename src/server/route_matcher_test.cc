#include "server/route_matcher.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace bulla::server {
namespace {

std::vector<api::Route> routes(
    std::initializer_list<std::string_view> patterns) {
  std::vector<api::Route> list;
  for (const std::string_view pattern : patterns) {
    api::Route route;
    route.pattern = pattern;
    list.push_back(std::move(route));
  }
  return list;
}

class RouteMatcherTest : public testing::Test {
 protected:
  // The pattern that matches, and what it captured as "name=value …".
  std::string match(std::string_view path) {
    const RouteMatch found = matcher_.match(path);
    if (found.route == nullptr) return "none";
    std::string text(found.route->pattern);
    for (std::size_t i = 0; i < found.param_count; ++i) {
      text += " " + std::string(found.params[i].name) + "=" +
              std::string(found.params[i].value);
    }
    return text;
  }

  std::vector<api::Route> routes_ = routes(
      {"keys", "keys/:name", "keys/:name/config", "keys/special",
       "random/:source/:bytes", "policy/:name~", "users/:user@", "raw/*path"});
  RouteMatcher matcher_{routes_};
};

TEST_F(RouteMatcherTest, LiteralsStandBeforeCaptures) {
  EXPECT_EQ(match("keys"), "keys");
  EXPECT_EQ(match("keys/special"), "keys/special");
  EXPECT_EQ(match("keys/other"), "keys/:name name=other");
  EXPECT_EQ(match("keys/special/config"), "keys/:name/config name=special");
  EXPECT_EQ(match("random/all/32"),
            "random/:source/:bytes source=all bytes=32");
}

TEST_F(RouteMatcherTest, NamesAreChecked) {
  for (const std::string_view bad :
       {"keys/", "keys/.a", "keys/a.", "keys/-", "keys/a b", "keys/a@b",
        "keys/a/b", "keys/\xc3\xa9", "", "key", "keysx", "keys/a/config/"}) {
    EXPECT_EQ(match(bad), "none") << bad;
  }
  EXPECT_EQ(match("keys/a.b-c_d"), "keys/:name name=a.b-c_d");
  EXPECT_EQ(match("users/a@b.c"), "users/:user@ user=a@b.c");
  EXPECT_EQ(match("policy/with space!"), "policy/:name~ name=with space!");
}

TEST_F(RouteMatcherTest, RestTakesEverything) {
  EXPECT_EQ(match("raw/a/b/"), "raw/*path path=a/b/");
  EXPECT_EQ(match("raw"), "raw/*path path=");
  EXPECT_EQ(match("raw/"), "raw/*path path=");
}

}  // namespace
}  // namespace bulla::server
