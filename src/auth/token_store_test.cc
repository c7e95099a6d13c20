#include "auth/token_store.h"

#include <gmock/gmock.h>

#include <thread>

#include "auth/token_fixture.h"
#include "auth/token_record.h"

namespace bulla::auth {
namespace {

using ::testing::HasSubstr;
using ::testing::MatchesRegex;
using ::testing::Not;

class TokenStoreTest : public TokenFixture {};

TEST_F(TokenStoreTest, MakesAndFinds) {
  const CreatedToken made = make(spec({"a", "default"}));
  EXPECT_THAT(made.client_token, MatchesRegex("s\\.[0-9A-Za-z]{24}"));
  EXPECT_THAT(made.token->accessor, MatchesRegex("[0-9A-Za-z]{24}"));
  EXPECT_EQ(made.token->hash, tokens_.hash_of(made.client_token));
  EXPECT_EQ(made.token->hash.size(), 64U);
  EXPECT_TRUE(made.token->orphan);
  for (int pass = 0; pass < 2; ++pass) {
    const auto found = tokens_.lookup(made.client_token, true);
    ASSERT_TRUE(found);
    EXPECT_EQ((*found)->policies, made.token->policies);
    EXPECT_EQ((*found)->expire_time, made.token->expire_time);
    EXPECT_TRUE(tokens_.lookup_accessor(made.token->accessor));
    restart();  // and now from storage
  }
  EXPECT_EQ(*tokens_.count(), 1U);
}

TEST_F(TokenStoreTest, InlineLookupsNeverTouchStorage) {
  const CreatedToken made = make(spec());
  EXPECT_TRUE(tokens_.lookup(made.client_token, false));
  restart();
  const std::uint64_t steps = storage_.steps();
  EXPECT_EQ(tokens_.lookup(made.client_token, false).error().code(),
            ErrorCode::kWouldBlock);
  EXPECT_EQ(storage_.steps(), steps);
  EXPECT_TRUE(tokens_.lookup(made.client_token, true));
  EXPECT_TRUE(tokens_.lookup(made.client_token, false));
}

TEST_F(TokenStoreTest, RefusesWhatItDidNotMake) {
  for (const std::string& bad :
       {std::string(), std::string("s.unknown"), std::string("b."),
        std::string("b.!!"), std::string("b.AAAA"), std::string(100'000, 'x'),
        std::string("s.\0x", 4)}) {
    const auto found = tokens_.lookup(bad, true);
    ASSERT_FALSE(found);
    EXPECT_EQ(found.error().code(), ErrorCode::kPermissionDenied);
  }
  for (const std::string& bad :
       {std::string(), std::string("nope"), std::string(5000, 'a')}) {
    EXPECT_EQ(tokens_.lookup_accessor(bad).error().message(),
              "invalid accessor");
  }
  // A hash is not a token, nor an accessor.
  const CreatedToken made = make(spec());
  EXPECT_FALSE(tokens_.lookup(made.token->hash, true));
  EXPECT_FALSE(tokens_.lookup(made.token->accessor, true));
  EXPECT_FALSE(tokens_.lookup_accessor(made.client_token));
}

TEST_F(TokenStoreTest, CustomIds) {
  TokenSpec custom = spec();
  custom.id = "my-own";
  const CreatedToken made = make(custom);
  EXPECT_EQ(made.client_token, "my-own");
  EXPECT_TRUE(lives(made));
  EXPECT_EQ(tokens_.create(custom).error().message(),
            "cannot create a token with a duplicate ID");
  custom.id = "b.looks-sealed";
  EXPECT_FALSE(tokens_.create(custom));
}

TEST_F(TokenStoreTest, ExpiryIsSeenAtUse) {
  const CreatedToken made = make(spec());
  clock_.step(Seconds{3599});
  EXPECT_TRUE(lives(made));
  clock_.step(Seconds{1});
  EXPECT_FALSE(lives(made));  // though it is cached
  EXPECT_FALSE(tokens_.lookup_hash(made.token->hash));
  EXPECT_FALSE(tokens_.lookup_accessor(made.token->accessor));
  // Once refused, no clock brings it back.
  clock_.step(Seconds{-1800});
  EXPECT_FALSE(lives(made));
  EXPECT_EQ(*tokens_.sweep_expired(10), 1U);
  EXPECT_EQ(*tokens_.count(), 0U);
  EXPECT_EQ(entries(), 1U);  // the hash key
}

TEST_F(TokenStoreTest, AClockThatStepsBackLeavesLiveTokensAlone) {
  const CreatedToken made = make(spec());
  clock_.step(Seconds{-7200});
  EXPECT_TRUE(lives(made));
  EXPECT_EQ(*tokens_.sweep_expired(10), 0U);
  clock_.step(Seconds{7200 + 3600});
  EXPECT_FALSE(lives(made));
}

TEST_F(TokenStoreTest, SweepTakesOnlyTheExpired) {
  const CreatedToken brief = make(spec());
  TokenSpec longer = spec();
  longer.ttl = Seconds{7200};
  const CreatedToken lasting = make(longer);
  TokenSpec endless = spec({"root"});
  endless.ttl = Seconds{0};
  const CreatedToken root = make(endless);
  clock_.step(Seconds{3600});
  EXPECT_EQ(*tokens_.sweep_expired(0), 0U);
  EXPECT_EQ(*tokens_.sweep_expired(10), 1U);
  EXPECT_EQ(*tokens_.count(), 2U);
  EXPECT_TRUE(lives(lasting) && lives(root));
  EXPECT_FALSE(lives(brief));
}

TEST_F(TokenStoreTest, RenewalMovesTheEnd) {
  const CreatedToken made = make(spec());
  clock_.step(Seconds{3000});
  const std::uint64_t epoch = tokens_.epoch();
  const auto renewed = tokens_.renew(*made.token, Seconds{0}, Seconds{100'000});
  ASSERT_TRUE(renewed);
  EXPECT_GT(tokens_.epoch(), epoch);
  EXPECT_EQ(renewed->ttl, Seconds{3600});
  EXPECT_EQ(*renewed->token->expire_time, clock_.now() + Seconds{3600});
  EXPECT_EQ(renewed->token->last_renewal_time, clock_.now());
  clock_.step(Seconds{3000});
  EXPECT_TRUE(lives(made));
  EXPECT_EQ(*tokens_.sweep_expired(10), 0U);
  restart();
  EXPECT_TRUE(lives(made));
  clock_.step(Seconds{600});
  EXPECT_EQ(*tokens_.sweep_expired(10), 1U);
  EXPECT_EQ(entries(), 1U);
}

TEST_F(TokenStoreTest, RenewalGivesWhatTheLastOneGave) {
  const CreatedToken made = make(spec());
  const auto renew = [&](Seconds increment) {
    return tokens_.renew(*made.token, increment, Seconds{100'000});
  };
  EXPECT_EQ(renew(Seconds{60})->ttl, Seconds{60});
  clock_.step(Seconds{30});
  EXPECT_EQ(renew(Seconds{0})->ttl, Seconds{60});
  const auto capped = renew(Seconds{200'000});
  EXPECT_EQ(capped->ttl, Seconds{99'970});
  EXPECT_EQ(capped->warnings.size(), 1U);
  // What was granted fits: nothing to warn of.
  EXPECT_TRUE(renew(Seconds{0})->warnings.empty());
}

TEST_F(TokenStoreTest, RenewalHasItsLimits) {
  const auto message = [&](const CreatedToken& token, Seconds max_ttl) {
    const auto renewed = tokens_.renew(*token.token, Seconds{0}, max_ttl);
    return renewed ? std::string() : renewed.error().message();
  };
  TokenSpec fixed = spec();
  fixed.renewable = false;
  EXPECT_EQ(message(make(fixed), Seconds{9999}), "lease is not renewable");
  TokenSpec root = spec({"root"});
  root.ttl = Seconds{0};
  EXPECT_EQ(message(make(root), Seconds{9999}), "lease is not renewable");
  root.path = "auth/token/root";
  EXPECT_EQ(message(make(root), Seconds{9999}), "invalid lease ID");
  TokenSpec batch = spec();
  batch.type = api::Token::Type::kBatch;
  EXPECT_EQ(message(make(batch), Seconds{9999}),
            "batch tokens cannot be renewed");
  const CreatedToken made = make(spec());
  clock_.step(Seconds{1000});
  EXPECT_EQ(message(made, Seconds{1000}), "past the max TTL, cannot renew");
  EXPECT_EQ(message(made, Seconds{1001}), "");
  EXPECT_FALSE(
      tokens_.lookup(made.client_token, true).value()->expired(clock_.now()));
  clock_.step(Seconds{1});
  EXPECT_FALSE(lives(made));
}

TEST_F(TokenStoreTest, BatchTokensAreStoredNowhere) {
  const CreatedToken parent = make(spec());
  const std::size_t before = entries();
  TokenSpec batch = spec({"a"});
  batch.type = api::Token::Type::kBatch;
  batch.parent = parent.token->hash;
  const CreatedToken made = make(batch);
  EXPECT_EQ(entries(), before);
  EXPECT_THAT(made.client_token, MatchesRegex("b\\.[-_0-9A-Za-z]+"));
  const auto found = tokens_.lookup(made.client_token, false);
  ASSERT_TRUE(found);
  EXPECT_EQ((*found)->accessor, "");
  EXPECT_EQ((*found)->hash, "");
  EXPECT_FALSE((*found)->renewable);
  restart();
  EXPECT_EQ(tokens_.lookup(made.client_token, false).error().code(),
            ErrorCode::kWouldBlock);
  EXPECT_TRUE(lives(made));
  // Its life ends with its parent's.
  ASSERT_TRUE(tokens_.revoke(parent.token->hash));
  EXPECT_FALSE(lives(made));
}

TEST_F(TokenStoreTest, BatchTokensCannotBeForged) {
  TokenSpec batch = spec();
  batch.type = api::Token::Type::kBatch;
  const CreatedToken made = make(batch);
  ASSERT_TRUE(lives(made));
  for (std::size_t i = 2; i < made.client_token.size() - 1; i += 7) {
    std::string altered = made.client_token;
    altered[i] = altered[i] == 'A' ? 'B' : 'A';
    EXPECT_FALSE(tokens_.lookup(altered, true)) << i;
  }
  clock_.step(Seconds{3600});
  EXPECT_FALSE(lives(made));
}

TEST_F(TokenStoreTest, UsesAreCountedAndDurable) {
  TokenSpec limited = spec();
  limited.num_uses = 3;
  const CreatedToken made = make(limited);
  EXPECT_EQ(*tokens_.use(*made.token), 3);
  restart();
  EXPECT_EQ(*tokens_.use(*made.token), 2);
  EXPECT_EQ((*tokens_.lookup(made.client_token, true))->num_uses, 1);
  const std::uint64_t epoch = tokens_.epoch();
  EXPECT_EQ(*tokens_.use(*made.token), 1);
  EXPECT_GT(tokens_.epoch(), epoch);
  for (int pass = 0; pass < 2; ++pass) {
    EXPECT_EQ(tokens_.use(*made.token).error().code(),
              ErrorCode::kPermissionDenied);
    EXPECT_FALSE(lives(made));
    EXPECT_EQ((*tokens_.lookup_hash(made.token->hash))->num_uses,
              kUsesExhausted);
    restart();
  }
  // A server that stopped before revoking it does so later.
  EXPECT_EQ(*tokens_.sweep_expired(10), 1U);
  EXPECT_EQ(entries(), 1U);
}

TEST_F(TokenStoreTest, UsesAreExactAmongThreads) {
  TokenSpec limited = spec();
  limited.num_uses = 50;
  const CreatedToken made = make(limited);
  std::atomic<int> taken{0};
  std::atomic<int> last{0};
  std::vector<std::thread> threads;
  for (int t = 0; t < 4; ++t) {
    threads.emplace_back([&] {
      for (int i = 0; i < 20; ++i) {
        const auto left = tokens_.use(*made.token);
        if (!left) continue;
        ++taken;
        if (*left == 1) ++last;
      }
    });
  }
  for (auto& thread : threads) thread.join();
  EXPECT_EQ(taken, 50);
  EXPECT_EQ(last, 1);
}

TEST_F(TokenStoreTest, ALostCommitTakesNoUseTwice) {
  TokenSpec limited = spec();
  limited.num_uses = 2;
  const CreatedToken made = make(limited);
  storage_.fail_commit(1, storage::FaultStorage::When::kAfter);
  EXPECT_FALSE(tokens_.use(*made.token));  // taken, though not acknowledged
  EXPECT_EQ(*tokens_.use(*made.token), 1);
  EXPECT_FALSE(tokens_.use(*made.token));
}

TEST_F(TokenStoreTest, AccessorsArePaged) {
  std::vector<std::string> all;
  for (int i = 0; i < 7; ++i) all.push_back(make(spec()).token->accessor);
  std::vector<std::string> paged;
  std::string after;
  while (true) {
    const auto page = tokens_.accessors(after, 3);
    ASSERT_TRUE(page);
    if (page->empty()) break;
    EXPECT_LE(page->size(), 3U);
    paged.insert(paged.end(), page->begin(), page->end());
    after = page->back();
  }
  EXPECT_THAT(paged, ::testing::UnorderedElementsAreArray(all));
  EXPECT_THAT(*tokens_.accessors({}, 0),
              ::testing::UnorderedElementsAreArray(all));
}

TEST_F(TokenStoreTest, TheCacheIsBounded) {
  for (int i = 0; i < 3000; ++i) {
    TokenSpec from = spec();
    const CreatedToken made = make(std::move(from));
    if (i % 500 != 0) continue;
    EXPECT_TRUE(lives(made));
  }
  EXPECT_EQ(*tokens_.count(), 3000U);
}

TEST_F(TokenStoreTest, SealedMeansSealed) {
  const CreatedToken made = make(spec());
  tokens_.clear();
  EXPECT_EQ(tokens_.lookup(made.client_token, true).error().code(),
            ErrorCode::kSealed);
  EXPECT_FALSE(tokens_.create(spec()));
  EXPECT_EQ(tokens_.hash_of("x"), "");
}

TEST_F(TokenStoreTest, AlteredRecordsAreRefusedByName) {
  const CreatedToken made = make(spec());
  restart();
  storage_.flip("sys/token/id/" + made.token->hash, 60);
  const auto found = tokens_.lookup(made.client_token, true);
  ASSERT_FALSE(found);
  EXPECT_EQ(found.error().code(), ErrorCode::kCorrupt);
  EXPECT_THAT(found.error().message(), Not(HasSubstr(made.client_token)));
}

// The token itself is nowhere but with its holder.
TEST_F(TokenStoreTest, CanaryTheIdIsNeverStored) {
  TokenSpec custom = spec();
  custom.id = "canary-custom-identifier";
  const CreatedToken own = make(custom);
  const CreatedToken random = make(spec());
  const auto paths = memory_.scan("").value();
  for (const std::string& path : paths) {
    const auto entry = memory_.get(path);
    for (const CreatedToken* token : {&own, &random}) {
      const std::string secret = token->client_token.substr(2);
      EXPECT_THAT(path, Not(HasSubstr(secret)));
      EXPECT_THAT(to_text((*entry)->value), Not(HasSubstr(secret)));
      // Nor below the barrier's seal.
      if (path.starts_with("core/")) continue;
      const auto opened = barrier_.get(path);
      ASSERT_TRUE(opened);
      EXPECT_THAT(to_text((*opened)->value.expose()), Not(HasSubstr(secret)));
    }
  }
}

}  // namespace
}  // namespace bulla::auth
