// Counting encryptions, and what happens at max_operations.

#include "engine/transit/usage.h"

#include <gtest/gtest.h>

#include <charconv>
#include <map>
#include <random>
#include <thread>

#include "engine/transit/test_support.h"

namespace bulla::engine::transit {
namespace {

using testing::ElementsAre;
using testing::HasSubstr;
using testing::IsEmpty;
using testing::StartsWith;

TEST(UsageTest, TakesNoMoreThanIsReserved) {
  Usage usage(10, 15);
  EXPECT_EQ(usage.take(3), 3U);
  EXPECT_EQ(usage.take(3), 2U);
  EXPECT_EQ(usage.take(3), 0U);
  EXPECT_EQ(usage.count(), 15U);
  usage.give_back(1);
  EXPECT_EQ(usage.take(1), 1U);
  usage.reserve(20);
  EXPECT_EQ(usage.close(), 15U);
  EXPECT_EQ(usage.take(1), 0U);
  EXPECT_EQ(usage.count(), 15U);
}

TEST(UsageTest, ManyThreadsTakeExactlyWhatIsReserved) {
  Usage usage(0, 100'000);
  std::atomic<std::uint64_t> taken{0};
  std::vector<std::thread> threads;
  for (std::uint64_t t = 1; t <= 4; ++t) {
    threads.emplace_back([&, t] {
      for (int i = 0; i < 50'000; ++i) taken.fetch_add(usage.take(t));
    });
  }
  for (std::thread& thread : threads) thread.join();
  EXPECT_EQ(taken.load(), 100'000U);
  EXPECT_EQ(usage.count(), 100'000U);
}

TEST(UsageTest, Limits) {
  KeyRecord key;
  EXPECT_EQ(operations_limit(key), 0xF0000000U);
  key.derived = key.convergent = true;
  EXPECT_EQ(operations_limit(key), KeyRecord::kOperationsMax);
  key.max_operations = 20;
  EXPECT_EQ(operations_limit(key), 20U);
  key = KeyRecord();
  key.type = KeyType::kChaCha20Poly1305;
  EXPECT_EQ(operations_limit(key), KeyRecord::kOperationsMax);
}

class OperationsTest : public TransitTest {
 protected:
  // Ends the server as it should be, not as a crash does.
  void stop_and_restart() {
    backend_->stop();
    restart();
  }
  std::uint64_t shown(std::string_view name, int version) {
    const std::string text = get(fmt::format("keys/{}", name))
                                 .at(fmt::format("/operations/{}", version));
    std::uint64_t count = 0;
    std::from_chars(text.data(), text.data() + text.size(), count);
    return count;
  }
  Outcome batch(std::string_view name, int items) {
    std::string body = R"({"batch_input":[)";
    for (int i = 0; i < items; ++i) {
      body += i == 0 ? "" : ",";
      body += R"({"plaintext":"eA=="})";
    }
    return post(fmt::format("encrypt/{}", name), body + "]}");
  }
  static int version_of(std::string_view sealed) {
    int version = 0;
    std::from_chars(sealed.data() + 7, sealed.data() + sealed.size(), version);
    return version;
  }
  std::size_t usage_entries() { return view_.scan("usage/").value().size(); }
};

TEST_F(OperationsTest, EveryEncryptionCounts) {
  make_key("k");
  const std::string sealed = encrypt("k", "x");
  must(batch("k", 3));
  must(post("datakey/wrapped/k"));
  must(post("rewrap/k", fmt::format(R"({{"ciphertext":"{}"}})", sealed)));
  EXPECT_EQ(decrypt("k", sealed), "x");
  EXPECT_EQ(shown("k", 1), 6U);
  // What is refused does not.
  EXPECT_EQ(encrypt("k", "x", R"(,"associated_data":"!")"),
            "unable to get associated_data/additional_data from factory[0]: "
            "illegal base64 data at input byte 0");
  EXPECT_EQ(post("encrypt/k",
                 R"({"batch_input":[{"plaintext":"!"},{"plaintext":""}]})")
                .status(),
            400);
  EXPECT_EQ(shown("k", 1), 7U);
  rotate("k");
  must(batch("k", 2));
  EXPECT_EQ(get("keys/k").at("/operations"), R"({"1":7,"2":2})");
  EXPECT_EQ(get("keys/k").at("/max_operations"), "4026531840");
}

TEST_F(OperationsTest, KeysThatDoNotEncryptHaveNone) {
  make_key("h", R"({"type":"hmac"})");
  EXPECT_EQ(get("keys/h").at("/operations"), "<absent>");
  EXPECT_EQ(get("keys/h").at("/max_operations"), "<absent>");
  make_key("c", R"({"type":"chacha20-poly1305"})");
  EXPECT_EQ(get("keys/c").at("/max_operations"), "0");
  EXPECT_EQ(get("keys/c").at("/operations"), R"({"1":0})");
}

TEST_F(OperationsTest, WhatMaxOperationsMayBe) {
  const auto error = [&](std::string_view body) {
    return post_error("keys/k", body);
  };
  EXPECT_EQ(error(R"({"max_operations":15})"),
            "max_operations must be 0 or at least 16");
  EXPECT_EQ(error(R"({"max_operations":-1})"),
            "max_operations must be 0 or at least 16");
  EXPECT_EQ(error(R"({"type":"hmac","max_operations":16})"),
            "max_operations is not valid for algorithm hmac");
  EXPECT_EQ(error(R"({"max_operations":4294967296})"),
            "max_operations of keys of type aes256-gcm96 must be at most "
            "4294967295");
  make_key("x", R"({"type":"xchacha20-poly1305","max_operations":4294967296})");
  EXPECT_EQ(get("keys/x").at("/max_operations"), "4294967296");
  must(post("keys/x/config", R"({"max_operations":0})"));
  EXPECT_EQ(get("keys/x").at("/max_operations"), "0");
  EXPECT_EQ(post_error("keys/x/config", R"({"max_operations":3})"),
            "max_operations must be 0 or at least 16");
}

// The loops count without storage: only a used-up reservation goes there.
TEST_F(OperationsTest, AFreshVersionCountsInMemory) {
  make_key("k");
  encrypt("k", "x");
  const std::uint64_t steps = storage_.steps();
  may_block_ = false;
  for (std::uint64_t i = 1; i < kUnwrittenOperations; i += 512) {
    must(batch("k", i + 512 < kUnwrittenOperations ? 512 : 511));
  }
  EXPECT_EQ(storage_.steps(), steps);
  EXPECT_EQ(post("encrypt/k", R"({"plaintext":""})").code,
            ErrorCode::kWouldBlock);
  may_block_ = true;
  must(post("encrypt/k", R"({"plaintext":""})"));
  EXPECT_EQ(usage_entries(), 1U);
  may_block_ = false;
  must(post("encrypt/k", R"({"plaintext":""})"));
}

TEST_F(OperationsTest, ACrashCountsTooMuchAndAStopExactly) {
  make_key("k");
  must(batch("k", 5));
  restart();
  EXPECT_EQ(shown("k", 1), kUnwrittenOperations);
  must(batch("k", 5));
  const std::uint64_t counted = kUnwrittenOperations + 5;
  EXPECT_EQ(shown("k", 1), counted);
  stop_and_restart();
  EXPECT_EQ(shown("k", 1), counted);
  must(batch("k", 5));
  EXPECT_EQ(shown("k", 1), counted + 5);
  restart();
  EXPECT_GT(shown("k", 1), counted + 5);
}

TEST_F(OperationsTest, NothingIsCountedBehindAStop) {
  make_key("k");
  must(batch("k", 5));
  backend_->stop();
  may_block_ = false;
  EXPECT_EQ(batch("k", 5).code, ErrorCode::kWouldBlock);
  may_block_ = true;
  must(batch("k", 5));  // the barrier is still open: written first
  restart();
  EXPECT_GE(shown("k", 1), 10U);
}

TEST_F(OperationsTest, TheTickReservesAheadOfUse) {
  make_key("k");
  for (int i = 0; i < 7; ++i) must(batch("k", 512));
  backend_->tick(clock_.time);
  may_block_ = false;
  for (int i = 0; i < 16; ++i) must(batch("k", 512));
  EXPECT_EQ(shown("k", 1), 23U * 512);
  restart();
  may_block_ = true;
  EXPECT_GE(shown("k", 1), 23U * 512);
  EXPECT_LE(shown("k", 1), 64U * 512);
}

TEST_F(OperationsTest, AtTheLimitTheKeyRotates) {
  make_key("k", R"({"max_operations":16})");
  std::map<int, int> seen;
  for (int i = 0; i < 40; ++i) ++seen[version_of(encrypt("k", "x"))];
  EXPECT_EQ(seen, (std::map<int, int>{{1, 16}, {2, 16}, {3, 8}}));
  EXPECT_EQ(get("keys/k").at("/operations"), R"({"1":16,"2":16,"3":8})");
  EXPECT_THAT(events_.lines,
              ElementsAre("keys/k/rotate {\"automatic\":true,"
                          "\"max_operations\":16,\"from_version\":1}",
                          "keys/k/rotate {\"automatic\":true,"
                          "\"max_operations\":16,\"from_version\":2}"));
  EXPECT_EQ(backend_->metrics().limit_rotations, 2U);
  backend_->tick(clock_.time);
  EXPECT_EQ(backend_->metrics().highest_operations, 16U);
}

TEST_F(OperationsTest, ABatchGoesOnUnderTheNextVersion) {
  make_key("k", R"({"max_operations":16})");
  const Outcome outcome = batch("k", 100);
  must(outcome);
  EXPECT_EQ(outcome.status(), 0);
  std::map<int, int> seen;
  for (int i = 0; i < 100; ++i) {
    const std::string sealed =
        outcome.at(fmt::format("/batch_results/{}/ciphertext", i));
    ++seen[version_of(sealed)];
    EXPECT_EQ(decrypt("k", sealed), "x");
  }
  EXPECT_EQ(seen.size(), 7U);
  for (const auto& [version, count] : seen) EXPECT_LE(count, 16) << version;
}

TEST_F(OperationsTest, DerivedKeysAndDataKeysRotateToo) {
  make_key("d", R"({"derived":true,"max_operations":16})");
  std::set<int> seen;
  for (int i = 0; i < 40; ++i) {
    const std::string sealed = encrypt("d", "x", R"(,"context":"YQ==")");
    seen.insert(version_of(sealed));
    EXPECT_EQ(decrypt("d", sealed, R"(,"context":"YQ==")"), "x");
  }
  EXPECT_THAT(seen, ElementsAre(1, 2, 3));
  make_key("k", R"({"max_operations":16})");
  for (int i = 0; i < 17; ++i) must(post("datakey/wrapped/k"));
  EXPECT_EQ(get("keys/k").at("/latest_version"), "2");
}

TEST_F(OperationsTest, ANamedVersionIsRefusedAtItsLimit) {
  make_key("k", R"({"max_operations":16})");
  must(batch("k", 16));
  constexpr std::string_view kFirst = R"(,"key_version":1)";
  EXPECT_EQ(encrypt("k", "x", kFirst),
            "version 1 of key k has done the 16 encryptions that "
            "max_operations allows");
  EXPECT_EQ(get("keys/k").at("/latest_version"), "1");
  EXPECT_THAT(encrypt("k", "x"), StartsWith("vault:v2:"));
}

TEST_F(OperationsTest, ImportedKeysThatMayNotRotateStop) {
  KeyRecord imported;
  imported.imported = true;
  imported.max_operations = 16;
  ASSERT_TRUE(backend_->keys().create(
      "k", imported, clock_.time,
      SymmetricMaterial{SecretBytes::copy_of(counting(32))}));
  must(batch("k", 16));
  constexpr std::string_view kError =
      "version 1 of key k has done the 16 encryptions that max_operations "
      "allows, and the imported key does not allow rotation";
  EXPECT_EQ(encrypt("k", "x"), kError);
  const Outcome more = batch("k", 2);
  EXPECT_EQ(more.status(), 400);
  EXPECT_EQ(more.at("/batch_results/1/error"), kError);
  EXPECT_THAT(events_.lines, IsEmpty());
  must(post("keys/k/config", R"({"max_operations":20})"));
  must(batch("k", 4));
  EXPECT_EQ(encrypt("k", "x").substr(0, 20), std::string(kError.substr(0, 20)));
}

TEST_F(OperationsTest, WhatCannotBeAuditedIsNotDone) {
  make_key("k", R"({"max_operations":16,"auto_rotate_period":"1h"})");
  must(batch("k", 16));
  events_.refuses = true;
  EXPECT_EQ(encrypt("k", "x"), "not audited");
  clock_.time += Seconds(7200);
  backend_->tick(clock_.time);
  EXPECT_EQ(get("keys/k").at("/latest_version"), "1");
  events_.refuses = false;
  clock_.time += Seconds(7200);
  backend_->tick(clock_.time);
  EXPECT_THAT(events_.lines,
              ElementsAre("keys/k/rotate {\"automatic\":true,"
                          "\"auto_rotate_period\":3600,\"from_version\":1}"));
  EXPECT_THAT(encrypt("k", "x"), StartsWith("vault:v2:"));
}

TEST_F(OperationsTest, ALowerLimitHoldsAtOnce) {
  make_key("k");
  must(batch("k", 20));
  must(post("keys/k/config", R"({"max_operations":30})"));
  EXPECT_EQ(shown("k", 1), 20U);
  for (int i = 0; i < 10; ++i) {
    EXPECT_THAT(encrypt("k", "x"), StartsWith("vault:v1:"));
  }
  EXPECT_THAT(encrypt("k", "x"), StartsWith("vault:v2:"));
  must(post("keys/k/config", R"({"max_operations":16})"));
  stop_and_restart();
  EXPECT_EQ(get("keys/k").at("/operations"), R"({"1":30,"2":1})");
}

TEST_F(OperationsTest, CountsGoWithTheirVersions) {
  make_key("k", R"({"max_operations":16})");
  must(batch("k", 60));
  EXPECT_EQ(usage_entries(), 4U);
  must(post("keys/k/config",
            R"({"min_decryption_version":3,"min_encryption_version":3})"));
  must(post("keys/k/trim", R"({"min_available_version":3})"));
  EXPECT_EQ(usage_entries(), 2U);
  backend_->stop();
  EXPECT_EQ(usage_entries(), 2U);
  must(post("keys/k/config", R"({"deletion_allowed":true})"));
  must(call(api::Operation::kDelete, "keys/k"));
  backend_->stop();
  EXPECT_EQ(usage_entries(), 0U);
}

// Keys that leave memory take their counts along, to the operation.
TEST_F(OperationsTest, CountsOutliveTheCache) {
  must(post("cache-config", R"({"size":10})"));
  for (int i = 0; i < 30; ++i) make_key(fmt::format("k{}", i));
  for (int round = 1; round <= 3; ++round) {
    for (int i = 0; i < 30; ++i) must(batch(fmt::format("k{}", i), 2));
    loop_.forget_all();
    backend_->tick(clock_.time);
    for (int i = 0; i < 30; ++i) {
      EXPECT_EQ(shown(fmt::format("k{}", i), 1), 2U * round);
    }
  }
}

TEST_F(OperationsTest, ManyThreadsKeepTheLimit) {
  constexpr int kEach = 500;
  constexpr int kLimit = 100;
  make_key("k", fmt::format(R"({{"max_operations":{}}})", kLimit));
  std::mutex mutex;
  std::map<int, int> seen;
  std::vector<std::thread> users;
  for (int t = 0; t < 4; ++t) {
    users.emplace_back([&] {
      api::LoopState loop;
      api::Context context = request_context(loop);
      for (int i = 0; i < kEach; ++i) {
        const Outcome sealed = run(*backend_, context, api::Operation::kUpdate,
                                   "encrypt/k", R"({"plaintext":"eA=="})");
        EXPECT_TRUE(sealed.ok) << sealed.error;
        const std::lock_guard lock(mutex);
        ++seen[version_of(sealed.at("/ciphertext"))];
      }
    });
  }
  for (std::thread& user : users) user.join();
  int total = 0;
  for (const auto& [version, count] : seen) {
    EXPECT_LE(count, kLimit) << version;
    total += count;
  }
  EXPECT_EQ(total, 4 * kEach);
  EXPECT_EQ(seen.size(), 4U * kEach / kLimit);
  EXPECT_EQ(events_.lines.size(), seen.size() - 1);
}

// Whatever happens in between, what is shown is never less than what was done,
// and no version does more than its limit.
TEST_F(OperationsTest, NeverCountsTooLittle) {
  std::mt19937 random(20240719);
  int limit = 200;
  make_key("k", R"({"max_operations":200})");
  std::map<int, std::uint64_t> done;
  for (int step = 0; step < 600; ++step) {
    const int pick = static_cast<int>(random() % 12);
    if (pick < 6) {
      const int items = 1 + static_cast<int>(random() % 20);
      if (random() % 8 == 0) {
        storage_.fail_commit(1, random() % 2 == 0
                                    ? storage::FaultStorage::When::kBefore
                                    : storage::FaultStorage::When::kAfter);
      }
      const Outcome outcome = batch("k", items);
      storage_.clear();
      for (int i = 0; outcome.ok && i < items; ++i) {
        const std::string sealed =
            outcome.at(fmt::format("/batch_results/{}/ciphertext", i));
        if (sealed != "<absent>") ++done[version_of(sealed)];
      }
    } else if (pick == 6) {
      restart();
    } else if (pick == 7) {
      stop_and_restart();
    } else if (pick == 8) {
      backend_->tick(clock_.time);
    } else if (pick == 9) {
      loop_.forget_all();
    } else if (pick == 10) {
      rotate("k");
    } else {
      limit = 16 + static_cast<int>(random() % 200);
      must(post("keys/k/config",
                fmt::format(R"({{"max_operations":{}}})", limit)));
    }
    const Outcome body = get("keys/k");
    for (const auto& [version, count] : done) {
      const std::string text = body.at(fmt::format("/operations/{}", version));
      ASSERT_GE(std::stoull(text), count) << "at step " << step;
      ASSERT_LE(count, 216U);
    }
  }
  EXPECT_GT(done.size(), 20U);
}

TEST_F(OperationsTest, TheStoredForm) {
  EXPECT_EQ(hex_encode(encode(UsageRecord{.ceiling = 258}).expose()),
            "010000000000000102");
  EXPECT_TRUE(
      decode_usage_record(encode(UsageRecord{.ceiling = 258}).expose()));
  for (const char* bad : {"", "01", "020000000000000102", "018000000000000000",
                          "01000000000000010200"}) {
    EXPECT_FALSE(decode_usage_record(hex_decode(bad).value())) << bad;
  }
  EXPECT_EQ(usage_number(usage_path("k", KeyId{}, 258)), 258U);
  EXPECT_EQ(usage_number("usage/k"), 0U);
}

class FipsTest : public TransitTest {};

TEST_F(FipsTest, OnlyApprovedTypes) {
  for (const KeyTypeInfo& type : all_key_types()) {
    if (!type.fips_allowed) {
      make_key(type.name, fmt::format(R"({{"type":"{}"}})", type.name));
    }
  }
  const std::string sealed = encrypt("chacha20-poly1305", "x");
  fips_mode_ = true;
  restart();
  for (const KeyTypeInfo& type : all_key_types()) {
    SCOPED_TRACE(type.name);
    const std::string refused =
        fmt::format("key type {} is not allowed in FIPS mode", type.name);
    const bool rsa_that_takes_long = type.bits > 2048;
    if (rsa_that_takes_long) continue;
    EXPECT_EQ(post_error(fmt::format("keys/new-{}", type.name),
                         fmt::format(R"({{"type":"{}"}})", type.name)),
              type.fips_allowed ? "ok" : refused);
    if (type.fips_allowed) continue;
    EXPECT_EQ(post_error(fmt::format("hmac/{}", type.name), R"({"input":""})"),
              refused);
    // A rotation makes one, too, by itself as well.
    EXPECT_EQ(post_error(fmt::format("keys/{}/rotate", type.name)), refused);
    must(post(fmt::format("keys/{}/config", type.name),
              R"({"auto_rotate_period":"1h"})"));
  }
  EXPECT_EQ(decrypt("chacha20-poly1305", sealed),
            "key type chacha20-poly1305 is not allowed in FIPS mode");
  EXPECT_EQ(encrypt("new", "x", R"(,"type":"xchacha20-poly1305")"),
            "key type xchacha20-poly1305 is not allowed in FIPS mode");
  clock_.time += std::chrono::hours(3);
  backend_->tick(clock_.time);
  EXPECT_EQ(get("keys/ed25519").at("/latest_version"), "1");
  // They are still shown, and can be got rid of.
  EXPECT_EQ(get("keys/ed25519").at("/type"), "ed25519");
  must(post("keys/ed25519/config", R"({"deletion_allowed":true})"));
  EXPECT_TRUE(call(api::Operation::kDelete, "keys/ed25519").ok);
}

}  // namespace
}  // namespace bulla::engine::transit
