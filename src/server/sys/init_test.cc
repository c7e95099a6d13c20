#include <gmock/gmock.h>

#include "base/encoding.h"
#include "crypto/pgp_test_key.h"
#include "kek/static_kek.h"
#include "server/sys/sys_fixture.h"

namespace bulla::server {
namespace {

using api::Operation;
using ::testing::HasSubstr;
using ::testing::Not;

class InitTest : public SysFixture {
 protected:
  Result<api::Response> init(std::string_view body) {
    return call(Operation::kUpdate, "init", body);
  }
};

TEST_F(InitTest, AnswersWithoutATokenWhileSealed) {
  const api::Route* found = route("init");
  ASSERT_NE(found, nullptr);
  EXPECT_TRUE(found->unauthenticated);
  EXPECT_TRUE(found->while_sealed);
  EXPECT_FALSE(found->audited);
}

TEST_F(InitTest, TellsAndInitialises) {
  auto before = call(Operation::kRead, "init");
  EXPECT_EQ(data(before), R"({"initialized":false})");
  EXPECT_TRUE(before->bare);

  const auto made = init(R"({"secret_shares": 5, "secret_threshold": 3})");
  ASSERT_TRUE(made) << made.error().message();
  EXPECT_TRUE(made->bare);
  EXPECT_EQ(made->status, 200);
  EXPECT_FALSE(core_->serving());
  EXPECT_EQ(data(call(Operation::kRead, "init")), R"({"initialized":true})");

  JsonParser parser;
  const auto json = parse_json(parser, made->data);
  ASSERT_TRUE(json);
  const auto keys = (*json)["keys"].get_array().value();
  const auto coded = (*json)["keys_base64"].get_array().value();
  ASSERT_EQ(keys.size(), 5U);
  ASSERT_EQ(coded.size(), 5U);
  EXPECT_THAT(made->data, Not(HasSubstr("recovery_keys")));
  const std::string root((*json)["root_token"].get_string().value());
  EXPECT_FALSE(root.empty());
  for (std::size_t i = 0; i < 3; ++i) {
    const auto hex = hex_decode(keys.at(i).get_string().value());
    const auto base64 = base64_decode(coded.at(i).get_string().value());
    ASSERT_TRUE(hex && base64);
    EXPECT_EQ(*hex, *base64);
    const auto opened = core_->unseal(SecretBytes::copy_of(*hex));
    ASSERT_TRUE(opened);
    EXPECT_EQ(*opened, i == 2);
  }
  EXPECT_TRUE(core_->serving());
  EXPECT_TRUE(core_->tokens().lookup(root, true));
}

TEST_F(InitTest, InitialisesOnce) {
  open();
  EXPECT_EQ(error(init(R"({"secret_shares":1,"secret_threshold":1})")),
            "Vault is already initialized");
  // Before any look at the parameters.
  EXPECT_EQ(error(init("{}")), "Vault is already initialized");
  EXPECT_TRUE(core_->serving());
}

TEST_F(InitTest, RefusesWithTheTextsOfTheContract) {
  EXPECT_EQ(error(init("{}")),
            "invalid seal configuration: shares must be at least one");
  EXPECT_EQ(error(init(R"({"secret_shares":5,"secret_threshold":1})")),
            "invalid seal configuration: threshold must be greater than one "
            "for multiple shares");
  EXPECT_EQ(error(init(R"({"secret_shares":1,"secret_threshold":1,
                           "recovery_shares":1})")),
            "parameters recovery_shares not applicable to seal type shamir");
  EXPECT_EQ(error(init(R"({"secret_shares":2,"secret_threshold":2,
                           "pgp_keys":["a"]})")),
            "invalid seal configuration: count mismatch between number of "
            "provided PGP keys and number of shares");
  EXPECT_THAT(error(init(R"({"secret_shares":1,"secret_threshold":1,
                             "pgp_keys":["a"]})")),
              HasSubstr("error parsing given PGP key"));
  EXPECT_THAT(error(init(R"({"secret_shares":1,"secret_threshold":1,
                             "root_token_pgp_key":"a"})")),
              HasSubstr("error parsing given PGP key"));
  EXPECT_THAT(error(init(R"({"secret_shares":"many"})")),
              HasSubstr("secret_shares"));
  EXPECT_FALSE(*core_->custody().initialized());
}

TEST_F(InitTest, EncryptsToHolders) {
  const crypto::PgpTestKey alice("alice"), carol("carol");
  const auto made = data(init(R"({"secret_shares":1,"secret_threshold":1,
      "pgp_keys":[")" + alice.base64() +
                              R"("],"root_token_pgp_key":")" + carol.base64() +
                              "\"}"));
  const auto text = [&](std::string_view opening) {
    const auto begin = made.find(opening) + opening.size();
    return made.substr(begin, made.find('"', begin) - begin);
  };
  const auto share = alice.decrypt(*base64_decode(text(R"("keys_base64":[")")));
  const auto token = carol.decrypt(*base64_decode(text(R"("root_token":")")));
  ASSERT_TRUE(*core_->unseal(SecretBytes::copy_of(*hex_decode(share))));
  EXPECT_TRUE((*core_->tokens().lookup(token, true))->is_root());
}

TEST_F(InitTest, AcceptsWhatHvacSends) {
  EXPECT_TRUE(init(R"({"secret_shares":1,"secret_threshold":1,
      "pgp_keys":null,"root_token_pgp_key":null,"stored_shares":null,
      "recovery_shares":null,"recovery_threshold":null,
      "recovery_pgp_keys":null})"));
}

TEST_F(InitTest, OpensByItselfWithAnAutomaticSeal) {
  std::vector<std::unique_ptr<kek::KekProvider>> providers;
  providers.push_back(kek::StaticKek::create("static", {"k1", rng_.secret(32)},
                                             std::nullopt, rng_)
                          .value());
  CoreParts parts{.config = config_,
                  .storage = storage_,
                  .rng = rng_,
                  .clock = clock_,
                  .log = log_,
                  .providers = std::move(providers),
                  .engines = {}};
  parts.automatic_seal = true;
  Core core(std::move(parts));
  Routes routes;
  add_init_routes(core, routes);
  JsonParser parser;
  const auto body =
      parse_json(parser, R"({"recovery_shares":3,"recovery_threshold":2})");
  api::Request request;
  ASSERT_TRUE(
      request.fields.bind(routes[0].fields, {}, body->get_object().value()));
  api::Context context;
  const auto made = routes[0].methods[1].handler(request, context);
  ASSERT_TRUE(made) << made.error().message();
  EXPECT_TRUE(core.serving());
  EXPECT_THAT(made->data, HasSubstr(R"("keys":[],"keys_base64":[],)"
                                    R"("recovery_keys":[")"));
}

}  // namespace
}  // namespace bulla::server
