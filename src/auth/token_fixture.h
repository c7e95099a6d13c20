#pragma once

// What the tests of this folder stand on: an open barrier over memory, a clock
// to step, and the two stores.

#include <gtest/gtest.h>

#include <atomic>
#include <string>

#include "auth/policy_store.h"
#include "auth/token_store.h"
#include "barrier/barrier.h"
#include "crypto/rng.h"
#include "storage/fault.h"
#include "storage/memory.h"

namespace bulla::auth {

class StepClock final : public Clock {
 public:
  Time now() const override { return from_unix_nanos(nanos_.load()); }
  void step(Seconds by) { nanos_ += Duration(by).count(); }

 private:
  std::atomic<std::int64_t> nanos_{1'767'225'600'500'000'000};  // 2026-01-01
};

class TokenFixture : public ::testing::Test {
 protected:
  TokenFixture() {
    const SecretBytes root = rng_.secret(32);
    auto keyring = barrier_.create(root);
    EXPECT_TRUE(keyring);
    EXPECT_TRUE(memory_.commit({&*keyring, 1}));
    EXPECT_TRUE(policies_.load());
    EXPECT_TRUE(tokens_.load());
  }

  /// A spec with these policies that lives an hour.
  static TokenSpec spec(std::vector<std::string> policies = {"default"}) {
    TokenSpec made;
    made.policies = std::move(policies);
    made.display_name = "token";
    made.path = "auth/token/create";
    made.ttl = Seconds{3600};
    return made;
  }
  CreatedToken make(TokenSpec from) {
    auto created = tokens_.create(std::move(from));
    EXPECT_TRUE(created) << (created ? "" : created.error().message());
    return created ? *std::move(created) : CreatedToken{};
  }
  CreatedToken child_of(const CreatedToken& parent) {
    TokenSpec from = spec();
    from.parent = parent.token->hash;
    return make(std::move(from));
  }
  bool lives(const CreatedToken& token) {
    return tokens_.lookup(token.client_token, true).has_value();
  }
  /// The store as a fresh process would see it.
  void restart() {
    tokens_.clear();
    EXPECT_TRUE(tokens_.load());
  }
  std::size_t entries() { return memory_.scan("sys/token/").value().size(); }

  storage::MemoryStorage memory_;
  storage::FaultStorage storage_{memory_};
  crypto::SystemRng rng_;
  StepClock clock_;
  barrier::Barrier barrier_{storage_, rng_, clock_};
  PolicyStore policies_{barrier::View(barrier_, "sys/policy/"), clock_};
  TokenStore tokens_{barrier_, barrier::View(barrier_, "sys/token/"), rng_,
                     clock_};
};

}  // namespace bulla::auth
