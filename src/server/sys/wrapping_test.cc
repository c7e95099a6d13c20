#include "server/wrapping.h"

#include <gmock/gmock.h>

#include <thread>

#include "server/sys/sys_fixture.h"

namespace bulla::server {
namespace {

using api::Operation;
using testing::HasSubstr;

constexpr auto kNotValid = "wrapping token is not valid or does not exist";

class SysWrapping : public SysFixture {
 protected:
  void SetUp() override { open(); }

  std::unique_ptr<api::WrapInfo> keep(std::string json = R"({"a":1})",
                                      Seconds ttl = Seconds{60},
                                      int status = 0) {
    auto kept = keep_answer(*core_, {.json = std::move(json), .status = status},
                            {.ttl = ttl,
                             .creation_path = "secret/a",
                             .display_name = "token-x",
                             .wrapped_accessor = {}});
    EXPECT_TRUE(kept) << (kept ? "" : kept.error().message());
    return kept ? std::move(kept->wrap_info) : nullptr;
  }
  static std::string body(std::string_view token) {
    return R"({"token":")" + std::string(token) + R"("})";
  }
  Result<api::Response> post(std::string_view path, std::string_view token) {
    return call(Operation::kUpdate, path, body(token), root_);
  }
};

TEST_F(SysWrapping, AnAnswerIsTakenOutOnce) {
  const auto info = keep();
  const auto first = post("wrapping/unwrap", info->token);
  EXPECT_EQ(data(first), R"({"a":1})");
  EXPECT_TRUE(first->bare);
  EXPECT_EQ(error(post("wrapping/unwrap", info->token)), kNotValid);
  EXPECT_EQ(error(post("wrapping/lookup", info->token)), kNotValid);
  EXPECT_EQ(error(post("wrapping/rewrap", info->token)), kNotValid);
}

TEST_F(SysWrapping, TheTokenHasOneUseAndOnePolicy) {
  const auto info = keep();
  const auto token = core_->tokens().lookup(info->token, true);
  ASSERT_TRUE(token);
  EXPECT_EQ((*token)->num_uses, 1);
  EXPECT_THAT((*token)->policies, testing::ElementsAre("response-wrapping"));
  EXPECT_EQ((*token)->explicit_max_ttl, Seconds{60});
  EXPECT_FALSE((*token)->renewable);
  EXPECT_TRUE((*token)->orphan);
  EXPECT_EQ((*token)->path, "secret/a");
  EXPECT_EQ((*token)->display_name, "token-x");
  EXPECT_EQ((*token)->accessor, info->accessor);
}

TEST_F(SysWrapping, LookupTellsOfItAndTakesNothing) {
  const auto info = keep();
  for (int i = 0; i < 3; ++i) {
    EXPECT_EQ(data(post("wrapping/lookup", info->token)),
              R"({"creation_path":"secret/a","creation_time":)"
              R"("2026-01-02T03:04:05.678Z","creation_ttl":60})");
  }
  EXPECT_EQ(data(post("wrapping/unwrap", info->token)), R"({"a":1})");
}

TEST_F(SysWrapping, TheCallersOwnTokenIsMeantWhereNoneIsNamed) {
  const auto info = keep();
  EXPECT_THAT(data(call(Operation::kRead, "wrapping/lookup", {}, info->token)),
              HasSubstr("secret/a"));
  EXPECT_EQ(data(call(Operation::kUpdate, "wrapping/unwrap", {}, info->token)),
            R"({"a":1})");
}

TEST_F(SysWrapping, RewrapGivesANewTokenForTheSame) {
  const auto info = keep();
  clock_.time += Seconds{5};
  const auto again = post("wrapping/rewrap", info->token);
  ASSERT_TRUE(again) << error(again);
  ASSERT_TRUE(again->wrap_info);
  EXPECT_NE(again->wrap_info->token, info->token);
  EXPECT_EQ(again->wrap_info->ttl, Seconds{60});
  EXPECT_EQ(again->wrap_info->creation_path, "secret/a");
  EXPECT_EQ(again->wrap_info->creation_time, clock_.time);
  EXPECT_EQ(error(post("wrapping/unwrap", info->token)), kNotValid);
  EXPECT_EQ(data(post("wrapping/unwrap", again->wrap_info->token)),
            R"({"a":1})");
}

TEST_F(SysWrapping, RewrapForAShorterTimeOnly) {
  wrap_ttl_ = Seconds{10};
  const auto shorter = post("wrapping/rewrap", keep()->token);
  EXPECT_EQ(shorter->wrap_info->ttl, Seconds{10});
  wrap_ttl_ = Seconds{100};
  const auto longer = post("wrapping/rewrap", keep()->token);
  EXPECT_EQ(longer->wrap_info->ttl, Seconds{60});
}

TEST_F(SysWrapping, ItEndsWithItsTime) {
  const auto info = keep(R"({"a":1})", Seconds{1});
  clock_.time += Seconds{1};
  EXPECT_EQ(error(post("wrapping/lookup", info->token)), kNotValid);
  EXPECT_EQ(error(post("wrapping/unwrap", info->token)), kNotValid);
}

TEST_F(SysWrapping, ItOutlivesARestart) {
  const auto info = keep();
  rebuild();
  unseal();
  EXPECT_EQ(data(post("wrapping/unwrap", info->token)), R"({"a":1})");
}

TEST_F(SysWrapping, AStatusOfItsOwnIsKept) {
  const auto info = keep(R"({"a":1})", Seconds{60}, 400);
  EXPECT_EQ(post("wrapping/unwrap", info->token)->status, 400);
}

TEST_F(SysWrapping, OtherTokensAreNone) {
  EXPECT_EQ(error(post("wrapping/unwrap", root_)), kNotValid);
  EXPECT_EQ(error(post("wrapping/unwrap", "nope")), kNotValid);
  EXPECT_EQ(error(post("wrapping/unwrap", make_token({"default"}))), kNotValid);
  EXPECT_EQ(error(call(Operation::kUpdate, "wrapping/unwrap", {}, root_)),
            kNotValid);
}

TEST_F(SysWrapping, WhatIsNoTokenIsRefused) {
  const auto told = [&](std::string_view json) {
    return error(call(Operation::kUpdate, "wrapping/lookup", json));
  };
  EXPECT_EQ(told({}), "error validating wrapping token: token is empty");
  EXPECT_EQ(told(R"({"token":null})"),
            "error validating wrapping token: token is empty");
  EXPECT_EQ(told(R"({"token":""})"),
            "error validating wrapping token: empty token in request body");
  EXPECT_EQ(told(R"({"token":5})"),
            "error validating wrapping token: could not decode token in "
            "request body");
}

TEST_F(SysWrapping, WrapAsksForItsHeader) {
  EXPECT_EQ(error(call(Operation::kUpdate, "wrapping/wrap", R"({"a":1})")),
            "endpoint requires response wrapping to be used");
  wrap_ttl_ = Seconds{60};
  EXPECT_EQ(data(call(Operation::kUpdate, "wrapping/wrap",
                      R"({"token":"x","n":9007199254740993,"l":[null]})")),
            R"({"token":"x","n":9007199254740993,"l":[null]})");
  EXPECT_EQ(data(call(Operation::kUpdate, "wrapping/wrap")), "{}");
}

TEST_F(SysWrapping, WhatIsTooLargeIsRefusedAndLeavesNoToken) {
  const auto before = core_->tokens().count().value();
  const auto kept =
      keep_answer(*core_, {.json = std::string(2'000'000, 'x'), .status = 0},
                  {.ttl = Seconds{60},
                   .creation_path = "a",
                   .display_name = {},
                   .wrapped_accessor = {}});
  ASSERT_FALSE(kept);
  EXPECT_EQ(kept.error().code(), ErrorCode::kTooLarge);
  EXPECT_EQ(core_->tokens().count().value(), before);
}

TEST_F(SysWrapping, OfManyCallersOneGetsIt) {
  constexpr int kCallers = 8;
  const auto info = keep();
  const auto token = find_wrapping_token(*core_, info->token, true).value();
  std::atomic<int> got{0};
  std::vector<std::jthread> callers;
  for (int i = 0; i < kCallers; ++i) {
    callers.emplace_back([&, i] {
      // Half of them take it, half of them wrap it anew.
      if (i % 2 == 0 ? take_answer(*core_, *token, false).has_value()
                     : rewrap_answer(*core_, *token, false, {}).has_value()) {
        ++got;
      }
    });
  }
  callers.clear();
  EXPECT_EQ(got, 1);
  // The root token, and the new one where it was wrapped anew.
  EXPECT_LE(core_->tokens().count().value(), 2U);
}

TEST(WrapTtl, Texts) {
  EXPECT_EQ(parse_wrap_ttl("60").value(), Seconds{60});
  EXPECT_EQ(parse_wrap_ttl("1h30m").value(), Seconds{5400});
  EXPECT_EQ(parse_wrap_ttl("1.5s").value(), Seconds{1});
  EXPECT_EQ(parse_wrap_ttl("500ms").value(), Seconds{1});
  EXPECT_EQ(parse_wrap_ttl("0").value(), std::nullopt);
  EXPECT_EQ(parse_wrap_ttl("-1").error().message(),
            "error parsing X-Vault-Wrap-TTL header: requested wrap ttl cannot "
            "be negative");
  EXPECT_EQ(parse_wrap_ttl("x").error().message(),
            "error parsing X-Vault-Wrap-TTL header: time: invalid duration "
            "\"x\"");
}

}  // namespace
}  // namespace bulla::server
